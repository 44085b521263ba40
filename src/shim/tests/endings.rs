//! The shared profile: what ends a session for every process, and what for its own alone.

use super::application::{Application, Event};
use super::exports;
use super::sharing::{ID, begin, counted, resumes, resumes_by, where_shared};
use crate::base::clock;
use crate::openssl::fake::{FakeConnection, FakeContext, FakeSession, Owned, Resumption, TLS1_2_VERSION};
use crate::openssl::number::*;
use crate::shared::Counter;
use crate::shim::answer::Reference;
use crate::shim::process;

#[test]
fn an_eviction_is_one_processs_own() {
    where_shared(&[], || {
        let (app, other) = (Application::with_callbacks(), Application::new());
        app.set_size(2);
        let first = begin(&app, ID);
        for number in 0..3 {
            begin(&app, &[b's', number]);
        }
        assert!(app.events().contains(&Event::Removed(first.handle())));
        assert!(first.is_marked() && resumes(&other, ID));
        assert!(resumes(&app, ID), "a copy, where it was made");
    });
}

#[test]
fn expiry_is_one_processs_own() {
    where_shared(&[], || {
        let app = Application::new();
        app.handshake(&exports::expired(TLS1_2_VERSION, ID));
        app.flush(clock::now());
        assert_eq!((app.number(), counted(Counter::Removed), counted(Counter::Flush)), (0, 0, 0));
    });
}

#[test]
fn what_is_flushed_before_its_time_is_gone_for_all() {
    where_shared(&[], || {
        let (app, other) = (Application::new(), Application::new());
        begin(&app, ID);
        begin(&other, b"other");
        app.flush(clock::now() + 4000);
        assert_eq!((app.number(), counted(Counter::Removed), counted(Counter::Flush)), (0, 1, 0));
        assert!(!resumes(&other, ID) && resumes(&app, b"other"));
    });
}

#[test]
fn what_has_expired_is_not_found() {
    where_shared(&[], || {
        let (app, other) = (Application::new(), Application::new());
        app.handshake(&exports::expired(TLS1_2_VERSION, ID));
        assert!(other.lookup(ID).is_none());
        assert_eq!(counted(Counter::Expired), 1);
    });
}

#[test]
fn the_end_of_a_context_is_its_own() {
    where_shared(&[], || {
        let (app, other) = (Application::with_callbacks(), Application::new());
        let session = begin(&app, ID);
        app.end();
        assert_eq!(app.events(), [Event::New(session.handle()), Event::Removed(session.handle())]);
        assert_eq!((counted(Counter::Removed), counted(Counter::Flush)), (0, 0));
        assert!(resumes(&other, ID));
    });
}

/// Also while another is being freed, and at an address that was freed once.
#[test]
fn a_flush_of_everything_is_for_all() {
    where_shared(&[], || {
        let (app, other) = (Application::with_callbacks(), Application::new());
        let session = begin(&app, ID);
        let apart = [b"one", b"two", b"six"].map(|id| {
            let apart = Application::new();
            apart.context.use_certificate(id);
            apart.set_mode_bits(0x300);
            begin(&apart, id);
            (apart, id)
        });
        other.flush(0);
        assert!(!resumes(&other, ID) && !resumes(&app, ID), "where it was made, too");
        assert_eq!(app.events(), [Event::New(session.handle()), Event::Asked(ID.into())]);
        assert!(!session.is_marked());
        // By chance it ends those of one scope in 256 as well.
        assert!(apart.iter().any(|(apart, id)| resumes(apart, *id)), "other services");
        begin(&app, ID);
        assert!(resumes(&other, ID), "and later ones are found");
    });
}

/// Of more certificates than are noted, too.
#[test]
fn a_flush_is_for_every_certificate_that_a_context_has_shown() {
    where_shared(&[], || {
        let (app, other) = (Application::new(), Application::new());
        let names: Vec<[u8; 1]> = (0..60).map(|number| [number]).collect();
        for name in &names {
            app.context.use_certificate(name);
            begin(&app, name);
        }
        app.flush(0);
        for name in &names {
            other.context.use_certificate(name);
            assert!(!resumes(&other, name), "{name:?}");
        }
    });
}

#[test]
fn whoever_flushes_while_another_context_ends_flushes_for_all() {
    where_shared(&[], || {
        let (app, ending) = (Application::new(), Application::with_callbacks());
        begin(&app, ID);
        ending.handshake(&Owned::new(TLS1_2_VERSION, b"its own"));
        let flushed = app.context;
        ending.in_remove(move |_, _| exports::flush_sessions(flushed, 0));
        ending.end();
        assert_eq!(counted(Counter::Flush), 1);
        assert!(!resumes(&app, ID));
    });
}

#[test]
fn a_removal_is_for_all() {
    where_shared(&[], || {
        let removals: [fn(&Application); 3] = [
            |app| assert_eq!(app.remove(&app.lookup(ID).expect("shared")), 0, "it stood in no cache of ours"),
            |app| {
                let connection = app.connect();
                assert!(connection.resume(ID) != Resumption::Refused);
                connection.fail();
                connection.close();
            },
            |app| {
                let connection = app.connect();
                assert!(connection.resume(ID) != Resumption::Refused);
                connection.break_off();
            },
        ];
        for remove in removals {
            let (app, other) = (Application::with_callbacks(), Application::new());
            let session = begin(&app, ID);
            remove(&other);
            assert!(!resumes(&other, ID));
            assert_eq!(app.number(), 1, "nobody has asked yet");
            assert!(!resumes(&app, ID));
            assert_eq!(app.events(), [Event::New(session.handle()), Event::Asked(ID.into())]);
            assert_eq!((app.number(), session.is_marked(), session.references()), (0, false, 1));
        }
    });
}

#[test]
fn its_owner_removes_it_for_all() {
    where_shared(&[], || {
        let (app, other) = (Application::new(), Application::new());
        let session = begin(&app, ID);
        assert_eq!(app.remove(&session), 1);
        assert!(!resumes(&other, ID));
        assert_eq!(counted(Counter::Removed), 1);
    });
}

/// What went out has to be called back, whatever has been decided since.
#[test]
fn who_shares_no_longer_can_still_end_what_was_shared() {
    let stop: [fn(&Application); 3] = [
        |app| assert_ne!(app.ctrl(CTRL_SET_SESS_CACHE_MODE, 0), 0),
        |_| process::keeps_ex_data(),
        |app| assert_eq!(exports::sessions(app.context).len(), 1),
    ];
    let end: [fn(&Application, &Owned); 2] =
        [|app, session| assert_eq!(app.remove(session), 1), |app, _| app.flush(0)];
    for stop in stop {
        for end in end {
            where_shared(&[], || {
                let (app, other) = (Application::new(), Application::new());
                let session = begin(&app, ID);
                stop(&app);
                end(&app, &session);
                assert!(!resumes(&other, ID));
                assert_eq!(counted(Counter::Removed) + counted(Counter::Flush), 1);
            });
        }
    }
}

#[test]
fn a_zero_that_declines_a_session_declines_it_for_all() {
    where_shared(&[("SESSCACHE_NEW_CB_ZERO", "remove")], || {
        let (app, other) = (Application::with_callbacks(), Application::new());
        begin(&app, ID);
        assert!(!resumes(&app, ID) && !resumes(&other, ID));
    });
}

fn early(app: &Application) -> FakeConnection {
    app.connect().with_version(TLS1_3_VERSION).with_early_data()
}

fn begin_early(app: &Application) -> Owned {
    let session = Owned::new(TLS1_3_VERSION, ID);
    session.up_ref();
    let connection = early(app);
    connection.finish(Owned::from(session.handle()));
    connection.close();
    session
}

#[test]
fn a_session_for_single_use_resumes_once_wherever() {
    for own_first in [true, false] {
        where_shared(&[], || {
            let (app, other) = (Application::new(), Application::new());
            let session = begin_early(&app);
            let (first, second) = if own_first { (&app, &other) } else { (&other, &app) };
            assert!(resumes_by(early(first), ID));
            assert!(!resumes_by(early(second), ID) && !resumes_by(early(first), ID));
            assert_eq!((app.number(), session.references()), (0, 1));
            assert_eq!(counted(Counter::Taken), 1);
            let is_it = |session: &FakeSession| session.id() == ID;
            assert!(![&app, &other].iter().any(|app| app.context.cached().iter().any(is_it)));
        });
    }
}

/// Between the lookup and its end no other has it.
#[test]
fn what_one_process_has_found_for_its_single_use_no_other_finds() {
    for own_first in [true, false] {
        where_shared(&[], || {
            let (app, other) = (Application::new(), Application::new());
            begin_early(&app);
            let (first, second) = if own_first { (&app, &other) } else { (&other, &app) };
            let connections = [early(first), early(second)];
            let [one, two] = connections.map(|connection| connection.lookup(ID));
            assert!(one.is_some() && two.is_none());
            drop(one);
            connections.iter().for_each(|connection| connection.close());
        });
    }
}

#[test]
fn storing_it_again_shares_nothing() {
    where_shared(&[], || {
        let (app, other) = (Application::new(), Application::new());
        let session = begin_early(&app);
        assert!(resumes_by(early(&other), ID));
        app.add(&session);
        assert!(!resumes_by(early(&other), ID));
        assert_eq!(counted(Counter::Published), 1);
    });
}

/// As stunnel does, which stores its sessions by itself.
#[test]
fn what_was_used_elsewhere_stays_used_though_it_is_stored_again() {
    where_shared(&[], || {
        let (app, other) = (Application::new(), Application::new());
        app.set_mode_bits(MODE_NO_INTERNAL_STORE);
        let session = begin_early(&app);
        app.add(&session);
        assert!(resumes_by(early(&other), ID));
        assert!(!resumes_by(early(&app), ID));
        app.remove(&session);
        app.add(&session);
        assert!(!resumes_by(early(&app), ID));
    });
}

#[test]
fn what_was_ended_elsewhere_does_not_go_back_to_libssl() {
    where_shared(&[], || {
        let (app, other) = (Application::new(), Application::new());
        let [ended, kept] = [&b"ended"[..], b"kept"].map(|id| begin(&app, id));
        let used = begin_early(&app);
        other.remove(&Owned::new(TLS1_2_VERSION, b"ended"));
        assert!(resumes_by(early(&other), ID));
        exports::sessions(app.context);
        assert_eq!(app.context.cached(), [kept.handle()]);
        assert_eq!([&ended, &used].map(|session| session.references()), [1, 1]);
    });
}

/// libssl asks nobody: what is in its own cache no other process may have.
#[test]
fn a_session_for_single_use_that_goes_back_to_libssl_is_no_longer_shared() {
    where_shared(&[], || {
        let (app, other) = (Application::new(), Application::new());
        let session = begin_early(&app);
        exports::sessions(app.context);
        assert_eq!(app.context.cached(), [session.handle()]);
        assert!(!resumes_by(early(&other), ID));
    });
}

/// Until it is published nothing says that it is used but once.
#[test]
fn what_is_for_single_use_is_not_found_while_its_new_callback_runs() {
    where_shared(&[], || {
        let app = Application::with_callbacks();
        app.in_new(|context, session| {
            let version = session.view().protocol_version();
            let connection = exports::ssl_new(context).with_version(version);
            let connection =
                if version == TLS1_3_VERSION { connection.with_early_data() } else { connection };
            assert_eq!(connection.lookup(ID).is_some(), version != TLS1_3_VERSION);
            connection.close();
        });
        begin(&app, ID);
        begin_early(&app);
        assert_eq!(app.events().len(), 3, "two are new, and one is asked for");
    });
}

/// Apache sets the timeout of each session in its new callback.
#[test]
fn what_the_new_callback_changes_is_what_others_find() {
    where_shared(&[], || {
        let (app, other) = (Application::with_callbacks(), Application::new());
        app.in_new(|_, session| {
            exports::set_timeout(session, 7);
        });
        begin(&app, ID);
        assert_eq!(other.lookup(ID).map(|found| found.timeout()), Some(7));
        app.in_new(|context, session| {
            exports::remove_session(context, session);
        });
        begin(&app, b"removed");
        assert!(!resumes(&other, b"removed"));
    });
}

/// Fills the region with the sessions of another service.
fn overwrite_all() {
    let app = Application::new();
    app.context.use_certificate(b"cert");
    for number in 0..80 {
        let session = Owned::new(TLS1_2_VERSION, &[b's', number]);
        session.pad(15 << 10);
        app.handshake(&session);
    }
}

/// Nobody could say whether another process has used it.
#[test]
fn what_the_ring_has_passed_resumes_at_home_unless_it_is_for_single_use() {
    where_shared(&[], || {
        let (app, other) = (Application::new(), Application::new());
        begin(&app, ID);
        begin_early(&app);
        overwrite_all();
        assert!(!resumes(&other, ID) && resumes(&app, ID));
        assert!(!resumes_by(early(&other), ID) && !resumes_by(early(&app), ID));
    });
}

fn stateful(app: &Application) -> FakeConnection {
    app.connect().with_version(TLS1_3_VERSION).with_options(OP_NO_TICKET)
}

const DAY: i64 = 24 * 3600;

/// A connection that resumes a session of a line that began at `origin`, and gets a new one.
fn renew(app: &Application, origin: i64) -> Owned {
    let connection = stateful(app);
    let session = Owned::new(TLS1_3_VERSION, ID);
    session.up_ref();
    connection.use_resumed(Owned::new(TLS1_3_VERSION, b"before"));
    connection.view().note_origin(Some(origin));
    connection.renew(Owned::from(session.handle()));
    connection.close();
    session
}

#[test]
fn a_renewed_session_is_as_old_as_its_line() {
    where_shared(&[], || {
        let (app, other) = (Application::new(), Application::new());
        let origin = clock::now() - DAY + 1000;
        renew(&app, origin);
        for app in [&app, &other] {
            let connection = stateful(app);
            assert!(connection.resume(ID) != Resumption::Refused);
            assert_eq!(connection.view().origin(), Some(origin));
            connection.renew(Owned::new(TLS1_3_VERSION, b"and again"));
            connection.close();
        }
        let connection = stateful(&other);
        assert!(connection.resume(b"and again") != Resumption::Refused);
        assert_eq!(connection.view().origin(), Some(origin));
        // The same connection, used once more.
        connection.finish(Owned::new(TLS1_3_VERSION, b"afresh"));
        connection.close();
        let connection = stateful(&app);
        assert!(connection.resume(b"afresh") != Resumption::Refused);
        assert!(connection.view().origin().is_some_and(|origin| origin > clock::now() - 1000));
        connection.close();
    });
}

/// The application's own cache knows it still, but nobody knows how long the line is.
#[test]
fn what_an_application_has_renewed_is_not_shared() {
    where_shared(&[], || {
        let app = Application::with_callbacks();
        let answer = Owned::new(TLS1_3_VERSION, b"of a store");
        app.get_callback_answers(Some((answer.handle(), Reference::Lent)));
        let connection = stateful(&app);
        assert!(connection.resume(b"of a store") != Resumption::Refused);
        connection.renew(Owned::new(TLS1_3_VERSION, ID));
        connection.close();
        assert_eq!(counted(Counter::Published), 0);
    });
}

#[test]
fn a_line_that_is_too_old_ends_everywhere() {
    let play = |lifetime, expected| {
        where_shared(&[("SESSCACHE_MAX_LIFETIME", lifetime)], || {
            let (app, other) = (Application::new(), Application::new());
            renew(&app, clock::now() - DAY);
            assert_eq!([&app, &other].map(|app| resumes_by(stateful(app), ID)), [expected; 2]);
        });
    };
    play("24h", false);
    play("2d", true);
}

#[test]
fn an_answer_of_the_application_begins_a_line_of_its_own() {
    where_shared(&[], || {
        let (app, other) = (Application::new(), Application::with_callbacks());
        begin(&app, ID);
        let session = Owned::new(TLS1_2_VERSION, b"its own");
        other.get_callback_answers(Some((session.handle(), Reference::Lent)));
        let connection = other.connect();
        assert!(connection.lookup(ID).is_some() && connection.view().origin().is_some());
        assert!(connection.lookup(b"its own").is_some() && connection.view().origin().is_none());
        connection.close();
    });
}

/// An address may come again: what its last owner's end has left must not count for the next.
#[test]
fn a_mark_that_an_ending_left_behind_goes_with_the_next_context() {
    where_shared(&[], || {
        let next = FakeContext::unseen();
        process::while_freeing(next.as_ptr(), || {
            crate::shim::adopt::adopt_new(next.view());
            let next = Application::with(next);
            begin(&next, ID);
            next.flush(0);
            assert_eq!(counted(Counter::Flush), 1);
        });
    });
}
