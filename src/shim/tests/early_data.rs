//! TLS 1.3 with early data: each session is good for one resumption, and one only.

use std::sync::Barrier;

use super::application::{Application, Event, in_both_worlds};
use super::exports;
use crate::openssl::fake::{FakeConnection, Owned, Resumption, by_release};
use crate::openssl::number::*;
use crate::shim::answer::Reference;

const TICKET: &[u8] = b"ticket of early data";

fn connect(app: &Application) -> FakeConnection {
    app.connect().with_version(TLS1_3_VERSION).with_early_data()
}

/// A client that comes with the ticket.
fn resume(app: &Application) -> Resumption {
    let connection = connect(app);
    let resumption = connection.resume(TICKET);
    connection.close();
    resumption
}

#[test]
fn a_session_resumes_once() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let session = Owned::new(TLS1_3_VERSION, TICKET);
        app.add(&session);
        assert_eq!(resume(&app), Resumption::Resumed(session.handle()));
        assert_eq!(app.events(), [Event::Removed(session.handle())], "used up");
        assert_eq!((app.number(), session.references()), (0, 1));
        assert_eq!(resume(&app), Resumption::Refused);
        assert_eq!(app.events(), [Event::Asked(TICKET.into())]);
        assert_eq!(app.context.cached().len(), 2, "the sentinels alone");
    });
}

/// Else the second could put it into libssl's table again, just after the first was given it out of there.
#[test]
fn what_one_connection_has_found_no_other_finds() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let session = Owned::new(TLS1_3_VERSION, TICKET);
        app.add(&session);
        let (first, second) = (connect(&app), connect(&app));
        let found = first.lookup(TICKET).expect("the session");
        assert!(second.lookup(TICKET).is_none(), "found twice");
        assert_eq!(app.remove(&found), 1, "libssl has it for the first one");
        drop(found);
        first.close();
        second.close();
        assert_eq!((app.number(), session.references()), (0, 1));
    });
}

#[test]
fn of_many_that_come_at_once_one_resumes() {
    const CLIENTS: usize = 4;
    in_both_worlds(|world| {
        let app = Application::with_callbacks();
        for _ in 0..20 {
            let session = Owned::new(TLS1_3_VERSION, TICKET);
            app.add(&session);
            let (enter, start) = (world.entrance(), Barrier::new(CLIENTS));
            let client = || {
                enter();
                start.wait();
                resume(&app)
            };
            let all = std::thread::scope(|scope| {
                let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
                clients.into_iter().map(|client| client.join().expect("a client")).collect::<Vec<_>>()
            });
            assert_eq!(all.iter().filter(|one| **one != Resumption::Refused).count(), 1);
            assert_eq!((app.number(), session.references()), (0, 1));
        }
    });
}

#[test]
fn without_anti_replay_a_session_stays() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let session = Owned::new(TLS1_3_VERSION, TICKET);
        app.add(&session);
        for options in [OP_NO_ANTI_REPLAY, OP_NO_ANTI_REPLAY | OP_NO_TICKET] {
            let connection = connect(&app).with_options(options);
            assert_eq!(connection.resume(TICKET), Resumption::Resumed(session.handle()));
            connection.close();
        }
        assert_eq!((app.number(), app.events()), (1, vec![]));
    });
}

#[test]
fn stateful_tickets_without_early_data_resume_again_and_again() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let session = Owned::new(TLS1_3_VERSION, TICKET);
        app.add(&session);
        for _ in 0..3 {
            let connection = app.connect().with_version(TLS1_3_VERSION).with_options(OP_NO_TICKET);
            assert_eq!(connection.resume(TICKET), Resumption::Resumed(session.handle()));
            connection.close();
        }
        assert_eq!((app.number(), app.events()), (1, vec![]));
    });
}

#[test]
fn early_data_is_no_concern_of_tls12() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let session = Owned::new(crate::openssl::fake::TLS1_2_VERSION, TICKET);
        app.add(&session);
        let connection = app.connect().with_early_data();
        assert_eq!(connection.resume(TICKET), Resumption::Resumed(session.handle()));
        connection.close();
        assert_eq!((app.number(), app.events()), (1, vec![]));
    });
}

/// From 3.0 on libssl takes no marked session from a callback, so nothing would take it out of its table again.
/// 1.1.1 asks nobody for the mark.
#[test]
fn a_marked_session_is_taken_by_1_1_1_alone() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let session = Owned::new(TLS1_3_VERSION, TICKET);
        app.remove(&session);
        app.add(&session);
        app.events();
        let resumption = resume(&app);
        assert_eq!(app.context.cached().len(), 2, "the sentinels alone");
        let resumed = (Resumption::Resumed(session.handle()), vec![Event::Removed(session.handle())], 0);
        let refused = || (Resumption::Refused, vec![], 1);
        let expected = by_release(resumed, refused(), refused(), refused());
        assert_eq!((resumption, app.events(), app.number()), expected);
    });
}

#[test]
fn an_answer_of_the_application_is_used_up_too() {
    in_both_worlds(|_| {
        for reference in [Reference::Lent, Reference::Owned] {
            let app = Application::with_callbacks();
            let session = Owned::new(TLS1_3_VERSION, TICKET);
            app.get_callback_answers(Some((session.handle(), reference)));
            assert_eq!(resume(&app), Resumption::Resumed(session.handle()));
            assert_eq!(app.events(), [Event::Asked(TICKET.into()), Event::Removed(session.handle())]);
            assert_eq!((app.number(), session.references()), (0, 1), "{reference:?}");
            assert_eq!(app.context.cached().len(), 2, "the sentinels alone");
        }
    });
}

/// libssl insists on taking it out of its own cache, into which it must not go.
#[test]
fn with_no_internal_store_an_answer_never_resumes() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        app.set_mode_bits(MODE_NO_INTERNAL_STORE);
        let session = Owned::new(TLS1_3_VERSION, TICKET);
        app.get_callback_answers(Some((session.handle(), Reference::Lent)));
        assert_eq!(resume(&app), Resumption::Refused);
        assert_eq!(app.events(), [Event::Asked(TICKET.into()), Event::Removed(session.handle())]);
        assert_eq!((app.number(), session.references()), (0, 1));
    });
}

/// stunnel adds its sessions by itself, and forbids libssl to.
#[test]
fn with_no_internal_store_an_answer_that_the_cache_has_anyway_resumes() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        app.set_mode_bits(MODE_NO_INTERNAL_STORE | MODE_NO_INTERNAL_LOOKUP);
        let session = Owned::new(TLS1_3_VERSION, TICKET);
        app.add(&session);
        app.get_callback_answers(Some((session.handle(), Reference::Lent)));
        assert_eq!(resume(&app), Resumption::Resumed(session.handle()));
        assert_eq!(app.events(), [Event::Asked(TICKET.into()), Event::Removed(session.handle())]);
        assert_eq!((app.number(), session.references()), (0, 1));
    });
}

#[test]
fn the_application_may_remove_what_is_on_its_way_to_its_one_use() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let session = Owned::new(TLS1_3_VERSION, TICKET);
        app.add(&session);
        let connection = connect(&app);
        let taken = connection.lookup(TICKET).expect("stored");
        assert_eq!(exports::has_matching_session_id(connection, TICKET), 1, "still known");
        assert_eq!((app.remove(&taken), app.remove(&taken)), (1, 0));
        assert_eq!(app.events().len(), 2);
        drop(taken);
        connection.close();
        assert_eq!((app.number(), session.references()), (0, 1));
    });
}
