//! What a relay carries away: the outbox in order, what it would have missed, and flushes.

use std::time::{Duration, Instant};

use super::carrier::Carrier;
use super::index::{self, Seen};
use super::layout::{EPOCHS, word};
use super::log::{self, Position};
use super::memory::Memory;
use super::outbox::{self, Entry};
use super::record::{Header, Kind, NONCE, Reach, Tags};
use crate::base::clock;

/// A writer that has taken a number and fills its cell no sooner has died, or sleeps: it is not waited for.
const PATIENCE: Duration = Duration::from_millis(50);
/// A writer notes its record well within this time of writing it.
const SETTLING: Duration = Duration::from_secs(2);
/// A server that loses what it is given again and again is given it all no more often.
const AGAIN_AFTER: Duration = Duration::from_secs(30);
/// Flushes are told of again after this many milliseconds at most.
const LATELY: u64 = 60_000;
/// So many sleepers are remembered. For more the index is searched instead.
const SLEEPERS: usize = 1024;
/// So many buckets are searched at a time.
const STRIDE: u64 = 4096;

/// A record, or what ends one or many, on its way.
pub struct Letter {
    /// The same for all letters about one session: they go the same way, and do not overtake one another.
    pub about: u64,
    /// What another relay's `receive` takes. Letters may be joined.
    pub bytes: Vec<u8>,
}

/// Where a relay is in its region's outbox.
pub struct Outgoing {
    /// The next number to be read.
    next: u64,
    /// Numbers that were passed: their writers sleep.
    sleepers: Vec<u64>,
    waiting: Option<Waiting>,
    search: Option<Search>,
    /// All that was written before this position has been handed out.
    settled: Position,
    /// The same for this position, once so much time has gone by.
    settling: Option<(Position, Instant)>,
    /// Flushes that were handed out since the last confirmation: number and stamp.
    flushes: Vec<(usize, u64)>,
    /// The wish by which all that is in the region is being handed out once more.
    again: Option<u64>,
    /// When that was begun last.
    began_again: Option<Instant>,
}

/// The next number's writer has not filled its cell.
struct Waiting {
    since: Instant,
    /// Nor have those below this number, as far as they have not.
    head: u64,
}

/// The outbox has come round, so the index is searched for what was written from a position on.
struct Search {
    bucket: u64,
    from: Position,
}

impl Outgoing {
    /// Goes on where the region's last relay ended.
    pub fn new(carrier: &Carrier) -> Outgoing {
        let (next, settled) = carrier.sent();
        let next = next.min(outbox::head(carrier.region.memory()));
        Outgoing {
            next,
            sleepers: Vec::new(),
            waiting: None,
            search: None,
            settled,
            settling: None,
            flushes: Vec::new(),
            again: None,
            began_again: None,
        }
    }

    /// Hands out what is to be carried, some `limit` letters at most; none if there is nothing. They count as sent once
    /// `confirm` says so.
    pub fn gather(&mut self, carrier: &Carrier, limit: usize) -> Vec<Letter> {
        let mut letters = Vec::new();
        let is_soon = self.began_again.is_some_and(|began| began.elapsed() < AGAIN_AFTER);
        if let (Some(wish), None, false) = (carrier.asks_again(), self.again, is_soon) {
            self.begin_again(carrier, wish);
        }
        self.gather_flushes(carrier, &mut letters);
        self.gather_late(carrier, &mut letters);
        // A search comes to its end, too, however much is new.
        let share = if self.search.is_some() { limit.div_ceil(2) } else { limit };
        self.gather_next(carrier, share, &mut letters);
        self.gather_found(carrier, limit, &mut letters);
        letters
    }

    /// What was handed out has arrived at the server: the next relay does not begin before it.
    pub fn confirm(&mut self, carrier: &Carrier) {
        let memory = carrier.region.memory();
        for (number, stamp) in self.flushes.drain(..) {
            memory.store(word::TOLD_FLUSHES + number, stamp);
        }
        carrier.set_next(self.next);
        // What a search has found is not remembered: the next relay would have to search again.
        if self.search.is_none() {
            let sent = self.sleepers.iter().copied().fold(self.next, u64::min);
            carrier.set_sent(sent, self.settled);
            if let Some(wish) = self.again.take() {
                carrier.has_sent_again(wish);
            }
        }
    }

    fn gather_flushes(&mut self, carrier: &Carrier, letters: &mut Vec<Letter>) {
        let memory = carrier.region.memory();
        let now = clock::milliseconds();
        for number in 0..2 * EPOCHS {
            let (flushed, told) = (word::FLUSHES + number, word::TOLD_FLUSHES + number);
            let mut stamp = memory.load_acquire(flushed);
            // By a clock that was ahead it is now, and not in what is yet to come.
            if stamp > now && memory.exchange(flushed, stamp, now) {
                memory.exchange(told, stamp, now);
                stamp = now;
            }
            if stamp == 0 || stamp == memory.load(told) || self.flushes.contains(&(number, stamp)) {
                continue;
            }
            self.flushes.push((number, stamp));
            // Everybody reads every stream, so whichever will do.
            let header = flush_header(number, stamp);
            letters.push(Letter { about: number as u64, bytes: bytes(&header.words()) });
        }
    }

    fn gather_late(&mut self, carrier: &Carrier, letters: &mut Vec<Letter>) {
        let (memory, layout) = (carrier.region.memory(), carrier.region.layout());
        let mut overrun = self.sleepers.len() > SLEEPERS;
        self.sleepers.retain(|number| match outbox::entry(memory, layout, *number) {
            Entry::At(position) => {
                letters.extend(letter(carrier, position));
                false
            }
            Entry::Pending => true,
            Entry::Overrun => {
                overrun = true;
                false
            }
        });
        if overrun {
            self.begin_search(carrier);
        }
    }

    fn gather_next(&mut self, carrier: &Carrier, limit: usize, letters: &mut Vec<Letter>) {
        let (memory, layout) = (carrier.region.memory(), carrier.region.layout());
        // Asked first: what is written from now on has not been seen when the outbox is at its end.
        let written = log::head(memory);
        let head = outbox::head(memory);
        while letters.len() < limit && self.next != head {
            match outbox::entry(memory, layout, self.next) {
                Entry::At(position) => letters.extend(letter(carrier, position)),
                Entry::Pending if self.is_given_up(head) => self.sleepers.push(self.next),
                Entry::Pending => return,
                Entry::Overrun => return self.begin_search(carrier),
            }
            self.next = self.next.wrapping_add(1);
        }
        if self.next == head && self.sleepers.is_empty() && self.search.is_none() {
            self.settle(written);
        }
    }

    /// Whether the next number's writer has had its time.
    fn is_given_up(&mut self, head: u64) -> bool {
        let waiting = self.waiting.get_or_insert_with(|| Waiting { since: Instant::now(), head });
        if self.next >= waiting.head {
            *waiting = Waiting { since: Instant::now(), head };
        }
        waiting.since.elapsed() >= PATIENCE
    }

    fn settle(&mut self, written: Position) {
        match self.settling {
            Some((_, since)) if since.elapsed() < SETTLING => {}
            former => {
                self.settled = former.map_or(self.settled, |(position, _)| position);
                self.settling = Some((written, Instant::now()));
            }
        }
    }

    /// Hands everything out once more that is still in the region.
    fn begin_again(&mut self, carrier: &Carrier, wish: u64) {
        let memory = carrier.region.memory();
        (0..2 * EPOCHS).for_each(|number| memory.store(word::TOLD_FLUSHES + number, 0));
        self.again = Some(wish);
        self.began_again = Some(Instant::now());
        self.search = Some(Search { bucket: 0, from: 0 });
    }

    fn begin_search(&mut self, carrier: &Carrier) {
        let (memory, layout) = (carrier.region.memory(), carrier.region.layout());
        // Half of what the outbox holds is read all the same: among it is what writers were at that put their slots behind the
        // search's back.
        self.next = outbox::head(memory).saturating_sub(layout.cells / 2);
        self.sleepers.truncate(SLEEPERS / 2);
        self.waiting = None;
        self.settling = None;
        let from = if self.again.is_some() { 0 } else { self.settled };
        self.search = Some(Search { bucket: 0, from });
    }

    /// Hands out once more what was handed out lately: half of what the outbox holds, and flushes.
    pub fn repeat_latest(&mut self, carrier: &Carrier) {
        let (memory, layout) = (carrier.region.memory(), carrier.region.layout());
        self.next = self.next.min(outbox::head(memory).saturating_sub(layout.cells / 2));
        let lately = clock::milliseconds().saturating_sub(LATELY);
        for number in 0..2 * EPOCHS {
            if memory.load(word::FLUSHES + number) > lately {
                memory.store(word::TOLD_FLUSHES + number, 0);
            }
        }
    }

    fn gather_found(&mut self, carrier: &Carrier, limit: usize, letters: &mut Vec<Letter>) {
        let Some(search) = &mut self.search else { return };
        let (memory, layout) = (carrier.region.memory(), carrier.region.layout());
        let end = layout.buckets.min(search.bucket + STRIDE);
        while search.bucket < end && letters.len() < limit {
            let wanted =
                |seen: &Seen| seen.position(memory, layout).filter(|position| *position >= search.from);
            let positions = index::bucket(memory, layout, search.bucket);
            let positions = positions.iter().filter_map(wanted);
            letters.extend(positions.filter_map(|position| letter(carrier, position)));
            search.bucket += 1;
        }
        if search.bucket == layout.buckets {
            self.search = None;
        }
    }

    /// Whether there is more to be handed out than what was asked for.
    pub fn is_searching(&self) -> bool {
        self.search.is_some()
    }
}

/// The letter about a record, if it has to travel.
fn letter(carrier: &Carrier, position: Position) -> Option<Letter> {
    let (header, words) = carrier.region.record(position)?;
    let travels = header.reach == Reach::Wide && matches!(header.kind, Kind::Many | Kind::Ended);
    let [about, _] = header.name.0;
    (travels && header.expiry >= clock::now()).then(|| Letter { about, bytes: bytes(&words) })
}

fn flush_header(number: usize, stamp: u64) -> Header {
    let cell = (number % EPOCHS) as u8;
    let (kind, tags) = if number < EPOCHS {
        (Kind::Flushed, Tags { owner: [cell; 2], ..Tags::default() })
    } else {
        (Kind::FlushedByName, Tags { name: cell, ..Tags::default() })
    };
    Header {
        name: super::index::Name([0; 2]),
        kind,
        reach: Reach::Wide,
        tags,
        origin: 0,
        expiry: 0,
        stamp,
        nonce: [0; NONCE],
        length: 0,
    }
}

fn bytes(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}
