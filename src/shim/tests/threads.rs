//! Several threads at once: whatever happens, every reference is given back and the bound holds.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};

use super::application::{Application, Event, in_both_worlds};
use super::exports;
use crate::openssl::fake::{FakeContext, Owned, TLS1_2_VERSION, World};
use crate::shim::adopt::{state, state_or_adopt};

const THREADS: u64 = 4;
const ROUNDS: u64 = if cfg!(miri) { 20 } else { 400 };

/// Runs `work` on several threads at once, with the number of the thread.
fn at_once(world: &World, work: impl Fn(u64) + Sync) {
    let (enter, start) = (world.entrance(), Barrier::new(THREADS as usize));
    std::thread::scope(|scope| {
        for number in 0..THREADS {
            let (enter, start, work) = (&enter, &start, &work);
            scope.spawn(move || {
                enter();
                start.wait();
                work(number);
            });
        }
    });
}

/// Numbers without a pattern that matters, the same in each run.
fn scatter(seed: u64) -> u64 {
    let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 40
}

#[test]
fn one_context_under_every_kind_of_call() {
    in_both_worlds(|world| {
        let app = Application::with_callbacks();
        app.set_size(20);
        app.new_callback_returns(0);
        at_once(world, |thread| {
            for round in 0..ROUNDS {
                let chance = scatter(thread * 1_000_003 + round);
                let id = [b'i', u8::try_from(chance % 40).expect("small")];
                let session = Owned::new(TLS1_2_VERSION, &id);
                match chance / 64 % 8 {
                    0 | 1 => app.handshake(&session),
                    2 => drop(app.add(&session)),
                    3 => drop(app.remove(&session)),
                    4 | 5 => drop(app.lookup(&id)),
                    6 => drop(exports::set_timeout(session.handle(), 10)),
                    _ => app.flush(if round % 50 == 0 { 0 } else { crate::base::clock::now() }),
                }
                assert!(app.number() <= 20 + i64::try_from(THREADS).expect("small"));
            }
        });
        assert!(app.number() <= 20);
        app.end();
    });
}

#[test]
fn auto_flushes_while_others_add() {
    in_both_worlds(|world| {
        let app = Application::with_callbacks();
        at_once(world, |thread| {
            for round in 0..ROUNDS / 4 {
                if thread == 0 {
                    super::sentinels::auto_flush(&app);
                } else {
                    app.add(&exports::expired(TLS1_2_VERSION, &scatter(round).to_le_bytes()));
                }
            }
        });
        super::sentinels::auto_flush(&app);
        app.connect().close();
        super::sentinels::auto_flush(&app);
        assert_eq!(app.number(), 0);
    });
}

/// The remove callback comes as often as sessions left.
#[test]
fn each_session_that_leaves_is_told_of_once() {
    in_both_worlds(|world| {
        let app = Application::with_callbacks();
        app.set_size(8);
        let stored = AtomicU64::new(0);
        at_once(world, |thread| {
            for round in 0..ROUNDS {
                let session = Owned::new(TLS1_2_VERSION, &(thread << 32 | round).to_le_bytes());
                assert_eq!(app.add(&session), 1);
                stored.fetch_add(1, Ordering::Relaxed);
                if round % 3 == 0 {
                    app.flush(0);
                }
            }
        });
        app.end();
        assert_eq!(app.events().len() as u64, stored.into_inner());
    });
}

#[test]
fn contexts_are_made_and_freed_all_the_time() {
    in_both_worlds(|world| {
        at_once(world, |thread| {
            for round in 0..ROUNDS / 8 {
                let app = Application::with_callbacks();
                let session = Owned::new(TLS1_2_VERSION, &(thread << 32 | round).to_le_bytes());
                app.handshake(&session);
                exports::set_timeout(session.handle(), 5);
                app.end();
                assert_eq!((app.events().len(), session.references()), (2, 1));
            }
        });
    });
}

/// Two threads that meet a context at the same time take it over once.
#[test]
fn a_context_met_late_is_adopted_once() {
    in_both_worlds(|world| {
        for _ in 0..ROUNDS / 8 {
            let late = FakeContext::unseen();
            at_once(world, |_| assert!(state_or_adopt(late.view()).is_some()));
            assert!(
                exports::get_callbacks(late) == [None; 3],
                "our own trampolines became the application's"
            );
            assert!(state(late.view()).is_some());
            late.free();
        }
    });
}

#[test]
fn one_thread_asks_for_libssls_table_while_others_work() {
    in_both_worlds(|world| {
        for _ in 0..ROUNDS / 20 {
            let app = Application::with_callbacks();
            at_once(world, |thread| {
                for round in 0..20 {
                    let session = Owned::new(TLS1_2_VERSION, &(thread << 32 | round).to_le_bytes());
                    match (thread, round) {
                        (0, 10) => drop(exports::sessions(app.context)),
                        _ => assert_eq!(app.add(&session), 1),
                    }
                    drop(app.lookup(&session.id()));
                }
            });
            app.end();
            let removed = app.events().into_iter().filter(|event| matches!(event, Event::Removed(_)));
            assert_eq!(
                removed.count() as u64,
                THREADS * 20 - 1,
                "each that was stored was told of when it left"
            );
        }
    });
}

#[test]
fn a_removal_undoes_one_addition_and_no_more() {
    in_both_worlds(|world| {
        let app = Application::with_callbacks();
        let contested = Owned::new(TLS1_2_VERSION, b"contested");
        let (added, removed) = (AtomicU64::new(0), AtomicU64::new(0));
        at_once(world, |thread| {
            for _ in 0..10 * ROUNDS {
                let (count, result) = if thread == 0 {
                    (&added, app.add(&contested))
                } else {
                    (&removed, app.remove(&contested))
                };
                count.fetch_add(u64::from(result == 1), Ordering::Relaxed);
            }
        });
        let left = u64::try_from(app.number()).expect("no fewer than none");
        assert_eq!(added.load(Ordering::Relaxed), removed.load(Ordering::Relaxed) + left);
        app.end();
    });
}
