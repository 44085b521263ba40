//! The region against a simple model: whatever it gives was put there under that name, and not removed since.

use std::collections::HashMap;

use proptest::prelude::*;

use super::super::counters::Counter;
use super::super::index::Name;
use super::super::layout::Layout;
use super::super::memory::{Heap, Memory};
use super::super::record::{self, Header, Kind, Reach, Tags};
use super::super::region::{Cell, Found, NameCell, Published, Region, Standing};

#[derive(Clone, Debug)]
enum Step {
    Put { name: u8, words: u8 },
    Find(u8),
    Take(u8),
    Remove(u8),
    Flush,
    Scribble { at: u16, value: u64 },
}

fn steps(hostile: bool) -> impl Strategy<Value = Vec<Step>> {
    let scribble = if hostile { 3 } else { 0 };
    let step = prop_oneof![
        8 => (0..12_u8, 2..40_u8).prop_map(|(name, words)| Step::Put { name, words }),
        8 => (0..12_u8).prop_map(Step::Find),
        2 => (0..12_u8).prop_map(Step::Take),
        2 => (0..12_u8).prop_map(Step::Remove),
        1 => Just(Step::Flush),
        scribble => (any::<u16>(), prop_oneof![any::<u64>(), 0..64_u64]).prop_map(|(at, value)| Step::Scribble { at, value }),
    ];
    prop::collection::vec(step, 1..120)
}

/// Names of few different pieces and buckets, so that they meet.
fn name(number: u8) -> Name {
    Name([
        (u64::from(number % 3) << 62) | (u64::from(number % 2) + 1),
        u64::from(number) << 60 | u64::from(number),
    ])
}

fn put(region: &Region<impl Memory>, name: Name, stamp: u64, words: u8) -> Option<Published> {
    let header = Header {
        name,
        kind: Kind::Many,
        reach: Reach::Wide,
        tags: Tags::default(),
        origin: stamp.cast_signed(),
        expiry: 0,
        stamp,
        nonce: [7; 24],
        length: usize::from(words) * 8,
    };
    let words = record::assemble(&header, &stamp.to_le_bytes().repeat(usize::from(words)));
    region.put(&header, CELLS, &words)
}

const CELL: Cell = Cell(3);
const CELLS: [Cell; 2] = [CELL, CELL];

fn find(region: &Region<impl Memory>, name: Name) -> Result<Found, Counter> {
    region
        .find(name, |found| if region.has_flushed(&found, CELLS) { Err(Counter::Flushed) } else { Ok(found) })
}

struct Play {
    region: Region<Heap>,
    /// The newest record of each name, as long as nobody has ended it.
    alive: HashMap<u8, (u64, Published)>,
    clock: u64,
}

impl Play {
    fn new() -> Play {
        let layout = Layout::tiny(2, 40);
        Play {
            region: Region::new(Heap::new(layout.words()), layout, NameCell(1)),
            alive: HashMap::new(),
            clock: 0,
        }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Put { name: number, words } => {
                self.clock += 1;
                let published = put(&self.region, name(number), self.clock, words);
                // One that is too long for the ring leaves an older one of its name where it is.
                if let Some(published) = published {
                    assert_eq!(self.region.standing(published), Standing::Stands);
                    self.alive.insert(number, (self.clock, published));
                }
            }
            Step::Find(number) => self.find(number, false),
            Step::Take(number) => self.find(number, true),
            Step::Remove(number) => {
                self.region.remove(name(number), Tags::default(), self.clock, 0);
                if let Some((_, published)) = self.alive.remove(&number) {
                    assert_ne!(self.region.standing(published), Standing::Stands);
                }
            }
            Step::Flush => {
                self.region.flush(CELL, self.clock);
                self.alive.clear();
            }
            Step::Scribble { .. } => {}
        }
    }

    fn find(&mut self, number: u8, take: bool) {
        let Ok(found) = find(&self.region, name(number)) else {
            if let Some((_, published)) = self.alive.get(&number) {
                assert_ne!(self.region.standing(*published), Standing::Stands);
            }
            return;
        };
        let (stamp, published) = self.alive[&number];
        assert_eq!(found.header.origin.cast_unsigned(), stamp);
        assert!(found.body.chunks(8).all(|chunk| chunk == stamp.to_le_bytes()));
        assert_eq!(found.published(CELLS), Some(published));
        if take {
            assert!(self.region.take(&found) && !self.region.take(&found));
            assert_eq!(self.region.standing(published), Standing::Gone);
            self.alive.remove(&number);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 8 } else { 2000 }))]

    #[test]
    fn what_is_found_was_put_and_not_ended(steps in steps(false)) {
        let mut play = Play::new();
        steps.iter().for_each(|step| play.step(step));
    }

    /// Whatever the memory says, nothing panics, loops for ever or reaches outside. (What is wrong does not open.)
    #[test]
    fn hostile_memory_costs_misses_only(steps in steps(true)) {
        let layout = Layout::tiny(2, 40);
        let memory = Heap::new(layout.words());
        let region = Region::new(&memory, layout, NameCell(1));
        for step in steps {
            match step {
                Step::Put { name: number, words } => drop(put(&region, name(number), 1, words)),
                Step::Find(number) | Step::Take(number) => drop(find(&region, name(number)).map(|found| region.take(&found))),
                Step::Remove(number) => drop(region.remove(name(number), Tags::default(), 1, 0)),
                Step::Flush => region.flush(CELL, 1),
                Step::Scribble { at, value } => memory.store(usize::from(at) % memory.words().len(), value),
            }
        }
    }
}
