//! Log and index together: records by name, for several processes at once.

use super::counters::Counter;
use super::index::{self, Name, Seen};
use super::layout::{EPOCHS, Layout, word};
use super::log::{self, Position};
use super::memory::Memory;
use super::record::{self, HEADER, Header, Use};

/// Where a record was published. One of this process's own remembers it, to ask later whether it still counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Published {
    word: u64,
    /// The slot, as a 32-bit place: a region has fewer.
    at: u32,
    cells: [Cell; 2],
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

    /// Appends a record and puts its slot, in place of an older one of the same name.
    pub(super) fn put(&self, name: Name, cells: [Cell; 2], words: &[u64]) -> Option<Published> {
        let position = log::append(&self.memory, &self.layout, words);
        let is_same = |seen: Seen| self.header(seen).is_some_and(|header| header.name == name);
        let seen =
            position.and_then(|position| index::publish(&self.memory, &self.layout, name, position, is_same));
        Published::of(seen?, cells)
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
                Some(found) if found.header.name != name => {}
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
        self.is_flushed(found.position, cells)
    }

    /// Takes out what `find` has found. Of all who try, in whatever process, one succeeds.
    pub(super) fn take(&self, found: &Found) -> bool {
        found.seen.clear(&self.memory)
    }

    /// The same for what was published or found before.
    pub(super) fn take_published(&self, published: Published) -> bool {
        let seen = published.seen();
        let (position, _) = seen.last_position(&self.memory, &self.layout);
        !self.is_flushed(position, published.cells) && seen.clear(&self.memory)
    }

    /// Takes out whatever has this name; how many there were. What the ring has passed is no longer known by its name, but its
    /// owner still counts on its slot: of these every one goes that may be meant, and by chance one in 60 000 others.
    pub(super) fn remove(&self, name: Name) -> usize {
        let passed = |seen: &Seen| self.position(*seen).is_none();
        let candidates = index::candidates(&self.memory, &self.layout, name);
        for seen in candidates.filter(passed) {
            seen.clear(&self.memory);
        }
        self.named(name).filter(|seen| seen.clear(&self.memory)).count()
    }

    /// Whether anything has this name, be it of whatever scope.
    pub(super) fn has(&self, name: Name) -> bool {
        self.named(name).next().is_some()
    }

    fn named(&self, name: Name) -> impl Iterator<Item = Seen> {
        let same = move |seen: &Seen| self.header(*seen).is_some_and(|header| header.name == name);
        index::candidates(&self.memory, &self.layout, name).filter(same)
    }

    /// Ends every record of these scopes that has been published until now.
    pub(super) fn flush(&self, cell: Cell) {
        flush(&self.memory, cell);
    }

    /// Whether a published record still counts.
    pub(super) fn standing(&self, published: Published) -> Standing {
        let seen = published.seen();
        let (position, holds) = seen.last_position(&self.memory, &self.layout);
        if self.is_flushed(position, published.cells) {
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

    fn is_flushed(&self, position: Position, cells: [Cell; 2]) -> bool {
        is_flushed(&self.memory, position, cells, self.own_name)
    }

    /// The header of the record that a slot names, if one is there.
    fn header(&self, seen: Seen) -> Option<Header> {
        let mut words = [0; HEADER];
        let position = self.position(seen)?;
        log::copy(&self.memory, &self.layout, position, &mut words).then(|| Header::of(&words))?
    }

    /// The record that a slot names, as far as it is one.
    fn copy(&self, seen: Seen, position: Position) -> Option<Found> {
        let header = self.header(seen)?;
        let mut words = vec![0; HEADER + header.length.div_ceil(8)];
        if !log::copy(&self.memory, &self.layout, position, &mut words) {
            return None;
        }
        // Read again with the body, or another record's header might go with it.
        let (head, body) = words.split_first_chunk()?;
        let again = Header::of(head).filter(|again| *again == header)?;
        Some(Found { header: again, body: record::body(body, header.length), seen, position })
    }
}

/// Ends every record of these scopes that has been published until now.
pub(super) fn flush(memory: &impl Memory, cell: Cell) {
    memory.raise(epoch(cell), log::head(memory));
}

/// The same for an operator's name.
pub(super) fn flush_named(memory: &impl Memory, named: NameCell) {
    memory.raise(epoch_of_name(named), log::head(memory));
}

/// Whether a flush has ended what was published there.
pub(super) fn is_flushed(
    memory: &impl Memory,
    position: Position,
    cells: [Cell; 2],
    named: NameCell,
) -> bool {
    let ends = |at| position < memory.load_acquire(at);
    let [one, other] = cells;
    ends(epoch(one)) || (one != other && ends(epoch(other))) || ends(epoch_of_name(named))
}

fn epoch(cell: Cell) -> usize {
    word::EPOCHS + usize::from(cell.0) % EPOCHS
}

fn epoch_of_name(named: NameCell) -> usize {
    word::NAMED_EPOCHS + usize::from(named.0) % EPOCHS
}

impl Found {
    /// Where it stands, as a record of these cells.
    pub(super) fn published(&self, cells: [Cell; 2]) -> Option<Published> {
        Published::of(self.seen, cells)
    }

    pub(super) fn is_single_use(&self) -> bool {
        self.header.usage == Use::Single
    }
}

impl Published {
    fn of(seen: Seen, cells: [Cell; 2]) -> Option<Published> {
        Some(Published { at: u32::try_from(seen.at).ok()?, word: seen.word, cells })
    }

    fn seen(self) -> Seen {
        Seen { at: self.at as usize, word: self.word }
    }
}
