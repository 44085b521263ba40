//! Session id generators of the application: libssl refuses an id that is taken, and ours count.

use super::application::{Application, GENERATED, in_both_worlds};
use super::exports;
use crate::openssl::GenerateCb;
use crate::openssl::fake::{FakeConnection, Owned, TLS1_2_VERSION, generator};
use crate::openssl::number::*;

fn with_generator() -> Application {
    let app = Application::with_callbacks();
    assert_eq!(exports::set_generator(app.context, Some(generator::<Application> as GenerateCb)), 1);
    app
}

fn generate(connection: FakeConnection) -> Option<Vec<u8>> {
    let id = connection.generate_id();
    connection.close();
    id
}

#[test]
fn a_fresh_id_is_taken_as_it_is() {
    in_both_worlds(|_| {
        let app = with_generator();
        assert_eq!(generate(app.connect()), Some(GENERATED.to_vec()));
        assert_eq!(app.context.cached(), []);
    });
}

#[test]
fn an_id_that_the_core_has_is_refused_by_libssl() {
    in_both_worlds(|_| {
        let app = with_generator();
        let stored = Owned::new(TLS1_2_VERSION, GENERATED);
        app.add(&stored);
        for _ in 0..2 {
            assert_eq!(generate(app.connect()), None);
        }
        assert!(!stored.is_marked(), "what is shown to libssl is a copy");
        assert_eq!((app.number(), stored.references(), app.events()), (1, 2, vec![]));
        assert!(app.lookup(GENERATED).is_some_and(|found| found.handle() == stored.handle()));
    });
}

#[test]
fn once_the_other_session_is_gone_its_id_is_free() {
    in_both_worlds(|_| {
        let app = with_generator();
        let stored = Owned::new(TLS1_2_VERSION, GENERATED);
        app.add(&stored);
        assert_eq!(generate(app.connect()), None);
        app.remove(&stored);
        assert_eq!(generate(app.connect()), Some(GENERATED.to_vec()));
    });
}

/// The copy that libssl was shown must not be seen by anybody else.
#[test]
fn once_the_other_session_is_gone_nobody_finds_its_id() {
    type Going = fn(&Application, &Owned);
    let ways: [Going; 3] = [
        |app, stored| assert_eq!(app.remove(stored), 1),
        |app, _| app.flush(0),
        |app, stored| {
            exports::set_time(stored.handle(), 1_000_000);
            app.flush(crate::base::clock::now());
        },
    ];
    in_both_worlds(|_| {
        for (way, go) in ways.iter().enumerate() {
            let app = with_generator();
            let stored = Owned::new(TLS1_2_VERSION, GENERATED);
            app.add(&stored);
            assert_eq!(generate(app.connect()), None);
            go(&app, &stored);
            let connection = app.connect();
            let found = exports::has_matching_session_id(connection, GENERATED);
            connection.close();
            assert_eq!(found, 0, "after way {way}");
        }
    });
}

#[test]
fn the_same_id_under_another_version_is_no_conflict() {
    in_both_worlds(|_| {
        let app = with_generator();
        app.add(&Owned::new(TLS1_3_VERSION, GENERATED));
        assert_eq!(generate(app.connect()), Some(GENERATED.to_vec()));
    });
}

#[test]
fn a_connections_own_generator_comes_before_its_contexts() {
    in_both_worlds(|_| {
        let app = with_generator();
        let connection = app.connect();
        assert_eq!(exports::set_generator_of_connection(connection, Some(makes_none)), 1);
        assert_eq!(generate(connection), None);
        assert_eq!(generate(app.connect()), Some(GENERATED.to_vec()));
    });
}

/// A connection keeps the generator that its context had when it was made.
#[test]
fn a_generator_that_is_replaced_stays_with_the_connections_it_has() {
    in_both_worlds(|_| {
        let app = with_generator();
        let before = app.connect();
        exports::set_generator(app.context, Some(makes_none));
        assert_eq!(generate(before), Some(GENERATED.to_vec()));
        assert_eq!(generate(app.connect()), None);
    });
}

/// libssl itself falls back to the context's generator where a connection has none.
#[test]
fn a_connection_made_before_uses_the_generator_that_its_context_got_since() {
    in_both_worlds(|_| {
        let app = Application::new();
        let before = app.connect();
        exports::set_generator(app.context, Some(generator::<Application> as GenerateCb));
        assert_eq!(generate(before), Some(GENERATED.to_vec()));
    });
}

#[test]
fn a_generator_that_was_unset_is_called_no_more() {
    in_both_worlds(|_| {
        let app = with_generator();
        exports::set_generator(app.context, None);
        assert_eq!(generate(app.connect()), None, "then libssl's own makes the id");
    });
}

#[test]
fn a_duplicate_has_its_originals_generator() {
    in_both_worlds(|_| {
        let app = with_generator();
        let original = app.connect();
        exports::set_generator_of_connection(original, Some(makes_none));
        let copy = original.dup();
        original.close();
        assert_eq!(generate(copy), None);
    });
}

#[test]
fn what_was_shown_to_libssl_goes_with_the_context() {
    in_both_worlds(|_| {
        let app = with_generator();
        let stored = Owned::new(TLS1_2_VERSION, GENERATED);
        app.add(&stored);
        assert_eq!(generate(app.connect()), None);
        app.end();
        assert_eq!((stored.references(), app.events().len()), (1, 1));
    });
}

#[test]
fn what_was_shown_to_libssl_is_not_in_the_table_that_is_given_back() {
    in_both_worlds(|_| {
        let app = with_generator();
        let [stored, other] = [GENERATED, b"other"].map(|id| Owned::new(TLS1_2_VERSION, id));
        app.add(&stored);
        assert_eq!(generate(app.connect()), None);
        // The original goes, and nobody asks for its id: only the copy is left.
        app.set_size(1);
        app.add(&other);
        assert_eq!(exports::sessions(app.context), [other.handle()]);
    });
}

/// Refuses.
extern "C-unwind" fn makes_none(
    _: *mut crate::openssl::SSL,
    _: *mut u8,
    _: *mut libc::c_uint,
) -> libc::c_int {
    0
}
