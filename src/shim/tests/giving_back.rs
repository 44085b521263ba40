//! `SSL_CTX_sessions`: from then on the context is libssl's own in every respect.

use super::application::{Application, Event, in_both_worlds, on_new, on_remove};
use super::exports;
use crate::openssl::fake::{Owned, TLS1_2_VERSION, by_release, get_callback};
use crate::openssl::number::*;
use crate::openssl::{GetCb, NewCb, RemoveCb};
use crate::shim::adopt::state;
use crate::shim::state::Phase;

fn own_callbacks() -> [Option<usize>; 3] {
    let get = get_callback::<Application> as GetCb;
    [Some(on_new as NewCb as usize), Some(on_remove as RemoveCb as usize), Some(get as usize)]
}

/// Our trampoline stays in front of the remove callback, to hide a sentinel that a flush under way may still meet.
fn without_remove([new, _, get]: [Option<usize>; 3]) -> [Option<usize>; 2] {
    [new, get]
}

#[test]
fn every_session_is_in_libssls_table_in_its_order() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let all = [30, 10, 20, 10].map(|seconds| {
            let session = Owned::new(TLS1_2_VERSION, format!("{seconds}{}", app.number()).as_bytes());
            session.set_timeout(3600 + seconds);
            app.add(&session);
            session
        });
        let order = by_release([0, 1, 2, 3], [1, 3, 2, 0], [1, 3, 2, 0], [1, 3, 2, 0]);
        assert_eq!(exports::sessions(app.context), order.map(|at| all[at].handle()));
        assert!(all.iter().all(|session| session.references() == 2 && !session.is_marked()));
        assert_eq!((app.number(), app.events()), (4, vec![]));
        app.end();
        assert_eq!(app.events().len(), 4);
        assert!(all.iter().all(|session| session.references() == 1));
    });
}

#[test]
fn mode_size_and_callbacks_are_the_applications_again() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        app.ctrl(CTRL_SET_SESS_CACHE_MODE, 0x403);
        app.set_size(9);
        app.add(&Owned::new(TLS1_2_VERSION, b"one"));
        exports::sessions(app.context);
        assert_eq!(app.context.ctrl(CTRL_GET_SESS_CACHE_MODE, 0), 0x403);
        assert_eq!(app.context.ctrl(CTRL_GET_SESS_CACHE_SIZE, 0), 9);
        assert_eq!(without_remove(app.context.callbacks()), without_remove(own_callbacks()));
        assert!(app.context.callbacks()[1].is_some());
        assert_eq!(exports::get_callbacks(app.context), own_callbacks());
        assert_eq!(
            [app.ctrl(CTRL_GET_SESS_CACHE_MODE, 0), app.ctrl(CTRL_GET_SESS_CACHE_SIZE, 0)],
            [0x403, 9]
        );
    });
}

#[test]
fn update_time_does_not_touch_what_is_given_back() {
    in_both_worlds(|_| {
        let app = Application::new();
        let session = exports::expired(TLS1_2_VERSION, b"one");
        app.add(&session);
        app.set_mode_bits(MODE_UPDATE_TIME);
        exports::sessions(app.context);
        assert_eq!(session.time(), 1_000_000);
    });
}

#[test]
fn what_was_counted_stays_counted() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        app.set_size(1);
        let [first, second] = [b"one", b"two"].map(|id| Owned::new(TLS1_2_VERSION, id));
        app.add(&first);
        app.add(&second);
        assert!(app.lookup(b"two").is_some() && app.lookup(b"one").is_none());
        let counters = || {
            [CTRL_SESS_CB_HIT, CTRL_SESS_MISSES, CTRL_SESS_CACHE_FULL, CTRL_SESS_NUMBER]
                .map(|counter| app.ctrl(counter, 0))
        };
        assert_eq!(counters(), [0, 1, 1, 1]);
        exports::sessions(app.context);
        assert_eq!(counters(), [0, 1, 1, 1]);
        assert!(app.lookup(b"two").is_some() && app.lookup(b"one").is_none());
        app.add(&first);
        assert_eq!(counters(), [0, 2, 2, 1], "and libssl counts on");
    });
}

#[test]
fn afterwards_handshakes_lookups_and_removals_are_libssls() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        exports::sessions(app.context);
        let session = Owned::new(TLS1_2_VERSION, b"one");
        app.handshake(&session);
        assert_eq!(app.context.cached(), [session.handle()], "no sentinel either");
        assert_eq!(app.number(), 1);
        assert!(app.lookup(b"one").is_some());
        assert_eq!((app.remove(&session), app.number()), (1, 0));
        assert_eq!(app.events(), [Event::New(session.handle()), Event::Removed(session.handle())]);
        assert_eq!((app.add(&session), app.number()), (1, 1));
        app.flush(0);
        assert_eq!((app.events(), app.number()), (vec![Event::Removed(session.handle())], 0));
    });
}

#[test]
fn afterwards_new_callbacks_and_settings_are_libssls() {
    in_both_worlds(|_| {
        let app = Application::new();
        exports::sessions(app.context);
        exports::set_new_cb(app.context, Some(on_new));
        exports::set_remove_cb(app.context, Some(on_remove));
        exports::set_get_cb(app.context, Some(get_callback::<Application>));
        assert_eq!(without_remove(app.context.callbacks()), without_remove(own_callbacks()));
        assert_eq!(exports::get_callbacks(app.context), own_callbacks());
        app.ctrl(CTRL_SET_SESS_CACHE_MODE, 0x83);
        app.set_size(3);
        assert_eq!(app.context.ctrl(CTRL_GET_SESS_CACHE_MODE, 0), 0x83);
        assert_eq!(app.context.ctrl(CTRL_GET_SESS_CACHE_SIZE, 0), 3);
    });
}

#[test]
fn asking_twice_changes_nothing_more() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let session = Owned::new(TLS1_2_VERSION, b"one");
        app.add(&session);
        assert_eq!(exports::sessions(app.context), exports::sessions(app.context));
        assert_eq!(session.references(), 2);
        assert_eq!(state(app.context.view()).expect("once adopted").phase(), Phase::GivenBack);
    });
}

#[test]
fn the_time_of_a_session_given_back_moves_it_in_libssls_list() {
    in_both_worlds(|_| {
        let app = Application::new();
        let [first, second] = [b"one", b"two"].map(|id| Owned::new(TLS1_2_VERSION, id));
        app.add(&first);
        app.add(&second);
        exports::sessions(app.context);
        exports::set_timeout(first.handle(), 7200);
        let [first, second] = [first.handle(), second.handle()];
        let order = by_release([first, second], [second, first], [second, first], [second, first]);
        assert_eq!(app.context.cached(), order);
    });
}

#[test]
fn a_context_without_sessions_is_given_back_too() {
    in_both_worlds(|_| {
        let app = Application::new();
        assert_eq!(exports::sessions(app.context), []);
        assert_eq!(app.context.ctrl(CTRL_GET_SESS_CACHE_MODE, 0), 2);
        assert_eq!(app.context.callbacks(), [None; 3]);
    });
}
