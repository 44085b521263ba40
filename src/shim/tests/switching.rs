//! Connections that are switched to another context (server name indication): their sessions stay where the
//! connection came from.

use super::application::{Application, Event, in_both_worlds};
use super::exports;
use crate::openssl::fake::{FakeConnection, Owned, Resumption, TLS1_2_VERSION};

fn finish(connection: FakeConnection, session: &Owned) {
    session.up_ref();
    connection.finish(Owned::from(session.handle()));
}

#[test]
fn sessions_and_callbacks_are_the_first_contexts() {
    in_both_worlds(|_| {
        let [first, second] = [0, 1].map(|_| Application::with_callbacks());
        let session = Owned::new(TLS1_2_VERSION, b"one");
        let connection = first.connect();
        exports::set_ssl_ctx(connection, second.context);
        finish(connection, &session);
        assert_eq!((first.number(), second.number()), (1, 0));
        assert_eq!((first.events(), second.events()), (vec![Event::New(session.handle())], vec![]));
        connection.break_off();
        assert_eq!((first.events(), second.events()), (vec![Event::Removed(session.handle())], vec![]));
        assert_eq!((first.number(), session.references()), (0, 1));
    });
}

#[test]
fn lookups_go_to_the_first_context() {
    in_both_worlds(|_| {
        let [first, second] = [0, 1].map(|_| Application::with_callbacks());
        let sessions = [0, 1].map(|_| Owned::new(TLS1_2_VERSION, b"one"));
        first.add(&sessions[0]);
        second.add(&sessions[1]);
        let connection = first.connect();
        exports::set_ssl_ctx(connection, second.context);
        assert_eq!(exports::has_matching_session_id(connection, b"one"), 1);
        assert_eq!(connection.resume(b"one"), Resumption::Resumed(sessions[0].handle()));
        connection.close();
    });
}

#[test]
fn a_second_switch_and_one_back_change_nothing() {
    in_both_worlds(|_| {
        let [first, second, third] = [0, 1, 2].map(|_| Application::with_callbacks());
        for targets in [vec![&second, &third], vec![&second, &first], vec![&first]] {
            let connection = first.connect();
            targets.iter().for_each(|target| exports::set_ssl_ctx(connection, target.context));
            let context = connection.view().session_context().expect("a session context").as_ptr();
            assert!(context == first.context.as_ptr());
            connection.close();
        }
    });
}

/// The context in which the connection was made lives as long as the connection.
#[test]
fn the_first_context_may_be_let_go_of() {
    in_both_worlds(|_| {
        let [first, second] = [0, 1].map(|_| Application::with_callbacks());
        let session = Owned::new(TLS1_2_VERSION, b"one");
        let connection = first.connect();
        exports::set_ssl_ctx(connection, second.context);
        first.context.free();
        finish(connection, &session);
        assert_eq!(first.events(), [Event::New(session.handle())]);
        connection.close();
        assert_eq!(first.events(), [Event::Removed(session.handle())]);
        assert!(!first.context.is_alive());
    });
}

/// `SSL_dup` copies our note, and makes a connection to which it does not apply.
#[test]
fn a_duplicate_begins_at_the_context_that_its_original_has_now() {
    in_both_worlds(|_| {
        let [first, second, third] = [0, 1, 2].map(|_| Application::with_callbacks());
        let original = first.connect();
        exports::set_ssl_ctx(original, second.context);
        let copy = original.dup();
        exports::set_ssl_ctx(copy, third.context);
        let session = Owned::new(TLS1_2_VERSION, b"one");
        finish(copy, &session);
        assert_eq!([&first, &second, &third].map(|app| app.number()), [0, 1, 0]);
        copy.close();
        original.close();
    });
}

/// Its counter never moves, so libssl itself never flushes it.
#[test]
fn a_context_that_always_switches_away_is_not_flushed() {
    in_both_worlds(|_| {
        let [first, second] = [0, 1].map(|_| Application::with_callbacks());
        first.add(&exports::expired(TLS1_2_VERSION, b"old"));
        second.context.set_handshakes_done(0xff);
        let connection = first.connect();
        exports::set_ssl_ctx(connection, second.context);
        finish(connection, &Owned::new(TLS1_2_VERSION, b"one"));
        connection.close();
        assert_eq!(first.number(), 2);
    });
}
