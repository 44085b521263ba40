//! What arrives from other machines. It is believed no more than what stands in the region: it may cost sessions, and make none.

use super::layout::{EPOCHS, word};
use super::memory::Memory;
use super::record::{HEADER, Header, Kind, Reach};
use super::region::{Received, Region};
use crate::base::clock;

/// What has become of what arrived.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Arrivals {
    /// Records that are in the region now, and removals and flushes that were carried out.
    pub put: u64,
    /// Those that were there, or had been ended.
    pub known: u64,
    /// Those that had expired on their way.
    pub expired: u64,
    /// Those that found no place.
    pub lost: u64,
    /// What is no record, after which nothing is read, or none that travels.
    pub odd: u64,
}

/// Whose letters they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum From {
    /// Another machine's.
    Another,
    /// Our own, which come back. What they ended stays ended, even if the ring has passed that it was; the rest is here.
    Ourselves,
}

/// Takes in letters, one after the other.
pub(super) fn receive(region: &Region<impl Memory>, letters: &[u8], from: From) -> Arrivals {
    let mut arrivals = Arrivals::default();
    let (words, rest) = letters.as_chunks();
    let words: Vec<u64> = words.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect();
    let mut left = &words[..];
    while let Some((header, record)) = next(&mut left) {
        if from == From::Ourselves && header.kind != Kind::Ended {
            continue;
        }
        let counter = match take(region, &header, record) {
            Some(Received::Put) => &mut arrivals.put,
            Some(Received::Known) => &mut arrivals.known,
            Some(Received::Lost) => &mut arrivals.lost,
            Some(Received::Expired) => &mut arrivals.expired,
            None => &mut arrivals.odd,
        };
        *counter += 1;
    }
    arrivals.odd += u64::from(!left.is_empty() || !rest.is_empty());
    arrivals
}

/// The next record, if what is left begins with one.
fn next<'a>(left: &mut &'a [u64]) -> Option<(Header, &'a [u64])> {
    let header = Header::of(left.first_chunk::<HEADER>()?)?;
    let (record, rest) = left.split_at_checked(header.words_in_all())?;
    *left = rest;
    Some((header, record))
}

/// Nothing for what should not have left its machine.
fn take(region: &Region<impl Memory>, header: &Header, record: &[u64]) -> Option<Received> {
    if header.reach != Reach::Wide {
        return None;
    }
    let [cell, _] = header.tags.owner;
    match header.kind {
        // It belongs where it is counted.
        Kind::Single => None,
        Kind::Flushed => Some(flush(region, usize::from(cell), header.stamp)),
        Kind::FlushedByName => Some(flush(region, EPOCHS + usize::from(header.tags.name), header.stamp)),
        Kind::Many | Kind::Ended if header.expiry < clock::now() => Some(Received::Expired),
        Kind::Many | Kind::Ended => {
            // So that it is not sent on.
            let header = Header { reach: Reach::Arrived, ..*header };
            let mut words = record.to_vec();
            if let Some(head) = words.first_chunk_mut() {
                *head = header.words();
            }
            Some(region.receive(&header, &words))
        }
    }
}

fn flush(region: &Region<impl Memory>, number: usize, stamp: u64) -> Received {
    // One that is to come would end what is yet to be made.
    region.memory().raise(word::THEIR_FLUSHES + number, stamp.min(clock::milliseconds()));
    Received::Put
}
