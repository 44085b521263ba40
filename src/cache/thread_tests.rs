//! The core under threads: nothing is lost, nothing comes out twice, the limit holds.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Barrier};
use std::thread;

use super::*;

const RULES: Rules = Rules { order: Order::Expiry, capacity: Capacity::OneLess, readd: Readd::Keep };
const THREADS: usize = 4;

/// A stored object that knows its key and whether it has come out of the cache.
struct Object {
    key: u32,
    out: AtomicBool,
}

#[derive(Clone)]
struct Handle(Arc<Object>);

impl PartialEq for Handle {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Handle {
    fn new(key: u32) -> Handle {
        Handle(Arc::new(Object { key, out: AtomicBool::new(false) }))
    }

    fn came_out(self) {
        assert!(!self.0.out.swap(true, std::sync::atomic::Ordering::Relaxed), "came out twice");
    }
}

fn key(number: u32) -> SessionKey {
    SessionKey::new(0x0304, &number.to_le_bytes()).unwrap()
}

/// Marsaglia's xorshift: the same numbers in every run.
struct Numbers(u32);

impl Numbers {
    fn below(&mut self, end: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0 % end
    }
}

/// Every operation at random on few keys. Returns what this thread has stored.
fn hammer(cache: &SessionCache<Handle>, seed: u32, size: usize) -> Vec<Handle> {
    let (mut numbers, mut stored) = (Numbers(seed), Vec::new());
    for _ in 0..20_000 {
        let number = numbers.below(40);
        let expiry = i64::from(numbers.below(50));
        match numbers.below(16) {
            0..8 => {
                let handle = Handle::new(number);
                let added = cache.add(key(number), handle.clone(), expiry, size);
                assert!(added.stored);
                stored.push(handle);
                added.replaced.into_iter().chain(added.evicted).for_each(Handle::came_out);
            }
            8..11 => assert!(cache.get(&key(number)).is_none_or(|found| found.0.key == number)),
            11..13 => cache.remove(&key(number)).into_iter().for_each(Handle::came_out),
            13..15 => {
                let found = cache.get(&key(number));
                found.map(|found| cache.reposition(&key(number), &found, expiry));
            }
            _ => cache.expire(i64::from(numbers.below(10))).into_iter().for_each(Handle::came_out),
        }
    }
    stored
}

#[test]
fn every_object_comes_out_once_and_the_limit_holds() {
    for (size, limit) in [(1, 1), (2, 1), (9, 8), (0, 40)] {
        let cache = SessionCache::new(RULES);
        let stored: Vec<Handle> = thread::scope(|scope| {
            let work = |seed| {
                scope.spawn({
                    let cache = &cache;
                    move || hammer(cache, seed, size)
                })
            };
            let threads: Vec<_> = (1..=THREADS as u32).map(work).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        assert!(cache.len() <= limit, "{} sessions with size {size}", cache.len());
        assert_eq!(cache.len(), cache.snapshot().len());
        cache.drain().into_iter().for_each(Handle::came_out);
        for handle in stored {
            assert!(handle.0.out.load(std::sync::atomic::Ordering::Relaxed), "lost");
            assert_eq!(Arc::strong_count(&handle.0), 1, "leaked");
        }
        assert!(cache.is_empty());
    }
}

#[test]
fn no_more_are_evicted_than_the_limit_asks_for() {
    const EACH: u32 = 5_000;
    for size in [2, 3, 17] {
        let cache = SessionCache::new(RULES);
        let fill = |from: u32| {
            let add = |number| cache.add(key(number), Handle::new(number), i64::from(number % 7), size);
            (from..from + EACH).map(|number| add(number).evicted.len()).sum::<usize>()
        };
        let evicted: usize = thread::scope(|scope| {
            let threads: Vec<_> =
                (0..THREADS as u32).map(|thread| scope.spawn(move || fill(thread * EACH))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(cache.len(), size - 1);
        assert_eq!(evicted, THREADS * EACH as usize - (size - 1));
    }
}

#[test]
fn of_several_that_take_one_wins() {
    const ROUNDS: u32 = 2_000;
    let (cache, start) = (SessionCache::new(RULES), Barrier::new(THREADS));
    (0..ROUNDS).for_each(|round| drop(cache.add(key(round), Handle::new(round), 0, 0)));
    let take_all = || {
        (0..ROUNDS)
            .filter(|&round| {
                start.wait();
                cache.remove(&key(round)).is_some()
            })
            .count()
    };
    let won: usize = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(take_all)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(won, ROUNDS as usize);
}
