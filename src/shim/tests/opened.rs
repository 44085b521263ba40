//! The shared profile: sessions that are asked for again and again.

use super::application::Application;
use super::exports;
use super::sharing::{ID, begin, counted, resumes, resumes_by, where_shared};
use crate::base::settings::{Place, Shared};
use crate::cache::SessionKey;
use crate::openssl::fake::{
    EX_INDEX_SSL_SESSION, Owned, TLS1_2_VERSION, decoded_sessions, living_sessions, new_index,
};
use crate::openssl::number::*;
use crate::shared::{Counter, HostTier, Owner, Scope, Times};
use crate::shim::opened::{BUCKETS, DER_MAX, Opened, WAYS, at};
use crate::shim::process;

/// How often `work` has a session decoded.
fn decoded_by(work: impl FnOnce()) -> usize {
    let before = decoded_sessions();
    work();
    decoded_sessions() - before
}

fn key(id: &[u8]) -> SessionKey {
    SessionKey::new(TLS1_2_VERSION, id).expect("a short id")
}

/// An id that does not belong where this one does.
fn apart_from(id: &[u8]) -> [u8; 1] {
    [(0..u8::MAX).find(|other| at(&key(&[*other])) != at(&key(id))).expect("many buckets")]
}

/// A server of the same service that has found the session often enough to keep it opened.
fn acquainted(id: &[u8]) -> Application {
    let other = Application::new();
    let decoded = decoded_by(|| (0..4).for_each(|_| assert!(resumes(&other, id))));
    assert_eq!(decoded, 2);
    other
}

#[test]
fn what_is_found_a_second_time_is_not_decoded_again() {
    where_shared(&[], || {
        let session = begin(&Application::new(), ID);
        let other = acquainted(ID);
        let [one, two] = [0, 1].map(|_| other.lookup(ID).expect("shared"));
        assert_eq!(decoded_by(|| assert!(resumes(&other, ID))), 0);
        // Each connection has an object of its own, as from the region.
        assert_ne!(one.handle(), two.handle());
        assert_eq!((one.references(), two.references()), (1, 1));
        assert_eq!((one.id(), one.time(), one.timeout()), (ID.to_vec(), session.time(), session.timeout()));
        assert_eq!(counted(Counter::Hit), 7);
    });
}

/// What its connection does with it is of no concern to the next one.
#[test]
fn what_one_connection_changes_the_next_does_not_see() {
    where_shared(&[], || {
        begin(&Application::new(), ID);
        let other = acquainted(ID);
        let found = other.lookup(ID).expect("shared");
        found.set_timeout(1);
        found.mark();
        let next = other.lookup(ID).expect("still");
        assert_eq!((next.timeout(), next.is_marked()), (3600, false));
    });
}

#[test]
fn what_another_process_ends_is_not_found() {
    let ways: [fn(&Application, &Owned); 3] = [
        |app, session| {
            app.remove(session);
        },
        |app, _| app.flush(0),
        |app, _| {
            // Another session of that name.
            begin(app, ID).set_timeout(7);
        },
    ];
    for (number, end) in ways.into_iter().enumerate() {
        where_shared(&[], || {
            let app = Application::new();
            let session = begin(&app, ID);
            let other = acquainted(ID);
            end(&app, &session);
            let found = decoded_by(|| assert_eq!(resumes(&other, ID), number == 2));
            assert_eq!(found, usize::from(number == 2));
        });
    }
}

/// A session is key material.
#[test]
fn what_this_process_ends_it_lets_go_of() {
    where_shared(&[], || {
        let another = apart_from(ID);
        begin(&Application::new(), ID);
        begin(&Application::new(), &another);
        let other = acquainted(ID);
        (0..2).for_each(|_| assert!(resumes(&other, &another)));
        let removed = other.lookup(ID).expect("shared");
        let before = living_sessions();
        other.remove(&removed);
        assert_eq!(living_sessions(), before - 1);
        assert!(!resumes(&other, ID) && resumes(&other, &another));
        other.flush(0);
        assert_eq!(living_sessions(), before - 2);
        assert!(!resumes(&other, &another));
    });
}

#[test]
fn another_service_of_the_same_context_finds_nothing() {
    where_shared(&[], || {
        begin(&Application::new(), ID);
        let other = acquainted(ID);
        let old = other.connect();
        other.context.use_certificate(b"renewed");
        assert!(!resumes_by(other.connect(), ID));
        assert!(resumes_by(old, ID));
    });
}

#[test]
fn what_is_used_once_or_large_is_opened_each_time() {
    where_shared(&[], || {
        let app = Application::new();
        let large = Owned::new(TLS1_2_VERSION, b"large");
        large.set_id_context(b"service");
        large.handle().pad(DER_MAX);
        app.handshake(&large);
        let connect =
            |app: &Application| app.connect().with_version(TLS1_3_VERSION).with_options(OP_NO_TICKET);
        let connection = connect(&app);
        connection.finish(Owned::new(TLS1_3_VERSION, ID));
        connection.close();
        let other = Application::new();
        for _ in 0..4 {
            assert_eq!(decoded_by(|| assert!(resumes(&other, b"large"))), 1);
            assert_eq!(decoded_by(|| assert!(resumes_by(connect(&other), ID))), 1);
        }
    });
}

#[test]
fn of_a_program_with_data_on_its_sessions_none_is_copied() {
    where_shared(&[("SESSCACHE_EX_DATA", "share")], || {
        begin(&Application::new(), ID);
        let index = new_index(EX_INDEX_SSL_SESSION, None);
        let session = Owned::new(TLS1_2_VERSION, b"with data");
        exports::set_session_ex_data(session.handle(), index, std::ptr::without_provenance_mut(1));
        let other = Application::new();
        for _ in 0..4 {
            assert_eq!(decoded_by(|| assert!(resumes(&other, ID))), 1);
        }
    });
}

#[test]
fn nor_what_was_kept_before_there_were_any() {
    where_shared(&[("SESSCACHE_EX_DATA", "share")], || {
        begin(&Application::new(), ID);
        let other = acquainted(ID);
        process::keeps_ex_data();
        assert_eq!(decoded_by(|| assert!(resumes(&other, ID))), 1);
    });
}

/// Whatever the order in which their clients come.
#[test]
fn sessions_that_belong_together_do_not_push_each_other_out() {
    where_shared(&[], || {
        let (app, other) = (Application::new(), Application::new());
        let bucket = at(&key(ID));
        let ids: Vec<[u8; 4]> =
            (0u32..).map(u32::to_le_bytes).filter(|id| at(&key(id)) == bucket).take(WAYS).collect();
        ids.iter().for_each(|id| drop(begin(&app, id)));
        let decoded = || decoded_by(|| ids.iter().for_each(|id| assert!(resumes(&other, id))));
        assert_eq!([decoded(), decoded(), decoded()], [WAYS, WAYS, 0]);
    });
}

#[test]
fn it_keeps_no_more_than_it_has_room_for() {
    where_shared(&[("SESSCACHE_SHARED", "anon:8M")], || {
        let (app, other) = (Application::new(), Application::new());
        app.set_mode_bits(MODE_NO_INTERNAL_STORE);
        let ids: Vec<[u8; 4]> =
            (0..u32::try_from(2 * BUCKETS * WAYS).expect("few")).map(u32::to_le_bytes).collect();
        for id in &ids {
            begin(&app, id);
            (0..2).for_each(|_| assert!(resumes(&other, id)));
        }
        let decoded = decoded_by(|| ids.iter().for_each(|id| assert!(resumes(&other, id))));
        assert!((BUCKETS * WAYS..ids.len()).contains(&decoded), "{decoded}");
    });
}

/// One bucket is looked at whenever a session is found.
#[test]
fn what_has_expired_goes_in_time() {
    where_shared(&[], || {
        let place = Place::Anonymous { bytes: 8 << 20 };
        let shared = Shared::at(place);
        let tier = HostTier::open(&shared, 0).expect("a region");
        let scope = Scope::of_its_own().expect("random bytes");
        let owner = Owner { common: None, own: scope };
        let opened = Opened::default();
        let keep = |id: &[u8], expiry, now, times| {
            let key = key(id);
            tier.put(&owner, &key, b"session", Times { origin: 0, expiry }, false).expect("room");
            let again = tier.get(|_| true, &key, now, false).and_then(|found| found.again).expect("put");
            let session = Owned::new(TLS1_2_VERSION, id);
            (0..times).for_each(|_| opened.found(&key, again, session.handle().view(), now));
            key
        };
        let is_kept = |key: &SessionKey| opened.again(key, |_| true).is_some();
        let apart = apart_from(b"first");
        let first = keep(b"first", 10, 10, 2);
        keep(&apart, 100, 10, BUCKETS);
        assert!(is_kept(&first), "it may still be asked for");
        keep(&apart, 100, 11, BUCKETS + 1);
        assert!(!is_kept(&first));
    });
}
