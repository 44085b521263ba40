//! The shared profile: what is published, by whom it is found, and what it takes the place of.

use super::application::{Application, Event, in_both_worlds};
use super::exports;
use crate::openssl::fake::{EX_INDEX_SSL_SESSION, FakeConnection, Owned, Resumption, TLS1_2_VERSION};
use crate::openssl::number::*;
use crate::shared::Counter;
use crate::shim::answer::Reference;
use crate::shim::process;

pub(super) const SHARED: (&str, &str) = ("SESSCACHE_SHARED", "anon:1M");
pub(super) const ID: &[u8] = b"a session of another process";
const MODE_CLIENT: u32 = 1;

/// A test that is true however libssl is linked, in a process that shares its sessions. Its contexts stand for as many
/// processes: all that they have in common is the region.
pub(super) fn where_shared(more: &[(&str, &str)], test: impl Fn()) {
    in_both_worlds(|_| {
        let _process = process::pretend(&[&[SHARED], more].concat());
        test();
    });
}

pub(super) fn counted(counter: Counter) -> u64 {
    process::shared_counts().expect("a region")(counter)
}

/// The session of a full handshake of TLS 1.2.
pub(super) fn begin(app: &Application, id: &[u8]) -> Owned {
    let session = Owned::new(TLS1_2_VERSION, id);
    session.set_id_context(b"service");
    app.handshake(&session);
    session
}

/// Whether a client of TLS 1.2 resumes this session.
pub(super) fn resumes(app: &Application, id: &[u8]) -> bool {
    resumes_by(app.connect(), id)
}

/// The same on this connection, which is closed then.
pub(super) fn resumes_by(connection: FakeConnection, id: &[u8]) -> bool {
    let resumption = connection.resume(id);
    connection.close();
    resumption != Resumption::Refused
}

#[test]
fn the_sessions_of_servers_are_published_whoever_stores_them() {
    where_shared(&[], || {
        for bits in [0, MODE_NO_INTERNAL_STORE, MODE_NO_INTERNAL_LOOKUP, 0x300] {
            let (app, other) = (Application::new(), Application::new());
            app.set_mode_bits(bits);
            let id = [b's', bits.to_be_bytes()[2]];
            let before = counted(Counter::Published);
            begin(&app, &id);
            assert_eq!(counted(Counter::Published), before + 1, "{bits:#x}");
            assert!(resumes(&other, &id), "{bits:#x}");
        }
    });
}

#[test]
fn without_the_setting_nothing_is() {
    in_both_worlds(|_| {
        let (app, other) = (Application::new(), Application::new());
        begin(&app, ID);
        assert!(process::shared_counts().is_none());
        assert!(resumes(&app, ID) && !resumes(&other, ID));
    });
}

#[test]
fn clients_and_caches_that_are_off_share_nothing() {
    where_shared(&[], || {
        for mode in [0, MODE_CLIENT, MODE_CLIENT | MODE_SERVER] {
            let app = Application::new();
            app.ctrl(CTRL_SET_SESS_CACHE_MODE, mode.into());
            let connection = app.connect().as_client();
            connection.finish(Owned::new(TLS1_2_VERSION, ID));
            connection.close();
            if mode & MODE_SERVER == 0 {
                begin(&app, ID);
            }
        }
        assert_eq!(counted(Counter::Published), 0);
    });
}

/// libssl asks the callback even of such a context.
#[test]
fn a_cache_that_is_off_finds_nothing() {
    where_shared(&[], || {
        let (app, other) = (Application::new(), Application::with_callbacks());
        begin(&app, ID);
        for mode in [0, MODE_CLIENT] {
            other.ctrl(CTRL_SET_SESS_CACHE_MODE, mode.into());
            assert!(!resumes(&other, ID));
            assert_eq!(other.events(), [Event::Asked(ID.into())]);
        }
        assert_eq!(counted(Counter::Hit), 0);
        other.ctrl(CTRL_SET_SESS_CACHE_MODE, MODE_SERVER.into());
        assert!(resumes(&other, ID));
    });
}

#[test]
fn what_is_all_in_its_ticket_is_not_published() {
    where_shared(&[], || {
        let app = Application::new();
        let connect = || app.connect().with_version(TLS1_3_VERSION);
        let ways =
            [(connect(), 0), (connect().with_options(OP_NO_TICKET), 1), (connect().with_early_data(), 2)];
        for (connection, published) in ways {
            connection.finish(Owned::new(TLS1_3_VERSION, &[b's', u8::try_from(published).expect("few")]));
            connection.close();
            assert_eq!(counted(Counter::Published), published);
        }
        let connection = connect().with_early_data().with_options(OP_NO_ANTI_REPLAY);
        connection.finish(Owned::new(TLS1_3_VERSION, ID));
        connection.close();
        assert_eq!(counted(Counter::Published), 2);
    });
}

#[test]
fn another_context_finds_a_copy_before_the_application_is_asked() {
    where_shared(&[], || {
        let (app, other) = (Application::with_callbacks(), Application::with_callbacks());
        let session = begin(&app, ID);
        let found = other.lookup(ID).expect("shared");
        assert_ne!(found.handle(), session.handle());
        assert_eq!((found.id(), found.time(), found.timeout()), (ID.to_vec(), session.time(), 3600));
        assert_eq!(found.references(), 1, "nobody keeps it");
        assert_eq!(other.events(), []);
        let counts = [CTRL_SESS_MISSES, CTRL_SESS_CB_HIT, CTRL_SESS_NUMBER].map(|it| other.ctrl(it, 0));
        assert_eq!(counts, [0, 0, 0]);
        // The object itself, where it was made.
        assert_eq!(app.lookup(ID).map(|own| own.handle()), Some(session.handle()));
        assert_eq!(counted(Counter::Hit), 1);
    });
}

#[test]
fn what_the_region_has_not_is_a_miss_and_the_applications_turn() {
    where_shared(&[], || {
        let app = Application::with_callbacks();
        assert!(!resumes(&app, ID));
        assert_eq!((app.ctrl(CTRL_SESS_MISSES, 0), app.events()), (1, vec![Event::Asked(ID.into())]));
        let session = Owned::new(TLS1_2_VERSION, ID);
        app.get_callback_answers(Some((session.handle(), Reference::Lent)));
        app.set_mode_bits(MODE_NO_INTERNAL_STORE | MODE_NO_INTERNAL_LOOKUP);
        assert!(resumes(&app, ID));
        assert_eq!((app.ctrl(CTRL_SESS_MISSES, 0), app.ctrl(CTRL_SESS_CB_HIT, 0)), (1, 1));
        assert_eq!(counted(Counter::Published), 0, "an answer is no new session");
    });
}

#[test]
fn with_no_internal_lookup_the_region_is_asked_all_the_same() {
    where_shared(&[], || {
        let (app, other) = (Application::new(), Application::with_callbacks());
        begin(&app, ID);
        other.set_mode_bits(MODE_NO_INTERNAL_LOOKUP);
        assert!(resumes(&other, ID));
        assert_eq!((other.ctrl(CTRL_SESS_MISSES, 0), other.events()), (0, vec![]));
    });
}

#[test]
fn other_services_find_nothing() {
    where_shared(&[("SESSCACHE_SCOPE", "web")], || {
        let service = |certificate: &[u8], verify, authorities: &[&[u8]]| {
            let app = Application::new();
            app.context.use_certificate(certificate);
            app.context.set_verify(verify);
            app.context.set_authorities(authorities);
            app
        };
        let names: [&[u8]; 2] = [b"one", b"two"];
        let app = service(b"cert", 1, &names);
        begin(&app, ID);
        for other in [
            service(b"other", 1, &names),
            service(b"cert", 3, &names),
            service(b"cert", 0, &names),
            service(b"cert", 1, &names[..1]),
            service(b"cert", 1, &[b"onetwo"]),
        ] {
            assert!(!resumes(&other, ID));
        }
        assert!(resumes(&service(b"cert", 1, &names), ID));
        // Whom it would ask for matters only if it asks.
        begin(&service(b"cert", 0, &names), b"unasked");
        assert!(resumes(&service(b"cert", 0, &[]), b"unasked"));
        assert!(!resumes(&app, b"unasked"));
    });
}

/// libssl ends such a handshake with an error, so it must not even see the session.
#[test]
fn who_verifies_clients_finds_no_session_without_an_id_context() {
    where_shared(&[("SESSCACHE_SCOPE", "web")], || {
        let (app, other) = (Application::new(), Application::new());
        for app in [&app, &other] {
            app.context.set_verify(1);
        }
        app.handshake(&Owned::new(TLS1_2_VERSION, ID));
        assert!(!resumes(&other, ID));
        begin(&app, b"with one");
        assert!(resumes(&other, b"with one"));
    });
}

/// HAProxy's connections are made from a context without a certificate, and switched before libssl looks for a session.
#[test]
fn who_has_no_certificate_counts_by_the_context_that_it_is_switched_to() {
    where_shared(&[], || {
        let [app, other] = [0, 1].map(|_| {
            let app = Application::new();
            app.context.forget_certificate();
            app
        });
        let [one, two] = [b"one", b"two"].map(|certificate| {
            let shown = Application::new();
            shown.context.use_certificate(certificate);
            shown
        });
        let switched = |app: &Application, to: &Application| {
            let connection = app.connect();
            exports::set_ssl_ctx(connection, to.context);
            connection
        };
        let session = Owned::new(TLS1_2_VERSION, ID);
        session.set_id_context(b"service");
        let connection = switched(&app, &one);
        connection.finish(session);
        connection.close();
        assert!(!resumes(&other, ID), "it has never been that service");
        assert!(resumes_by(switched(&other, &one), ID));
        assert!(!resumes_by(switched(&other, &two), ID));
    });
}

/// nginx: the context is switched by the client's server name, after libssl has looked for the session.
#[test]
fn a_context_finds_again_what_was_made_by_one_that_it_was_switched_to() {
    where_shared(&[], || {
        let (app, named) = (Application::new(), Application::new());
        app.set_mode_bits(MODE_NO_INTERNAL_STORE);
        named.context.use_certificate(b"named");
        let session = Owned::new(TLS1_2_VERSION, ID);
        session.set_id_context(b"service");
        let connection = app.connect();
        exports::set_ssl_ctx(connection, named.context);
        connection.finish(session);
        connection.close();
        assert!(resumes(&app, ID));
    });
}

/// Perhaps a callback chooses its certificates, or clients are known by something else: who can tell it from another service?
#[test]
fn who_has_no_certificate_at_all_needs_a_scope() {
    let shares = || {
        let (app, other) = (Application::new(), Application::new());
        for app in [&app, &other] {
            app.context.forget_certificate();
            app.set_mode_bits(0x300);
        }
        begin(&app, ID);
        assert!(resumes(&app, ID), "the region has it for its own context, wherever that is inherited");
        resumes(&other, ID)
    };
    where_shared(&[], || assert!(!shares()));
    where_shared(&[("SESSCACHE_SCOPE", "web")], || assert!(shares()));
}

/// Not everything by which clients are verified is to be seen.
#[test]
fn who_verifies_clients_needs_a_scope() {
    let shares = |result| {
        let (app, other) = (Application::new(), Application::new());
        for app in [&app, &other] {
            app.context.set_verify(1);
            app.context.set_authorities(&[b"name"]);
            app.set_mode_bits(0x300);
        }
        app.context.set_verify_result(result);
        begin(&app, ID);
        assert!(resumes(&app, ID), "its own");
        resumes(&other, ID)
    };
    where_shared(&[], || assert!(!shares(0)));
    where_shared(&[("SESSCACHE_SCOPE", "web")], || assert!(shares(0) && !shares(18)));
}

/// Another thread may change a context's certificate at any time: a connection is what its context was when it was made.
#[test]
fn a_connection_stays_who_it_was_made_to_be() {
    where_shared(&[], || {
        let (app, other) = (Application::new(), Application::new());
        let connection = app.connect();
        app.context.use_certificate(b"renewed");
        let session = Owned::new(TLS1_2_VERSION, ID);
        connection.finish(Owned::from(session.handle()));
        let _ = session.give_away();
        connection.close();
        assert!(resumes(&other, ID), "of the old certificate");
        begin(&app, b"renewed");
        assert!(!resumes(&other, b"renewed"));
        begin(&other, b"theirs");
        assert!(!resumes(&app, b"theirs"), "by what its context was before");
        // Both can still be ended.
        let old = other.lookup(ID).expect("shared");
        app.remove(&old);
        assert!(!resumes(&other, ID));
    });
}

#[test]
fn a_program_with_data_on_its_sessions_shares_none() {
    let data = std::ptr::without_provenance_mut(0x10);
    let play = |more: &[(&str, &str)], expected| {
        where_shared(more, || {
            let index = crate::openssl::fake::new_index(EX_INDEX_SSL_SESSION, None);
            let (app, other) = (Application::new(), Application::new());
            let session = begin(&app, ID);
            assert!(resumes(&other, ID));
            exports::set_session_ex_data(session.handle(), index, data);
            begin(&app, b"later");
            assert_eq!([ID, b"later"].map(|id| resumes(&other, id)), [expected; 2]);
            assert!(resumes(&app, ID) && resumes(&app, b"later"), "its own");
        });
    };
    play(&[], false);
    play(&[("SESSCACHE_EX_DATA", "share")], true);
}

#[test]
fn a_session_that_is_too_large_stays_at_home() {
    where_shared(&[], || {
        let (app, other) = (Application::new(), Application::new());
        let session = Owned::new(TLS1_2_VERSION, ID);
        session.pad(16 << 10);
        app.handshake(&session);
        assert!(resumes(&app, ID) && !resumes(&other, ID));
        assert_eq!((counted(Counter::Published), counted(Counter::TooLarge)), (0, 1));
    });
}
