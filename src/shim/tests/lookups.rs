//! Finding sessions: the core first, then the application; and whose reference an answer is.

use super::application::{Application, Event, in_both_worlds};
use super::exports;
use crate::openssl::fake::{EX_INDEX_SSL_SESSION, Owned, Resumption, TLS1_2_VERSION, by_release, new_index};
use crate::openssl::number::*;
use crate::shim::adopt::state;
use crate::shim::answer::Reference;

#[test]
fn what_the_core_has_the_application_is_not_asked_for() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let session = Owned::new(TLS1_2_VERSION, b"one");
        app.add(&session);
        let found = app.lookup(b"one").expect("stored");
        assert!(found.handle() == session.handle(), "the object, not a copy");
        assert_eq!(session.references(), 3, "ours here, the cache's and libssl's");
        drop(found);
        assert_eq!((session.references(), app.events()), (2, vec![]));
    });
}

#[test]
fn a_core_hit_counts_nowhere_but_with_us() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        app.add(&Owned::new(TLS1_2_VERSION, b"one"));
        assert!(app.lookup(b"one").is_some());
        assert_eq!([CTRL_SESS_CB_HIT, CTRL_SESS_MISSES].map(|counter| app.ctrl(counter, 0)), [0, 0]);
        assert_eq!(app.context.ctrl(CTRL_SESS_CB_HIT, 0), 1, "for libssl it was the callback's");
    });
}

#[test]
fn an_answer_that_is_lent_costs_libssl_a_reference_of_its_own() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        app.set_mode_bits(MODE_NO_INTERNAL_STORE);
        let session = Owned::new(TLS1_2_VERSION, b"one");
        app.get_callback_answers(Some((session.handle(), Reference::Lent)));
        let found = app.lookup(b"one").expect("the application has it");
        assert_eq!((session.references(), app.number()), (2, 0));
        drop(found);
        assert_eq!(session.references(), 1);
    });
}

#[test]
fn an_answer_that_is_owned_comes_with_its_reference() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        app.set_mode_bits(MODE_NO_INTERNAL_STORE);
        let session = Owned::new(TLS1_2_VERSION, b"one");
        app.get_callback_answers(Some((session.handle(), Reference::Owned)));
        let found = app.lookup(b"one").expect("the application has it");
        assert_eq!((session.references(), app.number()), (2, 0));
        drop(found);
        assert_eq!(session.references(), 1);
    });
}

#[test]
fn an_answer_is_stored_with_a_reference_of_the_cache() {
    in_both_worlds(|_| {
        for reference in [Reference::Lent, Reference::Owned] {
            let app = Application::with_callbacks();
            let session = Owned::new(TLS1_2_VERSION, b"one");
            app.get_callback_answers(Some((session.handle(), reference)));
            let found = app.lookup(b"one").expect("the application has it");
            assert_eq!((session.references(), app.number()), (3, 1), "{reference:?}");
            drop(found);
            assert!(app.lookup(b"one").is_some());
            assert_eq!(app.events(), [Event::Asked(b"one".into())], "once: then the core has it");
            app.end();
            assert_eq!(session.references(), 1, "{reference:?}");
        }
    });
}

#[test]
fn an_answer_counts_as_a_hit_of_the_callback_and_as_a_miss_before() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let session = Owned::new(TLS1_2_VERSION, b"one");
        app.get_callback_answers(Some((session.handle(), Reference::Lent)));
        assert!(app.lookup(b"one").is_some());
        assert_eq!([CTRL_SESS_CB_HIT, CTRL_SESS_MISSES].map(|counter| app.ctrl(counter, 0)), [1, 1]);
        let counters = &state(app.context.view()).expect("adopted").counters;
        let ours =
            [&counters.asked, &counters.answered].map(|c| c.load(std::sync::atomic::Ordering::Relaxed));
        assert_eq!(ours, [1, 1]);
    });
}

#[test]
fn no_answer_is_a_miss() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        assert!(app.lookup(b"one").is_none());
        assert_eq!(app.events(), [Event::Asked(b"one".into())]);
        assert_eq!([CTRL_SESS_CB_HIT, CTRL_SESS_MISSES].map(|counter| app.ctrl(counter, 0)), [0, 1]);
    });
}

#[test]
fn without_a_get_callback_a_miss_is_the_end() {
    in_both_worlds(|_| {
        let app = Application::new();
        assert!(app.lookup(b"one").is_none());
        assert_eq!(app.ctrl(CTRL_SESS_MISSES, 0), 1);
    });
}

#[test]
fn the_application_is_asked_with_the_cache_off_too() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let [stored, answer] = [b"one", b"two"].map(|id| Owned::new(TLS1_2_VERSION, id));
        app.add(&stored);
        app.ctrl(CTRL_SET_SESS_CACHE_MODE, 0);
        assert!(app.lookup(b"one").is_some(), "off keeps nobody from looking");
        app.get_callback_answers(Some((answer.handle(), Reference::Lent)));
        assert!(app.lookup(b"two").is_some());
        assert_eq!((app.events().len(), app.number()), (1, 2), "nor from storing");
    });
}

#[test]
fn no_internal_lookup_goes_straight_to_the_application() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        app.add(&Owned::new(TLS1_2_VERSION, b"one"));
        app.set_mode_bits(MODE_NO_INTERNAL_LOOKUP);
        assert!(app.lookup(b"one").is_none());
        assert_eq!(app.events(), [Event::Asked(b"one".into())]);
        assert_eq!(app.ctrl(CTRL_SESS_MISSES, 0), 0, "a miss of what was not asked is none");
    });
}

#[test]
fn an_answer_that_is_marked_is_a_miss_from_3_0_on() {
    in_both_worlds(|_| {
        for reference in [Reference::Lent, Reference::Owned] {
            let app = Application::with_callbacks();
            let session = marked(b"one");
            app.get_callback_answers(Some((session.handle(), reference)));
            let resumes = by_release(true, false, false, false);
            assert_eq!(app.lookup(b"one").is_some(), resumes);
            assert_eq!((app.number() == 1, app.ctrl(CTRL_SESS_CB_HIT, 0) == 1), (resumes, resumes));
            app.end();
            assert_eq!(session.references(), 1, "{reference:?}");
        }
    });
}

/// Without an id and a ticket no client would offer it, so libssl's public question says no, mark or not.
#[test]
fn an_answer_without_an_id_is_no_marked_one() {
    in_both_worlds(|_| {
        for has_ticket in [false, true] {
            let app = Application::with_callbacks();
            let session = Owned::new(TLS1_2_VERSION, b"");
            if has_ticket {
                session.set_ticket();
            }
            app.get_callback_answers(Some((session.handle(), Reference::Lent)));
            assert!(app.lookup(b"one").is_some());
            assert_eq!(app.number(), 1, "stored under its empty id");
        }
    });
}

#[test]
fn what_the_application_hung_on_a_session_is_there_when_it_is_found_again() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let index = new_index(EX_INDEX_SSL_SESSION, None);
        let session = Owned::new(TLS1_2_VERSION, b"one");
        session.set_ex_data(index, session.as_ptr().cast());
        app.handshake(&session);
        let found = app.lookup(b"one").expect("stored");
        assert!(found.ex_data(index) == session.as_ptr().cast());
    });
}

/// Storing it evicts another one, and the application then drops everything, the answer included. Where nothing is
/// locked at that moment it may; libssl has its own reference to a lent session by then.
#[test]
fn a_lent_answer_outlives_what_the_application_does_while_it_is_stored() {
    in_both_worlds(|world| {
        let app = Application::with_callbacks();
        app.set_size(1);
        let victim = Owned::new(TLS1_2_VERSION, b"victim");
        app.add(&victim);
        let answer = Owned::new(TLS1_2_VERSION, b"one").give_away();
        app.get_callback_answers(Some((answer, Reference::Lent)));
        app.in_remove(move |context, session| {
            if session == answer {
                answer.free();
            } else {
                exports::remove_session(context, answer);
            }
        });
        let found = app.lookup(b"one");
        assert_eq!(world.take_misuse(), [""; 0]);
        drop(found);
        if answer.references() > 0 {
            // Up to 3.6 the removal was refused.
            assert!(by_release(false, true, true, false));
            app.end();
        }
        assert_eq!(answer.references(), 0);
    });
}

#[test]
fn another_version_of_the_same_id_is_not_found() {
    in_both_worlds(|_| {
        let app = Application::new();
        app.add(&Owned::new(TLS1_3_VERSION, b"one"));
        assert!(app.lookup(b"one").is_none());
    });
}

/// `SSL_version` says something else there.
#[test]
fn a_quic_connection_looks_for_tls13_sessions() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let session = Owned::new(TLS1_3_VERSION, b"ticket");
        app.add(&session);
        app.add(&Owned::new(QUIC1_VERSION, b"ticket"));
        let connection = app.connect().over_quic();
        assert!(connection.lookup(b"ticket").is_some_and(|found| found.handle() == session.handle()));
        app.remove(&session);
        assert_eq!(exports::has_matching_session_id(connection, b"ticket"), 0);
        connection.close();
    });
}

#[test]
fn a_stored_session_whose_id_was_changed_is_found_under_neither_id() {
    in_both_worlds(|_| {
        let app = Application::new();
        let session = Owned::new(TLS1_2_VERSION, b"before");
        app.add(&session);
        for changed in [&b"behind"[..], b"before, too", b""] {
            session.set_id(changed);
            assert!(app.lookup(b"before").is_none() && app.lookup(changed).is_none());
            assert_eq!(app.number(), 1);
        }
        session.set_id(b"before");
        assert!(app.lookup(b"before").is_some(), "as after HAProxy's new callback");
    });
}

#[test]
fn an_expired_session_is_found_and_then_refused_and_removed() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let session = exports::expired(TLS1_2_VERSION, b"one");
        app.add(&session);
        let connection = app.connect();
        assert_eq!(connection.resume(b"one"), Resumption::Refused);
        connection.close();
        assert_eq!((app.events(), app.number()), (vec![Event::Removed(session.handle())], 0));
        assert_eq!(app.ctrl(crate::openssl::fake::CTRL_SESS_TIMEOUTS, 0), 1);
        assert_eq!(session.references(), 1);
    });
}

#[test]
fn an_id_of_more_than_32_bytes_is_a_miss() {
    in_both_worlds(|_| {
        let app = Application::new();
        app.add(&Owned::new(TLS1_2_VERSION, b"one"));
        assert!(app.lookup(&[7; 33]).is_none());
    });
}

#[test]
fn a_matching_id_is_found_without_taking_anything() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let session = Owned::new(TLS1_2_VERSION, b"one");
        app.add(&session);
        let connection = app.connect();
        let answers = [&b"one"[..], b"two", b""].map(|id| exports::has_matching_session_id(connection, id));
        connection.close();
        assert_eq!((answers, session.references(), app.events()), ([1, 0, 0], 2, vec![]));
    });
}

/// A session that was removed from somewhere, and so marked not resumable.
fn marked(id: &[u8]) -> Owned {
    let (session, elsewhere) = (Owned::new(TLS1_2_VERSION, id), Application::new());
    elsewhere.remove(&session);
    assert!(session.is_marked());
    session
}
