//! The two sentinels in libssl's own cache, and the flushes of libssl's own that they make visible.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::application::{Application, Event, in_both_worlds};
use super::exports;
use crate::openssl::fake::{self, Owned, TLS1_2_VERSION};
use crate::openssl::number::*;

/// From this count on the next handshake flushes.
const BEFORE_AUTO_FLUSH: i64 = 0xff;

#[test]
fn they_come_with_the_first_session_and_show_in_no_count() {
    in_both_worlds(|_| {
        let app = Application::new();
        assert_eq!(app.context.cached().len(), 0, "a context without sessions costs nothing");
        app.add(&Owned::new(TLS1_2_VERSION, b"one"));
        assert_eq!((app.context.cached().len(), app.number()), (2, 1));
        app.add(&Owned::new(TLS1_2_VERSION, b"two"));
        assert_eq!((app.context.cached().len(), app.number()), (2, 2));
    });
}

#[test]
fn they_survive_whatever_size_the_application_sets() {
    in_both_worlds(|_| {
        let app = Application::new();
        app.set_size(1);
        app.add(&Owned::new(TLS1_2_VERSION, b"one"));
        app.flush(0);
        app.add(&Owned::new(TLS1_2_VERSION, b"two"));
        assert_eq!(app.context.cached().len(), 2);
        assert_eq!(app.context.ctrl(CTRL_SESS_CACHE_FULL, 0), 0);
    });
}

#[test]
fn libssls_auto_flush_takes_what_has_expired() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let (old, young) = (exports::expired(TLS1_2_VERSION, b"old"), Owned::new(TLS1_2_VERSION, b"young"));
        app.add(&old);
        app.add(&young);
        auto_flush(&app);
        assert_eq!(app.events(), [Event::Removed(old.handle())]);
        assert_eq!((app.number(), old.references(), young.references()), (1, 1, 2));
        assert!(old.is_marked() && !young.is_marked());
    });
}

#[test]
fn update_time_does_not_keep_the_auto_flush_from_us() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let old = exports::expired(TLS1_2_VERSION, b"old");
        app.add(&old);
        app.set_mode_bits(MODE_UPDATE_TIME);
        auto_flush(&app);
        assert_eq!(app.events(), [Event::Removed(old.handle())]);
    });
}

#[test]
fn no_auto_clear_is_obeyed() {
    in_both_worlds(|_| {
        const NO_AUTO_CLEAR: u32 = 0x80;
        let app = Application::with_callbacks();
        let old = exports::expired(TLS1_2_VERSION, b"old");
        app.add(&old);
        app.set_mode_bits(NO_AUTO_CLEAR);
        auto_flush(&app);
        assert_eq!((app.events(), app.number()), (vec![], 1));
    });
}

#[test]
fn after_an_auto_flush_the_next_one_is_noticed_too() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        for round in 0..3 {
            let old = exports::expired(TLS1_2_VERSION, b"old");
            app.add(&old);
            auto_flush(&app);
            assert_eq!(app.events(), [Event::Removed(old.handle())], "in round {round}");
        }
    });
}

/// The sessions of the first round are all there is: nothing is added that would plant it anew.
#[test]
fn a_new_connection_alone_makes_the_next_auto_flush_visible() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let session = Owned::new(TLS1_2_VERSION, b"one");
        app.add(&session);
        auto_flush(&app);
        assert_eq!(app.events(), []);
        exports::set_time(session.handle(), 1_000_000);
        auto_flush(&app);
        assert_eq!(app.events(), [Event::Removed(session.handle())]);
    });
}

#[test]
fn a_context_that_goes_takes_every_session_with_it_while_its_ex_data_is_there() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let index = fake::new_index(EX_INDEX_SSL_CTX, None);
        app.context.set_ex_data(index, app.context.as_ptr().cast());
        let read = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&read);
        app.in_remove(move |context, _| {
            assert!(context.ex_data(index) == context.as_ptr().cast(), "read in the remove callback");
            counted.fetch_add(1, Ordering::Relaxed);
        });
        let sessions = [&b"one"[..], b"two"].map(|id| Owned::new(TLS1_2_VERSION, id));
        sessions.iter().for_each(|session| assert_eq!(app.add(session), 1));
        app.end();
        assert_eq!(read.load(Ordering::Relaxed), 2);
        assert!(sessions.iter().all(|session| session.references() == 1 && session.is_marked()));
    });
}

#[test]
fn the_last_connection_may_outlive_the_applications_own_reference() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let session = Owned::new(TLS1_2_VERSION, b"one");
        app.add(&session);
        let connection = app.connect();
        app.context.free();
        assert_eq!((app.events(), app.context.is_alive()), (vec![], true));
        connection.close();
        assert_eq!((app.events(), app.context.is_alive()), (vec![Event::Removed(session.handle())], false));
    });
}

#[test]
fn without_a_remove_callback_at_the_end_nobody_is_told() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        app.add(&Owned::new(TLS1_2_VERSION, b"one"));
        exports::set_remove_cb(app.context, None);
        app.end();
        assert_eq!(app.events(), []);
    });
}

#[test]
fn a_flush_of_everything_takes_the_sentinels_and_the_next_session_brings_them_back() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let [first, second] = [b"one", b"two"].map(|id| Owned::new(TLS1_2_VERSION, id));
        app.add(&first);
        app.flush(0);
        assert_eq!((app.events(), app.context.cached().len()), (vec![Event::Removed(first.handle())], 0));
        app.add(&second);
        assert_eq!(app.context.cached().len(), 2);
        app.end();
        assert_eq!(app.events(), [Event::Removed(second.handle())]);
    });
}

/// On a context that is freed without a session in it the flush of libssl's own has nothing to tell.
#[test]
fn a_context_that_was_emptied_ends_silently() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let session = Owned::new(TLS1_2_VERSION, b"one");
        app.add(&session);
        app.remove(&session);
        assert_eq!(app.events(), [Event::Removed(session.handle())]);
        app.end();
        assert_eq!(app.events(), []);
    });
}

#[test]
fn nothing_of_ours_is_ever_shown_to_the_application() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        app.in_remove(|_, session| assert_eq!(session.id(), b"old"));
        for _ in 0..3 {
            app.handshake(&exports::expired(TLS1_2_VERSION, b"old"));
            auto_flush(&app);
            app.flush(crate::base::clock::now());
            app.flush(0);
        }
        assert_eq!(app.events().len(), 6, "each session new and removed");
    });
}

/// One more resumed handshake, in which libssl flushes.
pub(super) fn auto_flush(app: &Application) {
    let connection = app.connect();
    app.context.set_handshakes_done(BEFORE_AUTO_FLUSH);
    connection.use_resumed(Owned::new(TLS1_2_VERSION, b"resumed"));
    connection.finish_resumed();
    connection.close();
}
