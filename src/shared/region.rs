//! Log and index together: records by name, for several processes at once.

use super::counters::Counter;
use super::index::{self, Name, Seen};
use super::layout::{EPOCHS, Layout, word};
use super::log::{self, Position};
use super::memory::{Memory, Ordering, fence};
use super::outbox;
use super::record::{self, HEADER, Header, Kind, NONCE, Reach, STAMP_END, Tags};

/// Few records are longer than so many words. (The model counts every word that is read.)
const USUAL: usize = if cfg!(all(test, sesscache_loom)) { 12 } else { 64 };

/// Where a record was published. One of this process's own remembers it, to ask later whether it still counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Published {
    word: u64,
    /// The slot, as a 32-bit place: a region has fewer.
    at: u32,
    cells: [Cell; 2],
    made: Made,
}

/// When a record was made, and where.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Made {
    pub(super) stamp: u64,
    /// On another machine, whose clock is another one, too.
    pub(super) elsewhere: bool,
}

/// What has become of a published record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Standing {
    Stands,
    /// The ring has passed it, and nobody has invalidated it.
    Overwritten,
    /// It was removed, taken, flushed, or replaced by another; or its slot serves another since the ring has passed it.
    Gone,
}

/// A cell of scopes that are flushed together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Cell(pub(super) u8);

/// A cell of the operator's names for scopes, whose scopes are flushed together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct NameCell(pub(super) u8);

impl Cell {
    pub(super) fn all() -> impl Iterator<Item = Cell> {
        (0..=u8::MAX).map(Cell)
    }
}

/// A record that was found and copied out, still sealed.
pub(super) struct Found {
    pub(super) header: Header,
    pub(super) body: Vec<u8>,
    seen: Seen,
    position: Position,
}

pub(super) struct Region<M> {
    memory: M,
    layout: Layout,
    /// Of the operator's name, which is the same for all scopes of a process.
    own_name: NameCell,
}

impl<M: Memory> Region<M> {
    /// `memory` is as long as the layout says, and holds a region or zeros.
    pub(super) fn new(memory: M, layout: Layout, own_name: NameCell) -> Region<M> {
        Region { memory, layout, own_name }
    }

    /// Says that a record of this name will be put before long. To seal it takes as long as to fetch its slots.
    pub(super) fn prefetch(&self, name: Name) {
        index::prefetch(&self.memory, &self.layout, name);
    }

    /// Appends a record and puts its slot, in place of an older one of the same name.
    pub(super) fn put(&self, header: &Header, cells: [Cell; 2], words: &[u64]) -> Option<Published> {
        let position = self.append(header, words)?;
        let is_same = |seen: Seen| self.header(seen).is_some_and(|other| other.name == header.name);
        let seen = index::publish(&self.memory, &self.layout, header.name, position, is_same)?;
        Published::of(seen, cells, header.made())
    }

    /// Writes a record, for whoever finds its slot, and into the outbox if it is to travel.
    fn append(&self, header: &Header, words: &[u64]) -> Option<Position> {
        let position = log::append(&self.memory, &self.layout, words)?;
        if header.reach == Reach::Wide {
            outbox::note(&self.memory, &self.layout, position);
        }
        Some(position)
    }

    /// What `accept` makes of a record of this name, copied out: of the first that it accepts. Else why there is none.
    pub(super) fn find<T>(
        &self,
        name: Name,
        mut accept: impl FnMut(Found) -> Result<T, Counter>,
    ) -> Result<T, Counter> {
        let mut why = Counter::Unknown;
        for seen in index::candidates(&self.memory, &self.layout, name) {
            let Some(position) = self.position(seen) else {
                why = Counter::Overwritten;
                continue;
            };
            match self.copy(seen, position) {
                Some(found) if found.header.name != name || !found.header.kind.is_session() => {}
                Some(found) => match accept(found) {
                    Ok(accepted) => return Ok(accepted),
                    Err(reason) => why = reason,
                },
                None => why = Counter::Overwritten,
            }
        }
        Err(why)
    }

    /// Whether a flush of these cells has ended what `find` has found.
    pub(super) fn has_flushed(&self, found: &Found, cells: [Cell; 2]) -> bool {
        self.is_flushed(found.position, found.header.made(), cells)
    }

    /// Takes out what `find` has found. Of all who try, in whatever process, one succeeds.
    pub(super) fn take(&self, found: &Found) -> bool {
        found.seen.clear(&self.memory)
    }

    /// The same for what was published or found before.
    pub(super) fn take_published(&self, published: Published) -> bool {
        let seen = published.seen();
        let (position, _) = seen.last_position(&self.memory, &self.layout);
        !self.is_flushed(position, published.made, published.cells) && seen.clear(&self.memory)
    }

    /// Takes out whatever has this name; how many there were. What the ring has passed is no longer known by its name, but its
    /// owner still counts on its slot: of these every one goes that may be meant, and by chance one in 60 000 others.
    ///
    /// A record that says so takes its place, until `expiry`: for a relay, and against one that comes with the session
    /// later. What is not here is nowhere, unless there is a relay.
    pub(super) fn remove(&self, name: Name, tags: Tags, stamp: u64, expiry: i64) -> usize {
        let newest = self.sessions(name).map(|(_, header)| header.stamp).max();
        if newest.is_none() && !self.has_relay() {
            self.meant(name).for_each(|(seen, _)| {
                seen.clear(&self.memory);
            });
            return 0;
        }
        // Later than what it ends, whatever the clocks say.
        let stamp = stamp.max(newest.unwrap_or(0));
        self.end(&Header {
            name,
            kind: Kind::Ended,
            reach: Reach::Wide,
            tags,
            origin: 0,
            expiry,
            stamp,
            nonce: [0; NONCE],
            length: 0,
        })
    }

    /// Puts a record that ends a session in place of the session; how many there were.
    fn end(&self, ended: &Header) -> usize {
        let Header { name, stamp, .. } = *ended;
        // Looked for first: to write the record may overwrite them, and their owners would take them for merely overwritten.
        let meant: Vec<(Seen, Option<u64>)> =
            self.meant(name).filter(|(_, other)| *other <= Some(stamp)).collect();
        let position = self.append(ended, &ended.words());
        let mut placed = false;
        let mut removed = 0;
        for (seen, known) in meant {
            let gone = match position {
                Some(position) if !placed && known.is_some() => seen.replace(&self.memory, name, position),
                _ => seen.clear(&self.memory),
            };
            placed |= gone && known.is_some();
            removed += usize::from(gone && known.is_some());
        }
        if let (Some(position), false) = (position, placed) {
            let is_older = |seen: Seen| {
                self.header(seen).is_some_and(|other| other.name == name && other.stamp <= stamp)
            };
            index::publish(&self.memory, &self.layout, name, position, is_older);
        }
        // One that was put meanwhile either sees this record or is seen here.
        fence(Ordering::SeqCst);
        let late = self.sessions(name).filter(|(_, header)| header.stamp <= stamp);
        removed + late.filter(|(seen, _)| seen.clear(&self.memory)).count()
    }

    /// Puts a record that has come from another machine, unless something later is known under its name.
    pub(super) fn receive(&self, header: &Header, words: &[u64]) -> Received {
        // Of the same moment, the end is later.
        let order = |header: &Header| (header.stamp, header.kind == Kind::Ended);
        if self.named(header.name).any(|(_, known)| order(&known) >= order(header)) {
            return Received::Known;
        }
        if header.kind == Kind::Ended {
            self.end(header);
            return Received::Put;
        }
        let is_older = |seen: Seen| {
            self.header(seen).is_some_and(|other| other.name == header.name && other.stamp < header.stamp)
        };
        let put = self
            .append(header, words)
            .and_then(|position| index::publish(&self.memory, &self.layout, header.name, position, is_older));
        let Some(put) = put else { return Received::Lost };
        fence(Ordering::SeqCst);
        if self.ended(header.name) >= Some(header.stamp) {
            put.clear(&self.memory);
        }
        Received::Put
    }

    /// Whether any session has this name, be it of whatever scope.
    pub(super) fn has(&self, name: Name) -> bool {
        self.sessions(name).next().is_some()
    }

    /// The latest end of a session of this name.
    fn ended(&self, name: Name) -> Option<u64> {
        let ends = self.named(name).filter(|(_, header)| header.kind == Kind::Ended);
        ends.map(|(_, header)| header.stamp).max()
    }

    /// The slots of sessions of this name, with their stamps; and those that may be, of which the ring has passed the records.
    fn meant(&self, name: Name) -> impl Iterator<Item = (Seen, Option<u64>)> {
        let candidates = index::candidates(&self.memory, &self.layout, name);
        candidates.filter_map(move |seen| match self.position(seen) {
            None => Some((seen, None)),
            Some(_) => {
                let header =
                    self.header(seen).filter(|header| header.name == name && header.kind.is_session());
                header.map(|header| (seen, Some(header.stamp)))
            }
        })
    }

    fn sessions(&self, name: Name) -> impl Iterator<Item = (Seen, Header)> {
        self.named(name).filter(|(_, header)| header.kind.is_session())
    }

    fn named(&self, name: Name) -> impl Iterator<Item = (Seen, Header)> {
        let candidates = index::candidates(&self.memory, &self.layout, name);
        candidates
            .filter_map(move |seen| Some((seen, self.header(seen).filter(|header| header.name == name)?)))
    }

    /// Whether a relay has ever been here.
    fn has_relay(&self) -> bool {
        self.memory.load(word::ID) != 0
    }

    /// Ends every record of these scopes that has been published until now; `stamp` tells other machines when that was.
    pub(super) fn flush(&self, cell: Cell, stamp: u64) {
        flush(&self.memory, cell, stamp);
    }

    /// Whether a published record still counts.
    pub(super) fn standing(&self, published: Published) -> Standing {
        let seen = published.seen();
        let (position, holds) = seen.last_position(&self.memory, &self.layout);
        if self.is_flushed(position, published.made, published.cells) {
            return Standing::Gone;
        }
        // A slot that is used again hides whether it was emptied before: then the answer has to be the safe one.
        match seen.stands(&self.memory) {
            true if holds => Standing::Stands,
            true => Standing::Overwritten,
            false => Standing::Gone,
        }
    }

    /// The words, for what stands beside the records.
    pub(super) fn memory(&self) -> &M {
        &self.memory
    }

    pub(super) fn own_name(&self) -> NameCell {
        self.own_name
    }

    fn position(&self, seen: Seen) -> Option<Position> {
        seen.position(&self.memory, &self.layout)
    }

    /// The time for a record of these cells that is made now: later than every flush by which another machine could have meant it, even
    /// if that came by a clock that was ahead.
    pub(super) fn stamp(&self, now: u64, cells: [Cell; 2]) -> u64 {
        now.max(flushed_elsewhere(&self.memory, cells, self.own_name) + 1).min(STAMP_END - 1)
    }

    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    fn is_flushed(&self, position: Position, made: Made, cells: [Cell; 2]) -> bool {
        is_flushed(&self.memory, position, made, cells, self.own_name)
    }

    /// The header of the record that a slot names, if one is there.
    fn header(&self, seen: Seen) -> Option<Header> {
        let mut words = [0; HEADER];
        let position = self.position(seen)?;
        log::copy(&self.memory, &self.layout, position, &mut words).then(|| Header::of(&words))?
    }

    /// The record that a slot names, as far as it is one.
    fn copy(&self, seen: Seen, position: Position) -> Option<Found> {
        let (header, words) = self.record(position)?;
        let (_, body) = words.split_first_chunk::<HEADER>()?;
        Some(Found { header, body: record::body(body, header.length), seen, position })
    }

    /// The record at a position, if one is there.
    pub(super) fn record(&self, position: Position) -> Option<(Header, Vec<u64>)> {
        let copy = |length| {
            let mut words = vec![0; length];
            log::copy(&self.memory, &self.layout, position, &mut words).then_some(words)
        };
        // At once, not the header first: whoever waits for memory waits once.
        let mut words = copy(USUAL)?;
        let header = Header::of(words.first_chunk()?)?;
        let length = header.words_in_all();
        if length > USUAL {
            words = copy(length)?;
            // Read again with the body, or another record's header might go with it.
            Header::of(words.first_chunk()?).filter(|again| *again == header)?;
        }
        words.truncate(length);
        Some((header, words))
    }
}

/// Ends every record of these scopes that has been published until now.
pub(super) fn flush(memory: &impl Memory, cell: Cell, stamp: u64) {
    flush_cell(memory, usize::from(cell.0), stamp);
}

/// The same for an operator's name.
pub(super) fn flush_named(memory: &impl Memory, named: NameCell, stamp: u64) {
    flush_cell(memory, EPOCHS + usize::from(named.0), stamp);
}

fn flush_cell(memory: &impl Memory, number: usize, stamp: u64) {
    const TRIES: usize = 64;
    memory.raise(word::EPOCHS + number, log::head(memory));
    // Later than the last one, whatever has become of the clock: a relay has to see that there is another. Of several at once
    // one is enough.
    for _ in 0..TRIES {
        let last = memory.load(word::FLUSHES + number);
        if memory.exchange(word::FLUSHES + number, last, stamp.max(last.saturating_add(1))) {
            return;
        }
    }
}

/// The latest time at which another machine has flushed records of these cells. What is made now is made later.
fn flushed_elsewhere(memory: &impl Memory, cells: [Cell; 2], named: NameCell) -> u64 {
    let [one, other] = cells.map(|cell| usize::from(cell.0));
    let numbers = [one, other, EPOCHS + usize::from(named.0)];
    numbers.map(|number| memory.load_acquire(word::THEIR_FLUSHES + number)).into_iter().max().unwrap_or(0)
}

/// Whether a flush, here or on another machine, has ended what was published there.
pub(super) fn is_flushed(
    memory: &impl Memory,
    position: Position,
    made: Made,
    cells: [Cell; 2],
    named: NameCell,
) -> bool {
    let [one, other] = cells.map(|cell| usize::from(cell.0));
    let ends = |number| {
        // Where it stands tells nothing of when one was made that has come from elsewhere.
        position < memory.load_acquire(word::EPOCHS + number)
            || made.stamp <= memory.load_acquire(word::THEIR_FLUSHES + number)
            || (made.elsewhere && made.stamp <= memory.load_acquire(word::FLUSHES + number))
    };
    ends(one) || (one != other && ends(other)) || ends(EPOCHS + usize::from(named.0))
}

/// What has become of a record from another machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Received {
    Put,
    /// It, or something later, was there.
    Known,
    /// It had expired.
    Expired,
    /// Others were faster time and again.
    Lost,
}

impl Found {
    /// Where it stands, as a record of these cells.
    pub(super) fn published(&self, cells: [Cell; 2]) -> Option<Published> {
        Published::of(self.seen, cells, self.header.made())
    }

    pub(super) fn is_single_use(&self) -> bool {
        self.header.kind == Kind::Single
    }
}

impl Published {
    fn of(seen: Seen, cells: [Cell; 2], made: Made) -> Option<Published> {
        Some(Published { at: u32::try_from(seen.at).ok()?, word: seen.word, cells, made })
    }

    fn seen(self) -> Seen {
        Seen { at: self.at as usize, word: self.word }
    }
}
