//! A fault of ours: the handshake goes on, the context's trampolines only forward, and at the next safe call the
//! context is libssl's own again, with the sessions that it had.

use super::application::{Application, Event, in_both_worlds};
use super::exports;
use crate::openssl::fake::{Owned, TLS1_2_VERSION, by_release};
use crate::openssl::number::*;
use crate::shim::adopt::state;
use crate::shim::answer::Reference;
use crate::shim::fault;
use crate::shim::state::Phase;

fn phase(app: &Application) -> Phase {
    state(app.context.view()).expect("adopted").phase()
}

/// An application with one stored session, whose next handshake meets a fault.
fn about_to_break(place: &'static str) -> (Application, Owned) {
    let app = Application::with_callbacks();
    let stored = Owned::new(TLS1_2_VERSION, b"stored");
    app.add(&stored);
    fault::arm(place);
    (app, stored)
}

#[test]
fn a_fault_while_storing_costs_one_session_and_no_handshake() {
    in_both_worlds(|_| {
        let (app, stored) = about_to_break("insert");
        let session = Owned::new(TLS1_2_VERSION, b"one");
        app.handshake(&session);
        assert_eq!(phase(&app), Phase::Broken);
        assert_eq!(app.events(), [Event::New(session.handle())]);
        assert_eq!((session.references(), stored.references()), (1, 2));
        assert!(state(app.context.view()).expect("adopted").was_broken());
    });
}

#[test]
fn a_fault_while_looking_asks_the_application() {
    in_both_worlds(|_| {
        let (app, stored) = about_to_break("lookup");
        let session = Owned::new(TLS1_2_VERSION, b"one");
        app.get_callback_answers(Some((session.handle(), Reference::Lent)));
        assert!(app.lookup(b"one").is_some_and(|found| found.handle() == session.handle()));
        assert_eq!(phase(&app), Phase::Broken);
        assert_eq!(app.events(), [Event::Asked(b"one".into())]);
        assert_eq!((session.references(), stored.references()), (1, 2));
    });
}

#[test]
fn the_next_connection_finds_the_context_given_back() {
    in_both_worlds(|_| {
        let (app, stored) = about_to_break("insert");
        app.handshake(&Owned::new(TLS1_2_VERSION, b"lost"));
        app.events();
        let session = Owned::new(TLS1_2_VERSION, b"one");
        app.handshake(&session);
        assert_eq!(phase(&app), Phase::GivenBack);
        assert_eq!(app.context.cached(), [stored.handle(), session.handle()]);
        assert_eq!((app.number(), app.events()), (2, vec![Event::New(session.handle())]));
        assert!(app.lookup(b"stored").is_some());
        app.end();
        assert_eq!((app.events().len(), stored.references(), session.references()), (2, 1, 1));
    });
}

#[test]
fn an_addition_gives_the_context_back_first() {
    in_both_worlds(|_| {
        let (app, stored) = about_to_break("insert");
        let session = Owned::new(TLS1_2_VERSION, b"one");
        assert_eq!((app.add(&session), phase(&app)), (0, Phase::Broken));
        assert_eq!((app.add(&session), phase(&app)), (1, Phase::GivenBack));
        assert_eq!(app.context.cached(), [stored.handle(), session.handle()]);
    });
}

#[test]
fn until_then_nothing_is_found_or_stored_and_everything_forwarded() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let [before, after] = [app.connect(), app.connect()];
        let stored = Owned::new(TLS1_2_VERSION, b"stored");
        app.add(&stored);
        fault::arm("insert");
        before.finish(Owned::new(TLS1_2_VERSION, b"lost"));
        app.events();
        assert!(after.lookup(b"stored").is_none());
        after.finish(Owned::new(TLS1_2_VERSION, b"new"));
        let new = after.session().expect("its session");
        assert_eq!(app.events(), [Event::Asked(b"stored".into()), Event::New(new)]);
        assert_eq!(phase(&app), Phase::Broken);
        after.break_off();
        before.close();
        assert_eq!(app.events(), [Event::Removed(new)]);
    });
}

#[test]
fn a_broken_context_that_ends_tells_of_every_session() {
    in_both_worlds(|_| {
        let (app, stored) = about_to_break("insert");
        app.handshake(&Owned::new(TLS1_2_VERSION, b"lost"));
        app.events();
        app.end();
        assert_eq!((app.events(), stored.references()), (vec![Event::Removed(stored.handle())], 1));
    });
}

#[test]
fn a_broken_context_can_be_emptied() {
    in_both_worlds(|_| {
        let (app, stored) = about_to_break("insert");
        app.handshake(&Owned::new(TLS1_2_VERSION, b"lost"));
        app.events();
        app.flush(0);
        assert_eq!(
            (app.events(), app.number(), stored.references()),
            (vec![Event::Removed(stored.handle())], 0, 1)
        );
    });
}

/// A callback that libssl runs under its lock is not the place to give anything back.
#[test]
fn nothing_is_given_back_from_under_libssls_lock() {
    in_both_worlds(|world| {
        let app = Application::with_callbacks();
        let young = Owned::new(TLS1_2_VERSION, b"young");
        app.add(&exports::expired(TLS1_2_VERSION, b"old"));
        app.add(&young);
        let other = Owned::new(TLS1_2_VERSION, b"other");
        let handle = other.handle();
        app.in_remove(move |context, _| {
            exports::add_session(context, handle);
        });
        // libssl flushes at the end of the very handshake in which we fail.
        let connection = app.connect();
        app.context.set_handshakes_done(0xff);
        fault::arm("insert");
        connection.finish(Owned::new(TLS1_2_VERSION, b"lost"));
        connection.close();
        app.connect().close();
        assert_eq!(phase(&app), Phase::GivenBack);
        let [young, other] = [young.handle(), other.handle()];
        let kept = by_release(vec![young, other], vec![young], vec![young], vec![young, other]);
        assert_eq!(app.context.cached(), kept);
        assert_eq!(world.take_refused_locks(), 0);
        app.in_remove(|_, _| {});
    });
}

#[test]
fn counters_survive_a_fault() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        app.set_size(1);
        [&b"one"[..], b"two"].iter().for_each(|id| assert_eq!(app.add(&Owned::new(TLS1_2_VERSION, id)), 1));
        assert!(app.lookup(b"one").is_none());
        let counters =
            || [CTRL_SESS_CACHE_FULL, CTRL_SESS_MISSES, CTRL_SESS_NUMBER].map(|counter| app.ctrl(counter, 0));
        assert_eq!(counters(), [1, 1, 1]);
        fault::arm("insert");
        app.handshake(&Owned::new(TLS1_2_VERSION, b"lost"));
        assert_eq!(counters(), [1, 1, 1]);
        app.connect().close();
        assert_eq!(counters(), [1, 1, 1]);
    });
}
