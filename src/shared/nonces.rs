//! Nonces: none is used twice with one key.
//!
//! A nonce is a piece of the record's name, its stamp, and a number. Numbers count up from a start that each process gets from
//! the system, at random and anew in every second: to ask for each record would cost nearly as much as its cipher. So two
//! records of one process never have the same number, and two processes hardly. Should they count alike, because a fork went
//! unnoticed or a machine was restored twice, then until the second is over, and no nonce repeats unless they seal sessions of
//! the same id in the same millisecond. (A stamp may stand still: after a flush by a clock that was ahead.)

use super::index::Name;
use super::memory::{AtomicU64, Ordering};
use super::record::{self, NONCE};
use crate::base::{forks, random};

pub(super) struct Nonces {
    /// The process (`forks::process_number`) and the second that the numbers are of.
    drawn: AtomicU64,
    next: AtomicU64,
}

impl Nonces {
    pub(super) fn new() -> Nonces {
        Nonces { drawn: AtomicU64::new(0), next: AtomicU64::new(0) }
    }

    /// A number for a record that is made now, in milliseconds since the epoch. `None` without random bytes.
    pub(super) fn number(&self, now: u64) -> Option<u64> {
        self.number_in(forks::process_number(), now)
    }

    pub(super) fn number_in(&self, process: u32, now: u64) -> Option<u64> {
        let when = u64::from(process) << 32 | (now / 1000) & 0xffff_ffff;
        if self.drawn.load(Ordering::Acquire) != when {
            self.draw(when)?;
        }
        Some(self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// Several threads may do so at once: then the numbers go on from the last one's.
    #[cold]
    fn draw(&self, when: u64) -> Option<()> {
        let mut start = [0; 8];
        random::fill(&mut start)?;
        self.next.store(u64::from_ne_bytes(start), Ordering::Relaxed);
        self.drawn.store(when, Ordering::Release);
        Some(())
    }
}

/// The nonce of a record.
pub(super) fn nonce(name: Name, stamp: u64, number: u64) -> [u8; NONCE] {
    let [first, second] = name.0;
    record::bytes_of([second, stamp << 16 | first & 0xffff, number])
}

#[cfg(all(test, not(sesscache_loom)))]
mod tests {
    use std::collections::HashSet;
    use std::sync::Barrier;
    use std::thread;

    use super::*;
    use crate::shared::record::STAMP_END;

    #[test]
    fn threads_never_get_the_same_number_even_when_the_second_changes() {
        const THREADS: usize = 4;
        const EACH: usize = 1_000_000;
        const SECOND: usize = EACH / 4;
        let nonces = Nonces::new();
        let at_once = Barrier::new(THREADS);
        let draw = || {
            at_once.wait();
            let numbers = (0..EACH).map(|n| nonces.number((n / SECOND * 1000) as u64).unwrap());
            numbers.collect::<Vec<_>>()
        };
        let mut all: Vec<u64> = thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(draw)).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), THREADS * EACH);
    }

    #[test]
    fn numbers_count_up_and_begin_elsewhere_in_the_next_second() {
        let nonces = Nonces::new();
        let [one, two, later] = [1000, 1999, 2000].map(|now| nonces.number(now).unwrap());
        assert_eq!(two, one.wrapping_add(1));
        assert_ne!(later, two.wrapping_add(1));
    }

    #[test]
    fn another_process_begins_elsewhere_be_it_forked_or_not() {
        let [nonces, other] = [Nonces::new(), Nonces::new()];
        let last = nonces.number_in(1, 5).unwrap();
        assert_ne!(other.number_in(1, 5).unwrap(), last);
        assert_ne!(nonces.number_in(2, 5).unwrap(), last.wrapping_add(1));
    }

    #[test]
    fn the_same_number_makes_another_nonce_for_another_session_or_moment() {
        let stamp = STAMP_END - 1;
        let nonces = [
            nonce(Name([1, 2]), stamp, 7),
            nonce(Name([2, 2]), stamp, 7),
            nonce(Name([1, 3]), stamp, 7),
            nonce(Name([1, 2]), stamp - 1, 7),
            nonce(Name([1, 2]), stamp, 8),
        ];
        assert_eq!(HashSet::from(nonces).len(), 5);
    }
}
