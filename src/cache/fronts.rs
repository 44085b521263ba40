//! The first place of every shard, readable without its lock.
//!
//! Whoever looks for the session that goes first of all reads these instead of taking every lock.
//! What is read may be old by the time it is used: it says which shard to lock, and is verified
//! there. Written only under the lock of the shard that it tells of.

use super::slots::Place;
use super::sync::{AtomicI64, AtomicU64, Ordering};

pub(super) struct Fronts<const SHARDS: usize> {
    fronts: [Front; SHARDS],
}

/// Written rank first and read sequence first, so that a shard is never thought empty or full by
/// halves; a mixture of two places that is read meanwhile fails the verification.
struct Front {
    rank: AtomicI64,
    /// `NOBODY` in an empty shard.
    seq: AtomicU64,
}

const NOBODY: u64 = u64::MAX;

impl<const SHARDS: usize> Fronts<SHARDS> {
    pub(super) fn new() -> Self {
        Fronts { fronts: std::array::from_fn(|_| Front::new()) }
    }

    /// Says what now goes first in a shard. Costs others nothing if that is what it was.
    #[inline]
    pub(super) fn publish(&self, shard: usize, first: Option<Place>) {
        if let Some(front) = self.fronts.get(shard)
            && front.place() != first
        {
            front.publish(first);
        }
    }

    /// The first place of all, and its shard.
    pub(super) fn first(&self) -> Option<(usize, Place)> {
        self.places().min_by_key(|&(_, place)| place)
    }

    /// The first place of all that are not in this shard.
    pub(super) fn first_outside(&self, shard: usize) -> Option<(usize, Place)> {
        self.places().filter(|&(other, _)| other != shard).min_by_key(|&(_, place)| place)
    }

    /// The first place in this shard.
    pub(super) fn first_inside(&self, shard: usize) -> Option<Place> {
        self.fronts.get(shard)?.place()
    }

    fn places(&self) -> impl Iterator<Item = (usize, Place)> {
        self.fronts.iter().enumerate().filter_map(|(shard, front)| Some((shard, front.place()?)))
    }
}

impl Front {
    fn new() -> Self {
        Front { rank: AtomicI64::new(0), seq: AtomicU64::new(NOBODY) }
    }

    fn publish(&self, first: Option<Place>) {
        if let Some(place) = first {
            self.rank.store(place.rank, Ordering::Release);
        }
        self.seq.store(first.map_or(NOBODY, |place| place.seq), Ordering::Release);
    }

    #[inline]
    fn place(&self) -> Option<Place> {
        let seq = self.seq.load(Ordering::Acquire);
        let rank = self.rank.load(Ordering::Acquire);
        (seq != NOBODY).then_some(Place { rank, seq })
    }
}
