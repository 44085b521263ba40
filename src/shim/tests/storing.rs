//! What goes into the core: new sessions, and those that the application adds. Reference counts are exact.

use super::application::{Application, Event, in_both_worlds};
use super::exports;
use crate::openssl::fake::{FakeConnection, Owned, TLS1_2_VERSION, by_release};
use crate::openssl::number::*;

const CLIENT: u32 = 1;

#[test]
fn a_new_callback_that_returns_zero_gives_its_reference_back() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let session = Owned::new(TLS1_2_VERSION, b"one");
        app.handshake(&session);
        assert_eq!(app.events(), [Event::New(session.handle())]);
        assert_eq!(session.references(), 2, "ours here and the cache's");
        assert_eq!(app.number(), 1, "no release takes 0 for \"do not cache\"");
        app.end();
        assert_eq!(session.references(), 1);
    });
}

#[test]
fn a_new_callback_that_returns_anything_else_keeps_its_reference() {
    in_both_worlds(|_| {
        for answer in [1, 2, -1] {
            let app = Application::with_callbacks();
            let session = Owned::new(TLS1_2_VERSION, b"one");
            app.new_callback_returns(answer);
            app.handshake(&session);
            assert_eq!(session.references(), 3, "ours here, the cache's and the callback's");
            session.free();
            app.end();
            assert_eq!(session.references(), 1);
        }
    });
}

#[test]
fn the_new_callback_finds_the_session_stored_already() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        app.in_new(|context, session| {
            assert_eq!(exports::ctrl(context, CTRL_SESS_NUMBER, 0), 1);
            let connection = exports::ssl_new(context);
            assert!(connection.lookup(&session.id()).is_some());
            connection.close();
        });
        app.handshake(&Owned::new(TLS1_2_VERSION, b"one"));
        assert_eq!(app.events().len(), 1);
    });
}

#[test]
fn without_callbacks_a_session_is_stored_all_the_same() {
    in_both_worlds(|_| {
        let app = Application::new();
        let session = Owned::new(TLS1_2_VERSION, b"one");
        app.handshake(&session);
        assert_eq!((app.number(), session.references()), (1, 2));
    });
}

#[test]
fn no_internal_store_is_obeyed_by_handshakes_and_not_by_the_application() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        app.set_mode_bits(MODE_NO_INTERNAL_STORE);
        let session = Owned::new(TLS1_2_VERSION, b"one");
        app.handshake(&session);
        assert_eq!((app.number(), app.events().len()), (0, 1));
        assert_eq!(app.add(&session), 1);
        assert_eq!(app.number(), 1);
    });
}

#[test]
fn with_the_cache_off_nothing_is_stored_and_nobody_is_told() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        app.ctrl(CTRL_SET_SESS_CACHE_MODE, 0);
        app.handshake(&Owned::new(TLS1_2_VERSION, b"one"));
        assert_eq!((app.number(), app.events()), (0, vec![]));
    });
}

#[test]
fn a_client_stores_where_its_mode_says_so() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let first = Owned::new(TLS1_2_VERSION, b"first");
        finish(app.connect().as_client(), &first);
        assert_eq!((app.number(), app.events()), (0, vec![]));
        app.set_mode_bits(CLIENT);
        finish(app.connect().as_client(), &first);
        assert_eq!((app.number(), app.events()), (1, vec![Event::New(first.handle())]));
    });
}

/// What of TLS 1.3's sessions a server's cache keeps.
#[test]
fn a_stateless_tls13_session_is_stored_only_for_a_reason() {
    type Reason = (&'static str, fn(&Application) -> FakeConnection, bool);
    let reasons: [Reason; 6] = [
        ("none", |app| app.connect(), false),
        ("early data", |app| app.connect().with_early_data(), true),
        (
            "early data without anti-replay",
            |app| app.connect().with_early_data().with_options(OP_NO_ANTI_REPLAY),
            false,
        ),
        ("no tickets", |app| app.connect().with_options(OP_NO_TICKET), true),
        ("a client's", |app| app.connect().as_client(), true),
        ("the application's remove callback", with_remove_callback, true),
    ];
    in_both_worlds(|_| {
        for (reason, connect, stored) in reasons {
            let app = Application::new();
            app.set_mode_bits(CLIENT);
            let session = Owned::new(TLS1_3_VERSION, b"ticket");
            finish(connect(&app).with_version(TLS1_3_VERSION), &session);
            assert_eq!(app.number() == 1, stored, "{reason}");
        }
    });
}

fn with_remove_callback(app: &Application) -> FakeConnection {
    exports::set_remove_cb(app.context, Some(super::application::on_remove));
    app.connect()
}

#[test]
fn the_new_callback_runs_for_a_tls13_session_that_is_not_stored() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        exports::set_remove_cb(app.context, None);
        let session = Owned::new(TLS1_3_VERSION, b"ticket");
        finish(app.connect().with_version(TLS1_3_VERSION), &session);
        assert_eq!((app.number(), app.events()), (0, vec![Event::New(session.handle())]));
    });
}

#[test]
fn a_quic_connection_is_not_asked_for_its_options() {
    in_both_worlds(|_| {
        let app = Application::new();
        let session = Owned::new(TLS1_3_VERSION, b"ticket");
        finish(app.connect().over_quic(), &session);
        assert_eq!(app.number(), 0);
        app.context.set_options(OP_NO_TICKET);
        finish(app.connect().over_quic(), &session);
        assert_eq!(app.number(), 1, "by its context's options");
    });
}

#[test]
fn the_same_object_is_stored_once() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let session = Owned::new(TLS1_2_VERSION, b"one");
        assert_eq!([app.add(&session), app.add(&session)], [1, 0]);
        assert_eq!((app.number(), session.references(), app.events()), (1, 2, vec![]));
    });
}

#[test]
fn another_object_of_the_same_id_takes_its_place_silently() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let [before, after] = [0, 1].map(|_| Owned::new(TLS1_2_VERSION, b"one"));
        assert_eq!([app.add(&before), app.add(&after)], [1, 1]);
        assert_eq!((before.references(), after.references()), (1, 2));
        assert!(!before.is_marked(), "it may be used elsewhere");
        assert_eq!((app.number(), app.events()), (1, vec![]));
    });
}

#[test]
fn the_same_id_under_another_version_is_another_session() {
    in_both_worlds(|_| {
        let app = Application::new();
        let [one, other] = [TLS1_2_VERSION, TLS1_3_VERSION].map(|version| Owned::new(version, b"one"));
        assert_eq!([app.add(&one), app.add(&other)], [1, 1]);
        assert_eq!(app.number(), 2);
        assert!(app.lookup(b"one").is_some_and(|found| found.handle() == one.handle()));
    });
}

#[test]
fn update_time_gives_an_added_session_the_time_of_day_from_3_0_on() {
    in_both_worlds(|_| {
        let app = Application::new();
        app.set_mode_bits(MODE_UPDATE_TIME);
        let session = exports::expired(TLS1_2_VERSION, b"one");
        for _ in 0..2 {
            session.set_time(1_000_000);
            app.add(&session);
            let now = crate::base::clock::now();
            let updated = (now - 10..=now).contains(&session.time());
            assert_eq!(updated, by_release(false, true, true, true));
        }
    });
}

#[test]
fn a_session_without_an_id_is_stored_and_found_by_nobody() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let session = Owned::new(TLS1_2_VERSION, b"");
        assert_eq!((app.add(&session), app.number()), (1, 1));
        assert_eq!((app.remove(&session), app.number()), (0, 1), "nor can it be removed");
        assert_eq!(app.events(), []);
        app.flush(0);
        assert_eq!((app.events(), app.number()), (vec![Event::Removed(session.handle())], 0));
    });
}

fn finish(connection: FakeConnection, session: &Owned) {
    session.up_ref();
    connection.finish(Owned::from(session.handle()));
    connection.close();
}
