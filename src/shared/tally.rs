//! What the processes of a region have counted, each in a cell of its own: so that they do not wait for one another's cache
//! lines, and an operator sees who does what.
//!
//! Nobody gives a cell back, since a process can be killed at any time. Where none is free the one that has been quiet for longest
//! is taken over, and what it held is added to what is past. A process that was only quiet, and finds that its cell is another's,
//! takes a new one. Whatever a process has counted is counted once, in either place; which process it is
//! put down to may be wrong for a moment.

use std::cmp::Reverse;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use super::counters::Counter;
use super::layout::{PROCESS_WORDS, PROCESSES, word};
use super::memory::Memory;
use crate::base::{clock, forks};

/// Places in a cell.
const OWNER: usize = 0;
const SINCE: usize = 1;
const SEEN: usize = 2;
const REMARKS: usize = 3;
const COUNTERS: usize = 4;
const _: () = assert!(COUNTERS + Counter::ALL.len() <= PROCESS_WORDS);
const _: () = assert!(word::PAST + Counter::ALL.len() <= word::EPOCHS);

/// Who has been quiet for so many seconds may lose his cell.
const QUIET: u64 = 60;

/// What an operator should know of a process. Each is a bit, which stays.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Remark {
    /// The program keeps data on its sessions, so none is shared.
    KeepsData,
    /// A server's connection was made from a context whose cache is off.
    CacheOff,
    /// Sessions were handed out that are all in their tickets.
    Stateless,
    /// How a service verifies its clients cannot be told from how others do it, and no name tells them apart.
    Untold,
}

impl Remark {
    /// All of them.
    pub const ALL: [Remark; 4] = [Remark::KeepsData, Remark::CacheOff, Remark::Stateless, Remark::Untold];

    fn bit(self) -> u64 {
        1 << (self as u8)
    }
}

/// Where this process counts.
pub(super) struct Tally {
    /// The process (`forks::process_number`) that the rest is of. A child begins anew.
    process: AtomicU32,
    /// The word at which its cell begins; 0 for none.
    cell: AtomicUsize,
    owner: AtomicU64,
    /// When it last asked for a cell.
    asked: AtomicI64,
}

impl Tally {
    pub(super) fn new() -> Tally {
        Tally {
            process: AtomicU32::new(0),
            cell: AtomicUsize::new(0),
            owner: AtomicU64::new(0),
            asked: AtomicI64::new(0),
        }
    }

    pub(super) fn count(&self, memory: &impl Memory, counter: Counter) {
        let at = match self.cell(memory) {
            Some(cell) => cell + COUNTERS,
            None => word::PAST,
        };
        memory.add(at + counter as usize, 1);
    }

    pub(super) fn remark(&self, memory: &impl Memory, remark: Remark) {
        if let Some(cell) = self.cell(memory) {
            memory.set_bits(cell + REMARKS, remark.bit());
        }
    }

    /// Shows that this process is at work.
    pub(super) fn is_seen(&self, memory: &impl Memory, now: i64) {
        if let Some(cell) = self.cell(memory) {
            memory.store(cell + SEEN, now.cast_unsigned());
        }
    }

    /// Where this process's cell begins, if it has one or gets one.
    fn cell(&self, memory: &impl Memory) -> Option<usize> {
        let process = forks::process_number();
        let cell = self.cell.load(Ordering::Acquire);
        if self.process.load(Ordering::Acquire) == process {
            let stands = cell != 0 && memory.load(cell + OWNER) == self.owner.load(Ordering::Relaxed);
            if stands || clock::now() == self.asked.load(Ordering::Relaxed) {
                return stands.then_some(cell);
            }
        }
        self.ask(memory, process)
    }

    #[cold]
    fn ask(&self, memory: &impl Memory, process: u32) -> Option<usize> {
        let now = clock::now();
        // One thread a second; the others count as what is past, meanwhile.
        if self.asked.swap(now, Ordering::AcqRel) == now && self.process.load(Ordering::Acquire) == process {
            return None;
        }
        self.cell.store(0, Ordering::Release);
        self.process.store(process, Ordering::Release);
        let (cell, owner) = claim(memory, now)?;
        self.owner.store(owner, Ordering::Relaxed);
        self.cell.store(cell, Ordering::Release);
        Some(cell)
    }
}

fn cells() -> impl Iterator<Item = usize> {
    (0..PROCESSES).map(|number| word::PROCESSES + number * PROCESS_WORDS)
}

/// A cell for this process, and its owner's word.
fn claim(memory: &impl Memory, now: i64) -> Option<(usize, u64)> {
    const TRIES: usize = 8;
    let ticket = memory.add(word::CLAIMS, 1) & 0xffff_ffff;
    let owner = u64::from(std::process::id()) << 32 | ticket;
    for _ in 0..TRIES {
        let quiet = |cell: &usize| match memory.load(cell + OWNER) {
            0 => u64::MAX,
            // Also those of a clock that has been set back.
            _ => now.abs_diff(memory.load(cell + SEEN).cast_signed()),
        };
        let cell = cells().min_by_key(|cell| Reverse(quiet(cell))).filter(|cell| quiet(cell) > QUIET)?;
        let former = memory.load(cell + OWNER);
        if memory.exchange(cell + OWNER, former, owner) {
            memory.store(cell + SEEN, now.cast_unsigned());
            memory.store(cell + SINCE, now.cast_unsigned());
            memory.store(cell + REMARKS, 0);
            for counter in Counter::ALL {
                let counted = memory.empty(cell + COUNTERS + counter as usize);
                memory.add(word::PAST + counter as usize, counted);
            }
            return Some((cell, owner));
        }
    }
    None
}

/// What all processes have counted until now.
pub(super) fn total(memory: &impl Memory, counter: Counter) -> u64 {
    let each = cells().map(|cell| memory.load(cell + COUNTERS + counter as usize));
    each.fold(memory.load(word::PAST + counter as usize), u64::wrapping_add)
}

/// One process, as its cell tells of it.
#[derive(Clone, Debug)]
pub struct Process {
    /// Its number, in its own namespace of processes.
    pub id: u32,
    /// When it first counted anything, in seconds since the epoch.
    pub since: i64,
    /// When it was last seen to look for a session or share one.
    pub seen: i64,
    /// What an operator should know of it.
    pub remarks: Vec<Remark>,
    counted: [u64; Counter::ALL.len()],
}

impl Process {
    /// What it has counted.
    pub fn counted(&self, counter: Counter) -> u64 {
        self.counted.get(counter as usize).copied().unwrap_or(0)
    }
}

/// Those that have a cell, be they at work or long gone.
pub(super) fn processes(memory: &impl Memory) -> Vec<Process> {
    let owned = cells().filter_map(|cell| Some((cell, u32::try_from(memory.load(cell + OWNER) >> 32).ok()?)));
    let read = |(cell, id): (usize, u32)| {
        let remarks = memory.load(cell + REMARKS);
        Process {
            id,
            since: memory.load(cell + SINCE).cast_signed(),
            seen: memory.load(cell + SEEN).cast_signed(),
            remarks: Remark::ALL.into_iter().filter(|remark| remarks & remark.bit() != 0).collect(),
            counted: Counter::ALL.map(|counter| memory.load(cell + COUNTERS + counter as usize)),
        }
    };
    owned.filter(|(_, id)| *id != 0).map(read).collect()
}

#[cfg(all(test, not(sesscache_loom)))]
mod tests {
    use super::super::layout::Layout;
    use super::super::memory::Heap;
    use super::*;

    fn memory() -> Heap {
        Heap::new(Layout::tiny(2, 8).words())
    }

    #[test]
    fn each_process_counts_for_itself_and_for_all() {
        let memory = memory();
        let (one, other) = (Tally::new(), Tally::new());
        (0..3).for_each(|_| one.count(&memory, Counter::Hit));
        other.count(&memory, Counter::Hit);
        other.remark(&memory, Remark::Stateless);
        assert_eq!(total(&memory, Counter::Hit), 4);
        let processes = processes(&memory);
        let counted: Vec<_> = processes.iter().map(|process| process.counted(Counter::Hit)).collect();
        assert_eq!(counted, [3, 1]);
        assert!(processes.iter().all(|process| process.id == std::process::id()));
        assert_eq!(processes[1].remarks, [Remark::Stateless]);
        assert!(processes[0].remarks.is_empty());
    }

    #[test]
    fn who_was_quiet_loses_the_cell_and_nothing_that_was_counted() {
        let memory = memory();
        let tallies: Vec<Tally> = (0..PROCESSES).map(|_| Tally::new()).collect();
        tallies.iter().for_each(|tally| tally.count(&memory, Counter::Hit));
        let late = Tally::new();
        late.count(&memory, Counter::Hit);
        assert_eq!(
            (processes(&memory).len(), memory.load(word::PAST + Counter::Hit as usize)),
            (PROCESSES, 1)
        );
        let quiet = tallies[7].cell.load(Ordering::Relaxed);
        tallies[7].remark(&memory, Remark::CacheOff);
        memory.store(quiet + SEEN, (clock::now() - 100).cast_unsigned());
        let later = Tally::new();
        later.count(&memory, Counter::Unknown);
        assert_eq!(later.cell.load(Ordering::Relaxed), quiet);
        assert_eq!(processes(&memory)[7].counted(Counter::Hit), 0);
        assert!(processes(&memory)[7].remarks.is_empty());
        tallies[7].count(&memory, Counter::Hit);
        assert_eq!(total(&memory, Counter::Hit), PROCESSES as u64 + 2);
        assert_eq!(total(&memory, Counter::Unknown), 1);
    }

    #[test]
    fn a_child_has_a_cell_of_its_own() {
        let memory = memory();
        let tally = Tally::new();
        tally.count(&memory, Counter::Hit);
        tally.process.store(forks::process_number() - 1, Ordering::Relaxed);
        tally.count(&memory, Counter::Hit);
        assert_eq!(processes(&memory).len(), 2);
    }

    #[test]
    fn threads_share_one_cell_and_lose_nothing() {
        let (memory, tally) = (memory(), Tally::new());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..1000).for_each(|_| tally.count(&memory, Counter::Hit)));
            }
        });
        assert_eq!(total(&memory, Counter::Hit), 4000);
        assert_eq!(processes(&memory).len(), 1);
    }
}
