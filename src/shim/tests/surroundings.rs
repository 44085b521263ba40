//! What must stay as it was around us: `errno`; and what a new callback's 0 means where that was asked for.

use super::application::{Application, Event, in_both_worlds, in_both_worlds_alone};
use super::exports;
use crate::openssl::fake::{Owned, TLS1_2_VERSION, error_queue, raise_error};
use crate::openssl::host;
use crate::shim::adopt::state;

fn zero_removes(app: &Application) {
    assert!(!state(app.context.view()).expect("adopted").set_zero_removes(true));
}

#[test]
fn a_new_callbacks_zero_takes_the_session_out_where_that_was_asked_for() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        zero_removes(&app);
        let session = Owned::new(TLS1_2_VERSION, b"one");
        app.handshake(&session);
        assert_eq!((app.number(), session.references()), (0, 1));
        assert!(!session.is_marked(), "the connection may still use it");
        assert_eq!(app.events(), [Event::New(session.handle())], "and the application need not be told");
    });
}

#[test]
fn anything_else_keeps_it_there_too() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        zero_removes(&app);
        app.new_callback_returns(1);
        let session = Owned::new(TLS1_2_VERSION, b"one");
        app.handshake(&session);
        assert_eq!((app.number(), session.references()), (1, 3));
        session.free();
    });
}

#[test]
fn a_zero_for_one_object_leaves_another_of_the_same_id_alone() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        zero_removes(&app);
        let [new, other] = [0, 1].map(|_| Owned::new(TLS1_2_VERSION, b"one"));
        let handle = other.handle();
        app.in_new(move |context, _| assert_eq!(exports::add_session(context, handle), 1));
        app.handshake(&new);
        assert_eq!((app.number(), new.references(), other.references()), (1, 1, 2));
    });
}

#[test]
fn a_zero_without_a_callback_is_none() {
    in_both_worlds(|_| {
        let app = Application::new();
        zero_removes(&app);
        app.handshake(&Owned::new(TLS1_2_VERSION, b"one"));
        assert_eq!(app.number(), 1);
    });
}

/// Alone: a lock of the fake that is waited for has its own say on `errno`.
#[test]
fn errno_and_the_error_queue_stay_as_they_were() {
    in_both_worlds_alone(|_| {
        let app = Application::with_callbacks();
        let all = [&b"one"[..], b"two", b"three"].map(|id| Owned::new(TLS1_2_VERSION, id));
        raise_error(7);
        host::set_errno(libc::EBADMSG);
        app.set_size(2);
        app.handshake(&all[0]);
        app.add(&all[1]);
        drop(app.lookup(b"two"));
        app.remove(&all[1]);
        exports::set_time(all[0].handle(), 1_000_000);
        app.add(&all[2]);
        app.flush(crate::base::clock::now());
        exports::sessions(app.context);
        assert_eq!((host::errno(), error_queue()), (libc::EBADMSG, vec![7]));
    });
}

#[test]
fn an_applications_errno_passes_through_its_callbacks() {
    in_both_worlds_alone(|_| {
        let app = Application::with_callbacks();
        app.in_remove(|_, _| host::set_errno(libc::EXDEV));
        app.add(&Owned::new(TLS1_2_VERSION, b"one"));
        host::set_errno(0);
        app.flush(0);
        assert_eq!(host::errno(), libc::EXDEV);
    });
}
