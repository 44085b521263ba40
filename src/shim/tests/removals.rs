//! Sessions that are removed by their id: the callback once, the mark, the count, the references.

use super::application::{Application, Event, in_both_worlds};
use super::exports;
use crate::openssl::fake::{Owned, TLS1_2_VERSION, by_release};
use crate::openssl::number::*;

#[test]
fn what_is_stored_goes_and_its_callback_comes_once() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let session = Owned::new(TLS1_2_VERSION, b"one");
        app.add(&session);
        assert_eq!((app.remove(&session), app.number()), (1, 0));
        assert_eq!(app.events(), [Event::Removed(session.handle())]);
        assert!(session.is_marked());
        assert_eq!(session.references(), 1);
    });
}

#[test]
fn what_is_not_stored_is_told_of_all_the_same() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let session = Owned::new(TLS1_2_VERSION, b"one");
        assert_eq!(app.remove(&session), 0);
        assert_eq!(app.events(), [Event::Removed(session.handle())]);
        assert!(session.is_marked());
    });
}

#[test]
fn the_callback_gets_the_object_that_was_asked_for_and_the_other_leaves_unmarked() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let [stored, named] = [0, 1].map(|_| Owned::new(TLS1_2_VERSION, b"one"));
        app.add(&stored);
        assert_eq!((app.remove(&named), app.number()), (1, 0));
        assert_eq!(app.events(), [Event::Removed(named.handle())]);
        assert_eq!((stored.is_marked(), named.is_marked()), (false, true));
        assert_eq!((stored.references(), named.references()), (1, 1));
    });
}

#[test]
fn what_no_longer_has_the_name_that_it_was_stored_under_stays() {
    in_both_worlds(|_| {
        for (version, id) in [(TLS1_2_VERSION, &b"one, changed"[..]), (0x0304, b"one")] {
            let app = Application::with_callbacks();
            let [stored, named] = [0, 1].map(|_| Owned::new(TLS1_2_VERSION, b"one"));
            app.add(&stored);
            stored.set_version(version);
            stored.set_id(id);
            assert_eq!((app.remove(&named), app.number()), (0, 1));
            assert_eq!(app.events(), [Event::Removed(named.handle())]);
            stored.set_version(TLS1_2_VERSION);
            stored.set_id(b"one");
            assert_eq!((app.remove(&named), app.number()), (1, 0));
        }
    });
}

#[test]
fn the_callback_sees_the_session_gone_and_its_reference_still_held() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        app.in_remove(|context, session| {
            assert_eq!(exports::ctrl(context, CTRL_SESS_NUMBER, 0), 0);
            assert_eq!(session.references(), 2);
        });
        let session = Owned::new(TLS1_2_VERSION, b"one");
        app.add(&session);
        app.remove(&session);
        assert_eq!(app.events().len(), 1);
    });
}

#[test]
fn a_connection_that_is_broken_off_removes_its_session() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let session = Owned::new(TLS1_2_VERSION, b"one");
        let connection = app.connect();
        session.up_ref();
        connection.finish(Owned::from(session.handle()));
        assert_eq!(app.number(), 1);
        connection.break_off();
        assert_eq!(app.events(), [Event::New(session.handle()), Event::Removed(session.handle())]);
        assert_eq!((app.number(), session.references()), (0, 1));
        assert!(app.lookup(b"one").is_none());
    });
}

#[test]
fn the_callback_may_remove_the_same_session_again() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let depth = std::sync::atomic::AtomicUsize::new(0);
        app.in_remove(move |context, session| {
            if depth.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0 {
                assert_eq!(exports::remove_session(context, session), 0);
            }
        });
        let session = Owned::new(TLS1_2_VERSION, b"one");
        app.add(&session);
        assert_eq!(app.remove(&session), 1);
        assert_eq!(app.events().len(), 2);
        assert_eq!(session.references(), 1);
    });
}

/// The callback frees what the new callback kept: a habit of many servers.
#[test]
fn the_callback_may_let_go_of_a_reference() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        app.new_callback_returns(1);
        app.in_remove(|_, session| session.free());
        let session = Owned::new(TLS1_2_VERSION, b"one").give_away();
        let connection = app.connect();
        connection.finish(Owned::from(session));
        connection.break_off();
        assert_eq!(session.references(), 0);
        assert_eq!(app.number(), 0);
    });
}

/// The one thing that no public function can reproduce: what libssl's own cache has it resumes, mark or not, and
/// from 3.0 on it asks for the mark of what a get callback answers with.
#[test]
fn a_removed_session_can_be_stored_again_but_not_resumed() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let session = Owned::new(TLS1_2_VERSION, b"one");
        app.add(&session);
        app.remove(&session);
        assert_eq!((app.add(&session), app.number()), (1, 1));
        assert_eq!(app.lookup(b"one").is_some(), by_release(true, false, false, false));
        assert_eq!([CTRL_SESS_CB_HIT, CTRL_SESS_MISSES].map(|counter| app.ctrl(counter, 0)), [0, 0]);
        app.end();
        assert_eq!(session.references(), 1);
    });
}

#[test]
fn counters_of_what_left_are_our_own() {
    in_both_worlds(|_| {
        let app = Application::new();
        let session = Owned::new(TLS1_2_VERSION, b"one");
        app.add(&session);
        app.remove(&session);
        app.remove(&session);
        let counters = &crate::shim::adopt::state(app.context.view()).expect("adopted").counters;
        assert_eq!(counters.removed.load(std::sync::atomic::Ordering::Relaxed), 1);
        assert_eq!(app.ctrl(CTRL_SESS_CACHE_FULL, 0), 0);
    });
}
