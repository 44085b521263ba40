//! Callbacks that call back into the cache. Up to 3.6 a remove callback for an eviction or a flush runs under the
//! context's lock, and what it asks of that context is refused; 4.0 lets it; 1.1.1 does not notice.

use std::sync::{Arc, Mutex};

use super::application::{Application, Event, in_both_worlds};
use super::exports;
use crate::openssl::fake::{EX_INDEX_SSL_SESSION, FakeContext, Owned, TLS1_2_VERSION, by_release, new_index};
use crate::openssl::number::*;

/// What the remove callback was told when it asked.
type Answers = Arc<Mutex<Vec<i64>>>;

/// Has the remove callback ask something, and keeps what it was told.
fn asking(app: &Application, ask: impl Fn(FakeContext) -> i64 + Send + Sync + 'static) -> Answers {
    let answers = Answers::default();
    let keep = Arc::clone(&answers);
    let asked = std::sync::atomic::AtomicBool::new(false);
    app.in_remove(move |context, _| {
        // Once: what is asked may call back again.
        if !asked.swap(true, std::sync::atomic::Ordering::Relaxed) {
            let answer = ask(context);
            keep.lock().expect("answers").push(answer);
        }
    });
    answers
}

fn answers(kept: &Answers) -> Vec<i64> {
    kept.lock().expect("answers").clone()
}

/// An application whose next session evicts `victim`.
fn full() -> (Application, Owned) {
    let app = Application::with_callbacks();
    app.set_size(1);
    let victim = Owned::new(TLS1_2_VERSION, b"victim");
    app.add(&victim);
    (app, victim)
}

const ALLOWED: [i64; 4] = [1, 0, 0, 1];

fn of_release<T>([v1_1_1, v3_0, v3_5, v4_0]: [T; 4]) -> T {
    by_release(v1_1_1, v3_0, v3_5, v4_0)
}

#[test]
fn an_eviction_callback_adds_where_no_lock_is_held() {
    in_both_worlds(|_| {
        let (app, _victim) = full();
        let other = Owned::new(TLS1_2_VERSION, b"other");
        let handle = other.handle();
        let kept = asking(&app, move |context| exports::add_session(context, handle).into());
        app.add(&Owned::new(TLS1_2_VERSION, b"newcomer"));
        assert_eq!(answers(&kept), [of_release(ALLOWED)]);
        app.end();
        assert_eq!(other.references(), 1);
    });
}

#[test]
fn a_flush_callback_removes_where_no_lock_is_held() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let [first, second] = [b"first", b"other"].map(|id| Owned::new(TLS1_2_VERSION, id));
        second.set_timeout(10_000);
        app.add(&first);
        app.add(&second);
        // In 4.0 both are out of the cache by now, and in 1.1.1 either may be the first.
        let handles = [first.handle(), second.handle()];
        let kept = asking(&app, move |context| {
            handles.map(|h| i64::from(exports::remove_session(context, h))).iter().sum()
        });
        app.flush(0);
        assert_eq!(answers(&kept), [of_release([1, 0, 0, 0])]);
        let told = of_release([3, 2, 2, 4]);
        assert_eq!((app.events().len(), app.number()), (told, 0));
        assert_eq!((first.references(), second.references()), (1, 1));
    });
}

#[test]
fn a_removal_callback_may_do_everything_in_every_release() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let [gone, stored, other] =
            [&b"gone"[..], b"stored", b"other"].map(|id| Owned::new(TLS1_2_VERSION, id));
        app.add(&gone);
        app.add(&stored);
        let (stored_handle, other_handle) = (stored.handle(), other.handle());
        let kept = asking(&app, move |context| {
            let added = exports::add_session(context, other_handle);
            let removed = exports::remove_session(context, stored_handle);
            i64::from(added * 10 + removed)
        });
        app.remove(&gone);
        assert_eq!((answers(&kept), app.number()), (vec![11], 1));
    });
}

#[test]
fn a_lookup_from_under_the_lock_is_refused_without_asking_the_application() {
    in_both_worlds(|_| {
        let (app, victim) = full();
        let connection = app.connect();
        let kept = asking(&app, move |_| {
            let found = connection.lookup(b"newcomer").is_some();
            i64::from(found) * 10 + i64::from(connection.lookup(b"nobody's").is_some())
        });
        app.add(&Owned::new(TLS1_2_VERSION, b"newcomer"));
        connection.close();
        assert_eq!(answers(&kept), [of_release([10, 0, 0, 10])]);
        let asked = Event::Asked(b"nobody's".into());
        let removed = Event::Removed(victim.handle());
        let events = of_release([
            vec![removed.clone(), asked.clone()],
            vec![removed.clone()],
            vec![removed.clone()],
            vec![removed, asked],
        ]);
        assert_eq!(app.events(), events);
    });
}

#[test]
fn a_question_for_an_id_from_under_the_lock_is_answered_with_no() {
    in_both_worlds(|_| {
        let (app, _victim) = full();
        let connection = app.connect();
        let kept = asking(&app, move |_| exports::has_matching_session_id(connection, b"newcomer").into());
        app.add(&Owned::new(TLS1_2_VERSION, b"newcomer"));
        connection.close();
        assert_eq!(answers(&kept), [of_release(ALLOWED)]);
    });
}

#[test]
fn counts_and_settings_take_no_lock() {
    in_both_worlds(|_| {
        let (app, _victim) = full();
        let kept = asking(&app, |context| {
            let (number, size) = (
                exports::ctrl(context, CTRL_SESS_NUMBER, 0),
                exports::ctrl(context, CTRL_GET_SESS_CACHE_SIZE, 0),
            );
            number * 10 + size
        });
        app.add(&Owned::new(TLS1_2_VERSION, b"newcomer"));
        assert_eq!(answers(&kept), [11]);
    });
}

#[test]
fn the_time_of_a_victim_can_be_set_since_it_is_in_no_cache_any_more() {
    in_both_worlds(|_| {
        let (app, victim) = full();
        let gone = victim.handle();
        let kept = asking(&app, move |_| exports::set_timeout(gone, 77).into());
        app.add(&Owned::new(TLS1_2_VERSION, b"newcomer"));
        assert_eq!((answers(&kept), victim.timeout()), (vec![1], 77));
    });
}

#[test]
fn the_time_of_another_session_is_refused_during_a_flush() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let (old, young) = (exports::expired(TLS1_2_VERSION, b"old"), Owned::new(TLS1_2_VERSION, b"young"));
        app.add(&old);
        app.add(&young);
        let handle = young.handle();
        let kept = asking(&app, move |_| exports::set_timeout(handle, 77).into());
        app.flush(crate::base::clock::now());
        assert_eq!(
            (answers(&kept), young.timeout()),
            (vec![of_release(ALLOWED)], of_release([77, 3600, 3600, 77]))
        );
    });
}

#[test]
fn another_context_is_not_locked() {
    in_both_worlds(|_| {
        let (app, _victim) = full();
        let elsewhere = Application::new();
        let (context, other) = (elsewhere.context, Owned::new(TLS1_2_VERSION, b"other"));
        let handle = other.handle();
        let kept = asking(&app, move |_| exports::add_session(context, handle).into());
        app.add(&Owned::new(TLS1_2_VERSION, b"newcomer"));
        assert_eq!((answers(&kept), elsewhere.number()), (vec![1], 1));
    });
}

/// The lock of the outer context is held all the while.
#[test]
fn a_context_stays_locked_while_the_callback_of_another_one_runs_inside() {
    in_both_worlds(|_| {
        let (outer, _outer_victim) = full();
        let (inner, _inner_victim) = full();
        let [first, second] = [b"first", b"other"].map(|id| Owned::new(TLS1_2_VERSION, id));
        let (outer_context, inner_context) = (outer.context, inner.context);
        let (first, other) = (first.give_away(), second.handle());
        let kept = asking(&inner, move |_| exports::add_session(outer_context, other).into());
        let _outer = asking(&outer, move |_| exports::add_session(inner_context, first).into());
        outer.add(&Owned::new(TLS1_2_VERSION, b"newcomer"));
        assert_eq!(answers(&kept), [of_release(ALLOWED)]);
        inner.end();
        first.free();
        outer.end();
    });
}

#[test]
fn afterwards_the_context_can_be_used_again() {
    in_both_worlds(|_| {
        let (app, _victim) = full();
        let newcomer = Owned::new(TLS1_2_VERSION, b"newcomer");
        app.add(&newcomer);
        assert_eq!((app.remove(&newcomer), app.add(&newcomer)), (1, 1));
    });
}

#[test]
fn a_callback_during_libssls_own_flush_is_refused_as_well() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        app.add(&Owned::new(TLS1_2_VERSION, b"one"));
        let other = Owned::new(TLS1_2_VERSION, b"other");
        let handle = other.handle();
        let kept = asking(&app, move |context| exports::add_session(context, handle).into());
        app.end();
        // 1.1.1 and 4.0 would store it in a context that is about to go, and let go of it there.
        assert_eq!(answers(&kept), [of_release(ALLOWED)]);
        assert_eq!(other.references(), 1);
    });
}

#[test]
fn a_connection_may_be_made_in_a_callback_during_libssls_own_flush() {
    in_both_worlds(|world| {
        let app = Application::with_callbacks();
        app.add(&exports::expired(TLS1_2_VERSION, b"old"));
        let made = Arc::new(Mutex::new(None));
        let keep = Arc::clone(&made);
        app.in_remove(move |context, _| *keep.lock().expect("a place") = Some(exports::ssl_new(context)));
        super::sentinels::auto_flush(&app);
        made.lock().expect("a place").take().expect("told of the old session").close();
        assert_eq!(app.events().len(), 1);
        // Planting at that moment is refused by the lock, and tried again by the next connection.
        world.take_refused_locks();
        app.connect().close();
        assert_eq!(app.context.cached().len(), 2);
    });
}

/// Nobody's sessions may be lost by looking at them.
#[test]
fn libssls_table_may_be_asked_for_in_a_callback_during_its_own_flush() {
    in_both_worlds(|world| {
        let app = Application::with_callbacks();
        let young = Owned::new(TLS1_2_VERSION, b"young");
        app.add(&exports::expired(TLS1_2_VERSION, b"old"));
        app.add(&young);
        let kept = asking(&app, |context| i64::try_from(exports::sessions(context).len()).expect("few"));
        super::sentinels::auto_flush(&app);
        assert_eq!(answers(&kept).len(), 1);
        assert_eq!(exports::sessions(app.context), [young.handle()]);
        assert_eq!((app.number(), young.references()), (1, 2));
        world.take_refused_locks();
    });
}

#[test]
fn a_get_callback_may_add_what_it_answers_with() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let session = Owned::new(TLS1_2_VERSION, b"one");
        let handle = session.handle();
        app.in_get(move |context, _| assert_eq!(exports::add_session(context, handle), 1));
        app.get_callback_answers(Some((handle, crate::shim::answer::Reference::Lent)));
        assert!(app.lookup(b"one").is_some());
        assert_eq!((app.number(), session.references()), (1, 2));
    });
}

#[test]
fn a_new_callback_may_remove_its_session() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        app.in_new(|context, session| assert_eq!(exports::remove_session(context, session), 1));
        let session = Owned::new(TLS1_2_VERSION, b"one");
        app.handshake(&session);
        assert_eq!(app.events(), [Event::New(session.handle()), Event::Removed(session.handle())]);
        assert_eq!((app.number(), session.references()), (0, 1));
    });
}

/// The application's free function for what it hung on a session: whoever lets go of the last reference runs it.
#[test]
fn a_session_that_ends_may_ask_the_cache_that_let_go_of_it() {
    in_both_worlds(|_| {
        let app = Application::new();
        let index = new_index(EX_INDEX_SSL_SESSION, Some(asks_at_its_end));
        let add = |id: &[u8]| {
            let session = Owned::new(TLS1_2_VERSION, id);
            session.set_ex_data(index, app.context.as_ptr().cast());
            assert_eq!(app.add(&session), 1);
        };
        app.set_size(1);
        // Evicted, replaced, flushed.
        [&b"one"[..], b"two", b"two"].into_iter().for_each(add);
        app.flush(0);
        assert_eq!(app.number(), 0);
    });
}

extern "C-unwind" fn asks_at_its_end(
    _session: *mut libc::c_void,
    value: *mut libc::c_void,
    _: *mut libc::c_void,
    _: libc::c_int,
    _: libc::c_long,
    _: *mut libc::c_void,
) {
    if !value.is_null() {
        let context = FakeContext::at(value.cast());
        let other = Owned::new(TLS1_2_VERSION, b"other");
        assert!(exports::ctrl(context, CTRL_SESS_NUMBER, 0) <= 1);
        assert_eq!(exports::remove_session(context, other.handle()), 0);
    }
}
