//! Every interleaving, to a bound, of what processes do to one region at once. loom's threads stand for the processes: neither
//! has anything in common but the words.

use std::ops::Range;
use std::sync::atomic::Ordering::Relaxed;

use loom::sync::Arc;
use loom::sync::atomic::AtomicU64;
use loom::thread;

use super::counters::Counter;
use super::index::{self, Name};
use super::layout::{Layout, word};
use super::memory::{Heap, Memory};
use super::nonces::Nonces;
use super::outbox::{self, Entry};
use super::record::{self, Header, Kind, Reach, Tags};
use super::region::{Cell, Found, NameCell, Region, Standing};
use crate::base::orders;

const CELL: Cell = Cell(0);
const CELLS: [Cell; 2] = [CELL, CELL];
/// Six units each; the ring has twelve.
const BODY: usize = 16;

type Shared = Arc<Region<Watched>>;

/// loom tries another order of two accesses to a word where one of them writes; but of a word that a thread reads before it writes, as
/// slots are, it forgets who else has read it before. So each access to such a word touches another one, which is written
/// every time and never read: to write orders nothing, to exchange or add would. (The head is read before it is added to, too. With it
/// watched what takes seconds takes hours, and what ended passed.)
struct Watched {
    heap: Heap,
    watched: Vec<(usize, AtomicU64)>,
}

impl Watched {
    fn new(layout: &Layout) -> Watched {
        let slots = layout.bucket(0)..layout.ring(0, 0);
        let watched = slots.chain([word::FLUSHES + usize::from(CELL.0)]);
        Watched {
            heap: Heap::new(layout.words()),
            watched: watched.map(|at| (at, AtomicU64::new(0))).collect(),
        }
    }

    fn touch(&self, at: usize) -> &Heap {
        if let Some((_, companion)) = self.watched.iter().find(|(watched, _)| *watched == at) {
            companion.store(0, Relaxed);
        }
        &self.heap
    }
}

impl Memory for Watched {
    fn words(&self) -> &[AtomicU64] {
        self.heap.words()
    }

    fn load(&self, at: usize) -> u64 {
        self.touch(at).load(at)
    }

    fn load_acquire(&self, at: usize) -> u64 {
        self.touch(at).load_acquire(at)
    }

    fn exchange(&self, at: usize, old: u64, new: u64) -> bool {
        self.touch(at).exchange(at, old, new)
    }

    fn read(&self, from: Range<usize>, into: &mut [u64]) {
        from.clone().for_each(|at| _ = self.touch(at));
        self.heap.read(from, into);
    }
}

fn name(number: u64) -> Name {
    Name([number, number << 62])
}

fn header(number: u64) -> Header {
    Header {
        name: name(number),
        kind: Kind::Many,
        reach: Reach::Wide,
        tags: Tags::default(),
        origin: number.cast_signed(),
        expiry: 0,
        stamp: 1,
        nonce: [0; 24],
        length: BODY,
    }
}

fn record(number: u64) -> Vec<u64> {
    record::assemble(&header(number), &[number as u8; BODY])
}

fn region() -> Shared {
    region_of(12)
}

fn region_of(units: u64) -> Shared {
    let layout = Layout::tiny(2, units);
    Arc::new(Region::new(Watched::new(&layout), layout, NameCell(1)))
}

fn put(region: &Shared, number: u64) {
    region.put(&header(number), CELLS, &record(number));
}

fn remove(region: &Shared, number: u64) -> usize {
    region.remove(name(number), Tags::default(), 1, 0)
}

fn find(region: &Shared, number: u64) -> Result<Found, Counter> {
    let standing = |found| if region.has_flushed(&found, CELLS) { Err(Counter::Flushed) } else { Ok(found) };
    region.find(name(number), standing)
}

/// Whether there is a record of this number; one that is found is whole.
fn finds(region: &Shared, number: u64) -> bool {
    let Ok(found) = find(region, number) else { return false };
    assert_eq!(found.header.origin.cast_unsigned(), number);
    assert_eq!(found.body, [number as u8; BODY]);
    true
}

fn takes(region: &Shared, number: u64) -> bool {
    find(region, number).is_ok_and(|found| region.take(&found))
}

fn check(model: impl Fn() + Sync + Send + 'static) {
    orders::check(2, model);
}

fn spawn<T: 'static>(region: &Shared, work: impl FnOnce(&Shared) -> T + 'static) -> thread::JoinHandle<T> {
    let region = Arc::clone(region);
    thread::spawn(move || work(&region))
}

#[test]
fn a_reader_finds_a_whole_record_or_none() {
    check(|| {
        let region = region();
        let writer = spawn(&region, |region| put(region, 1));
        finds(&region, 1);
        writer.join().unwrap();
        assert!(finds(&region, 1));
    });
}

/// A lookup would miss it otherwise, and a removal pass it by.
#[test]
fn who_sees_a_slot_sees_its_record() {
    check(|| {
        let region = region();
        let writer = spawn(&region, |region| put(region, 1));
        let (memory, layout) = (region.memory(), region.layout());
        for seen in index::candidates(memory, layout, name(1)) {
            let position = seen.position(memory, layout).expect("nothing is overwritten");
            assert_eq!(region.record(position).unwrap().0, header(1));
        }
        writer.join().unwrap();
    });
}

#[test]
fn a_reader_of_what_is_being_overwritten_finds_it_whole_or_not() {
    check(|| {
        let region = region();
        put(&region, 1);
        put(&region, 2);
        let writer = spawn(&region, |region| put(region, 3));
        finds(&region, 1);
        finds(&region, 2);
        writer.join().unwrap();
        assert!(!finds(&region, 1) && finds(&region, 2) && finds(&region, 3));
    });
}

/// One that is read in two steps.
#[test]
fn a_reader_of_a_long_record_finds_it_whole_or_not() {
    const LONG: usize = 32;
    let long = |number| Header { length: LONG, ..header(number) };
    let put = move |region: &Region<Watched>, number: u64| {
        let header = long(number);
        region.put(&header, CELLS, &record::assemble(&header, &[number as u8; LONG]));
    };
    let finds = move |region: &Region<Watched>, number: u64| {
        let found = region.find(name(number), Ok).ok();
        found.is_some_and(|found| {
            assert_eq!((found.header, found.body), (long(number), vec![number as u8; LONG]));
            true
        })
    };
    orders::check(1, move || {
        let region = region_of(14);
        put(&region, 1);
        put(&region, 2);
        let writer = spawn(&region, move |region| put(region, 3));
        finds(&region, 1);
        writer.join().unwrap();
        assert!(!finds(&region, 1) && finds(&region, 3));
    });
}

#[test]
fn threads_never_get_the_same_number_for_a_nonce() {
    check(|| {
        let nonces = Arc::new(Nonces::new());
        let draw = |nonces: &Nonces| [1, 1, 2].map(|second| nonces.number_in(1, second * 1000).unwrap());
        let other = {
            let nonces = Arc::clone(&nonces);
            thread::spawn(move || draw(&nonces))
        };
        let own = draw(&nonces);
        let mut all = [own, other.join().unwrap()].concat();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 6);
    });
}

#[test]
fn two_writers_both_publish() {
    check(|| {
        let region = region();
        let other = spawn(&region, |region| put(region, 1));
        put(&region, 2);
        other.join().unwrap();
        assert!(finds(&region, 1) && finds(&region, 2));
    });
}

#[test]
fn of_two_and_of_three_who_take_one_wins() {
    for others in [1, 2] {
        check(move || {
            let region = region();
            put(&region, 1);
            let takers: Vec<_> = (0..others).map(|_| spawn(&region, |region| takes(region, 1))).collect();
            let mine = takes(&region, 1);
            let won = takers.into_iter().map(|taker| taker.join().unwrap());
            assert_eq!(won.filter(|won| *won).count() + usize::from(mine), 1);
            assert!(!finds(&region, 1));
        });
    }
}

#[test]
fn what_is_removed_is_taken_by_nobody_afterwards() {
    check(|| {
        let region = region();
        put(&region, 1);
        let taker = spawn(&region, |region| takes(region, 1));
        let removed = remove(&region, 1) == 1;
        assert!(!takes(&region, 1));
        assert!(taker.join().unwrap() != removed);
    });
}

#[test]
fn a_removal_by_one_is_seen_by_the_owner() {
    check(|| {
        let region = region();
        let published = region.put(&header(1), CELLS, &record(1)).unwrap();
        let remover = spawn(&region, |region| remove(region, 1));
        let before = region.standing(published);
        assert!(matches!(before, Standing::Stands | Standing::Gone));
        assert_eq!(remover.join().unwrap(), 1);
        assert_eq!(region.standing(published), Standing::Gone);
    });
}

#[test]
fn a_flush_ends_what_was_published_before_it() {
    check(|| {
        let region = region();
        put(&region, 1);
        let flusher = spawn(&region, |region| region.flush(CELL, 1));
        put(&region, 2);
        flusher.join().unwrap();
        assert!(!finds(&region, 1));
        // One that is published while the flush runs may go either way, but is whole.
        finds(&region, 2);
    });
}

#[test]
fn two_that_publish_one_name_leave_one_to_find_and_none_after_a_removal() {
    check(|| {
        let region = region();
        let other = spawn(&region, |region| put(region, 1));
        put(&region, 1);
        other.join().unwrap();
        assert!(finds(&region, 1));
        // Both may have a slot of their own: a removal takes either.
        assert!((1..=2).contains(&remove(&region, 1)));
        assert!(!finds(&region, 1));
    });
}

#[test]
fn what_is_removed_while_it_is_published_again_is_whole_or_gone() {
    orders::check(1, || {
        let region = region();
        put(&region, 1);
        let remover = spawn(&region, |region| remove(region, 1));
        put(&region, 1);
        remover.join().unwrap();
        finds(&region, 1);
        remove(&region, 1);
        assert!(!finds(&region, 1));
    });
}

/// The record that says so overwrites the session, in a ring that holds two.
#[test]
fn what_is_removed_is_gone_for_its_owner_even_if_that_overwrites_it() {
    check(|| {
        let region = region();
        let published = region.put(&header(1), CELLS, &record(1)).unwrap();
        put(&region, 2);
        let remover = spawn(&region, |region| remove(region, 1));
        finds(&region, 2);
        remover.join().unwrap();
        assert_eq!(region.standing(published), Standing::Gone);
    });
}

/// One comes from another machine while it is ended here.
#[test]
fn what_arrives_while_it_is_removed_is_not_there_afterwards() {
    check(|| {
        let region = region_of(40);
        region.memory().store(word::ID, 1);
        let arriving = Header { reach: Reach::Arrived, ..header(1) };
        let receiver = spawn(&region, move |region| {
            let words = record::assemble(&arriving, &[1; BODY]);
            region.receive(&arriving, &words)
        });
        remove(&region, 1);
        receiver.join().unwrap();
        assert!(!finds(&region, 1));
    });
}

/// They put their slots in different places: the fences between alone make one see the other.
#[test]
fn what_arrives_elsewhere_while_it_is_removed_is_not_there_afterwards() {
    check(|| {
        let region = region_of(60);
        region.memory().store(word::ID, 1);
        (2..=4).for_each(|number| put(&region, number));
        let arriving = Header { reach: Reach::Arrived, ..header(1) };
        let receiver = spawn(&region, move |region| {
            for number in [2, 4] {
                for seen in index::candidates(region.memory(), region.layout(), name(number)) {
                    seen.clear(region.memory());
                }
            }
            region.receive(&arriving, &record::assemble(&arriving, &[1; BODY]))
        });
        remove(&region, 1);
        receiver.join().unwrap();
        assert!(!finds(&region, 1));
    });
}

#[test]
fn of_a_writer_a_remover_and_a_reader_each_does_its_work() {
    orders::check(1, || {
        let region = region_of(40);
        put(&region, 1);
        let writer = spawn(&region, |region| put(region, 2));
        let remover = spawn(&region, |region| remove(region, 1));
        finds(&region, 1);
        finds(&region, 2);
        writer.join().unwrap();
        assert_eq!(remover.join().unwrap(), 1);
        assert!(!finds(&region, 1) && finds(&region, 2));
    });
}

/// A relay has to see that there was one behind the other.
#[test]
fn two_flushes_are_both_seen() {
    check(|| {
        let region = region();
        put(&region, 1);
        let told = |region: &Shared| region.memory().load(word::FLUSHES);
        let other = spawn(&region, |region| region.flush(CELL, 1));
        let before = told(&region);
        region.flush(CELL, 1);
        let after = told(&region);
        other.join().unwrap();
        assert!(before < after && after <= told(&region));
        assert!(!finds(&region, 1));
    });
}

/// A relay that follows the outbox, and one writer of another process.
#[test]
fn whatever_is_found_is_in_the_outbox() {
    check(|| {
        let region = region();
        let writer = spawn(&region, |region| put(region, 1));
        let is_found = finds(&region, 1);
        let (memory, layout) = (region.memory(), region.layout());
        let entry = (outbox::head(memory) > 0).then(|| outbox::entry(memory, layout, 0));
        match entry {
            Some(Entry::At(position)) => assert_eq!(region.record(position).unwrap().0, header(1)),
            None | Some(Entry::Pending) => assert!(!is_found),
            Some(Entry::Overrun) => panic!("there is room"),
        }
        writer.join().unwrap();
        assert!(matches!(outbox::entry(memory, layout, 0), Entry::At(_)));
    });
}

/// Two buckets of two slots, and a ring that would hold more.
#[test]
fn of_those_who_find_all_slots_taken_each_publishes_in_place_of_another() {
    check(|| {
        let region = region_of(40);
        (1..=4).for_each(|number| put(&region, number));
        let other = spawn(&region, |region| put(region, 5));
        put(&region, 6);
        other.join().unwrap();
        assert!(finds(&region, 5) && finds(&region, 6));
        assert_eq!((1..=6).filter(|number| finds(&region, *number)).count(), 4);
    });
}

/// A writer that sleeps after it has reserved its place, while the ring comes round.
#[test]
fn a_writer_that_slept_publishes_nothing_and_blocks_nobody() {
    check(|| {
        let region = region();
        let sleeper = spawn(&region, |region| region.put(&header(1), CELLS, &record(1)).is_some());
        put(&region, 2);
        put(&region, 3);
        // What it wrote may have spoiled records of others. Those do not open: here, they are not whole.
        let opens = |number: u64| find(&region, number).is_ok_and(|found| found.body == [number as u8; BODY]);
        let published = sleeper.join().unwrap();
        assert!(published || !opens(1));
        put(&region, 4);
        assert!(finds(&region, 4));
    });
}
