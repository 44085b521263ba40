//! Regions of several machines, and what is carried between them.

use std::fs;
use std::iter::once;
use std::path::Path;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::super::arrivals::{Arrivals, From};
use super::super::carrier::{Carrier, Lock};
use super::super::index::{self, Name};
use super::super::layout::{BYTES_MIN, word};
use super::super::log;
use super::super::memory::Memory;
use super::super::outgoing::{Letter, Outgoing};
use super::super::record::{self, HEADER, Header, Kind, Reach, Tags};
use super::super::region::{self, Standing};
use super::super::{HostTier, Look, Owner, Times, Which, flush};
use super::files::Folder;
use super::samples::{TIMES, key, of, owner, scope};
use crate::base::clock;
use crate::base::settings::{Place, Shared};
use crate::cache::SessionKey;

/// A machine: its servers' view of the region, and its relay's.
struct Machine {
    servers: HostTier,
    carrier: Carrier,
    outgoing: Outgoing,
}

struct Fleet(Folder);

impl Fleet {
    fn new() -> Fleet {
        let fleet = Fleet(Folder::new());
        let servers = fleet.servers("first");
        drop(servers);
        fs::rename(fleet.0.path("first.key"), fleet.0.path("keys")).unwrap();
        fleet
    }

    fn servers(&self, name: &str) -> HostTier {
        let place = Place::File { path: self.0.path(name), bytes: BYTES_MIN };
        let key_file = Some(self.0.path("keys")).filter(|path| path.exists());
        HostTier::open(&Shared { key_file, ..Shared::at(place) }, clock::now()).unwrap()
    }

    fn machine(&self, name: &str) -> Machine {
        let servers = self.servers(name);
        let carrier = Carrier::open(&self.0.path(name), None).unwrap().unwrap();
        let outgoing = Outgoing::new(&carrier);
        Machine { servers, carrier, outgoing }
    }
}

impl Machine {
    fn put(&self, number: u8) {
        assert!(self.servers.put(&owner("a"), &key(number), &[number; 99], TIMES, false).is_some());
    }

    fn finds(&self, number: u8) -> bool {
        let found = self.servers.get(of("a"), &key(number), clock::now(), false);
        found.is_some_and(|found| found.der[..] == [number; 99])
    }

    fn gather(&mut self) -> Vec<Letter> {
        let mut letters = Vec::new();
        loop {
            let more = self.outgoing.gather(&self.carrier, 100);
            if more.is_empty() && !self.outgoing.is_searching() {
                return letters;
            }
            letters.extend(more);
        }
    }

    fn receive(&self, letters: &[Letter]) -> Arrivals {
        let bytes: Vec<u8> = letters.iter().flat_map(|letter| letter.bytes.clone()).collect();
        self.carrier.receive(&bytes, From::Another)
    }
}

fn a_while() {
    let stamp = clock::milliseconds();
    while clock::milliseconds() <= stamp + 1 {
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn sessions_are_found_on_the_other_machine_and_go_no_further() {
    let fleet = Fleet::new();
    let (mut one, mut other) = (fleet.machine("one"), fleet.machine("other"));
    one.put(1);
    one.put(2);
    let letters = one.gather();
    assert_eq!(letters.len(), 2);
    assert_eq!(other.receive(&letters), Arrivals { put: 2, ..Arrivals::default() });
    assert!(other.finds(1) && other.finds(2) && !other.finds(3));
    assert_eq!(other.receive(&letters), Arrivals { known: 2, ..Arrivals::default() });
    assert!(other.gather().is_empty() && one.gather().is_empty());
    other.carrier.ask_again();
    assert!(other.gather().is_empty());
    one.carrier.ask_again();
    assert_eq!(one.gather().len(), 2);
}

#[test]
fn what_is_of_use_to_nobody_else_stays() {
    let fleet = Fleet::new();
    let mut one = fleet.machine("one");
    let private = Owner { common: None, ..owner("a") };
    let expired = Times { origin: 1, expiry: clock::now() - 5 };
    one.servers.put(&owner("a"), &key(1), b"for single use", TIMES, true).unwrap();
    one.servers.put(&private, &key(2), b"a context's own", TIMES, false).unwrap();
    one.servers.put(&owner("a"), &key(3), b"expired", expired, false).unwrap();
    assert!(one.gather().is_empty());
    // Nor does a search find it.
    one.carrier.ask_again();
    assert!(one.gather().is_empty());
}

#[test]
fn what_may_be_used_once_is_not_taken_in() {
    let fleet = Fleet::new();
    let (one, other) = (fleet.machine("one"), fleet.machine("other"));
    let published = one.servers.put(&owner("a"), &key(1), b"for single use", TIMES, true).unwrap();
    assert_eq!(one.servers.standing(published), Standing::Stands);
    let (mut header, mut words) = one.carrier.region.record(0).unwrap();
    assert_eq!((header.kind, header.reach), (Kind::Single, Reach::Home));
    // Somebody sends it nevertheless, and then as something else.
    header.reach = Reach::Wide;
    for (kind, expected) in [
        (Kind::Single, Arrivals { odd: 1, ..Arrivals::default() }),
        (Kind::Many, Arrivals { put: 1, ..Arrivals::default() }),
    ] {
        header.kind = kind;
        words[..HEADER].copy_from_slice(&header.words());
        let bytes = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        assert_eq!(other.receive(&[Letter { about: 0, bytes }]), expected);
        assert!(other.servers.get(of("a"), &key(1), clock::now(), false).is_none());
    }
}

#[test]
fn a_removal_reaches_all_and_is_not_overtaken() {
    let fleet = Fleet::new();
    let (mut one, mut other, third) = (fleet.machine("one"), fleet.machine("other"), fleet.machine("third"));
    let published = one.servers.put(&owner("a"), &key(1), &[1; 99], TIMES, false).unwrap();
    let session = one.gather();
    other.receive(&session);
    other.servers.remove(&key(1));
    assert!(!other.finds(1));
    // Sent once more, by a relay that began anew.
    assert_eq!(other.receive(&session).known, 1);
    assert!(!other.finds(1));
    let removal = other.gather();
    assert_eq!(removal.len(), 1);
    // Both ways round.
    third.receive(&removal);
    third.receive(&session);
    assert!(!third.finds(1));
    one.receive(&removal);
    assert!(!one.finds(1));
    assert_eq!(one.servers.standing(published), Standing::Gone);
    // What is made under that name afterwards is another session.
    a_while();
    one.put(1);
    let again = one.gather();
    third.receive(&again);
    assert!(third.finds(1) && one.finds(1));
    assert_eq!(third.receive(&removal).known, 1);
    assert!(third.finds(1));
}

#[test]
fn a_removal_is_not_overtaken_by_what_was_still_on_its_way() {
    let fleet = Fleet::new();
    let (mut one, mut other) = (fleet.machine("one"), fleet.machine("other"));
    one.put(1);
    let session = one.gather();
    a_while();
    other.servers.remove(&key(1));
    assert_eq!(other.receive(&session).known, 1);
    assert!(!other.finds(1));
    assert_eq!(other.gather().len(), 1);
}

#[test]
fn without_a_relay_nothing_is_written_for_what_is_not_there() {
    let fleet = Fleet::new();
    let servers = fleet.servers("one");
    servers.remove(&key(1));
    let look = || Look::at(&Which::File(fleet.0.path("one"))).unwrap().report(clock::now());
    assert_eq!(look().written, 0);
    servers.put(&owner("a"), &key(1), b"session", TIMES, false).unwrap();
    let before = look().written;
    servers.remove(&key(1));
    assert_eq!((look().sessions.live, look().relay.is_none()), (0, true));
    assert!(look().written > before);
}

#[test]
fn a_clock_that_was_set_back_does_not_keep_a_removal_from_what_it_ends() {
    let fleet = Fleet::new();
    let (one, mut other) = (fleet.machine("one"), fleet.machine("other"));
    one.put(1);
    let (mut header, mut words) = one.carrier.region.record(0).unwrap();
    // It was made by a clock that is an hour ahead.
    header.stamp += 3_600_000;
    words[..HEADER].copy_from_slice(&header.words());
    let session = [Letter { about: 0, bytes: words.iter().flat_map(|word| word.to_le_bytes()).collect() }];
    let third = fleet.machine("third");
    third.receive(&session);
    other.receive(&session);
    other.servers.remove(&key(1));
    third.receive(&other.gather());
    assert!(!third.carrier.region.has(header.name) && !other.carrier.region.has(header.name));
}

#[test]
fn a_flush_ends_what_was_made_before_it_on_every_machine() {
    let fleet = Fleet::new();
    let (mut one, mut other) = (fleet.machine("one"), fleet.machine("other"));
    one.put(1);
    let early = one.gather();
    let published = other.servers.put(&owner("a"), &key(3), &[3; 99], TIMES, false).unwrap();
    other.receive(&early);
    a_while();
    one.servers.flush(once(scope("a")));
    a_while();
    one.put(2);
    other.put(4);
    let letters = one.gather();
    other.receive(&letters);
    assert!(!other.finds(1) && other.finds(2) && !other.finds(3) && other.finds(4));
    assert_eq!(other.servers.standing(published), Standing::Gone);
    // It is not told again, and what was made before it does not come back.
    assert!(one.gather().is_empty());
    other.receive(&early);
    assert!(!other.finds(1));
    // Everything, by an operator.
    let gone = other.gather().len();
    assert!(gone <= 3);
    a_while();
    flush(&Which::File(fleet.0.path("other")), None).unwrap();
    one.receive(&other.gather());
    assert!(!one.finds(2) && !other.finds(2) && !other.finds(4));
    a_while();
    one.put(5);
    assert!(one.finds(5));
}

#[test]
fn a_flush_of_the_future_ends_nothing_that_is_yet_to_be_made() {
    let fleet = Fleet::new();
    let one = fleet.machine("one");
    for number in 0..=u8::MAX {
        let tags = Tags { owner: [number; 2], name: number, ..Tags::default() };
        for kind in [Kind::Flushed, Kind::FlushedByName] {
            let header = Header { kind, tags, stamp: (1 << 48) - 1, ..ended(0) };
            let bytes = header.words().iter().flat_map(|word| word.to_le_bytes()).collect();
            one.receive(&[Letter { about: 0, bytes }]);
        }
    }
    a_while();
    one.put(1);
    assert!(one.finds(1));
}

fn ended(number: u64) -> Header {
    Header {
        name: Name([number, number]),
        kind: Kind::Ended,
        reach: Reach::Wide,
        tags: Tags::default(),
        origin: 0,
        expiry: i64::MAX,
        stamp: 1,
        nonce: [0; record::NONCE],
        length: 0,
    }
}

#[test]
fn the_next_relay_goes_on_where_the_last_one_ended() {
    let fleet = Fleet::new();
    let mut one = fleet.machine("one");
    (1..=3).for_each(|number| one.put(number));
    assert_eq!(one.gather().len(), 3);
    one.outgoing = Outgoing::new(&one.carrier);
    assert_eq!(one.gather().len(), 3);
    one.outgoing.confirm(&one.carrier);
    one.put(4);
    one.outgoing = Outgoing::new(&one.carrier);
    let letters = one.gather();
    assert_eq!(letters.len(), 1);
    let other = fleet.machine("other");
    other.receive(&letters);
    assert!(other.finds(4));
}

#[test]
fn a_relay_that_was_away_misses_nothing_that_is_still_there() {
    let fleet = Fleet::new();
    let (mut one, other) = (fleet.machine("one"), fleet.machine("other"));
    let put = |machine: &Machine, number: u64| {
        let id: Vec<u8> = number.to_le_bytes().repeat(4);
        let key = SessionKey::new(0x0303, &id).unwrap();
        machine.servers.put(&owner("a"), &key, &[7; 300], TIMES, false).unwrap();
    };
    let has = |machine: &Machine, number: u64| {
        let id: Vec<u8> = number.to_le_bytes().repeat(4);
        let key = SessionKey::new(0x0303, &id).unwrap();
        machine.servers.get(of("a"), &key, clock::now(), false).is_some()
    };
    (0..10).for_each(|number| put(&one, number));
    other.receive(&one.gather());
    one.outgoing.confirm(&one.carrier);
    // More than the outbox holds, and than the ring.
    for many in [3000, 9000] {
        (10..many).for_each(|number| put(&one, number));
        let letters = one.gather();
        other.receive(&letters);
        let missed = (10..many).filter(|number| has(&one, *number) && !has(&other, *number)).count();
        assert_eq!(missed, 0, "{many}");
        assert!((10..many).filter(|number| has(&one, *number)).count() > 1900);
    }
}

#[test]
fn what_was_settled_is_not_searched_again() {
    let fleet = Fleet::new();
    let mut one = fleet.machine("one");
    one.put(1);
    assert_eq!(one.gather().len(), 1);
    let memory = one.carrier.region.memory();
    let written = log::head(memory);
    let until = Instant::now() + Duration::from_secs(10);
    while one.carrier.sent().1 < written {
        assert!(Instant::now() < until, "it never settles");
        assert!(one.outgoing.gather(&one.carrier, 100).is_empty());
        one.outgoing.confirm(&one.carrier);
        std::thread::sleep(Duration::from_millis(20));
    }
    memory.add(word::OUTBOX, 5000);
    one.put(2);
    assert_eq!(one.gather().len(), 1);
}

#[test]
fn a_writer_that_died_is_passed_and_one_that_slept_is_heard() {
    let fleet = Fleet::new();
    let mut one = fleet.machine("one");
    one.put(1);
    let number = one.carrier.region.memory().add(word::OUTBOX, 3);
    one.put(2);
    assert_eq!(one.gather().len(), 1);
    std::thread::sleep(Duration::from_millis(60));
    assert_eq!(one.gather().len(), 1);
    // The next relay would look for them, too.
    one.outgoing.confirm(&one.carrier);
    assert_eq!(one.carrier.sent().0, number);
    let memory = one.carrier.region.memory();
    let filled = memory.load(one.carrier.region.layout().cell(0));
    memory.store_release(one.carrier.region.layout().cell(number + 1), filled);
    assert_eq!(one.gather().len(), 1);
}

#[test]
fn a_stream_is_read_on_from_its_place() {
    let fleet = Fleet::new();
    let one = fleet.machine("one");
    assert_eq!(one.carrier.place(7), None);
    one.carrier.set_place(7, (5, 6));
    one.carrier.set_place(8, (1, 2));
    one.carrier.set_place(7, (9, 0));
    let again = Carrier::open(&fleet.0.path("one"), None).unwrap().unwrap();
    assert_eq!((again.place(7), again.place(8), again.place(9)), (Some((9, 0)), Some((1, 2)), None));
    assert_eq!(again.id(), one.carrier.id());
    assert_ne!(again.id(), fleet.machine("other").carrier.id());
    // Of more than there is room for the latest are remembered.
    (0..100).for_each(|number| one.carrier.set_place(100 + number, (1, 1)));
    assert_eq!(one.carrier.place(199), Some((1, 1)));
}

#[test]
fn a_region_has_one_relay_and_a_relay_knows_its_region() {
    let fleet = Fleet::new();
    let path = fleet.0.path("one");
    assert!(Carrier::open(&path, None).unwrap().is_none());
    let lock = Lock::take(&path).unwrap();
    assert!(lock.is_some() && Lock::take(&path).unwrap().is_none());
    drop(lock);
    assert!(Lock::take(&path).unwrap().is_some());
    let carrier = Carrier::open(&path, Some(BYTES_MIN)).unwrap().unwrap();
    assert!(carrier.is_in_place());
    fs::remove_file(&path).unwrap();
    assert!(!carrier.is_in_place());
    let _another = Carrier::open(&path, Some(BYTES_MIN)).unwrap().unwrap();
    assert!(!carrier.is_in_place());
    fs::write(&path, b"something else").unwrap();
    assert!(Carrier::open(&path, None).is_err());
    assert!(Lock::take(Path::new("/nowhere/region")).is_err());
}

fn received_by(machine: &Machine, bytes: &[u8]) {
    let arrivals = machine.carrier.receive(bytes, From::Another);
    let sum = arrivals.put + arrivals.known + arrivals.expired + arrivals.lost + arrivals.odd;
    assert!(sum <= bytes.len() as u64 / 8 + 1);
    for number in 0..4 {
        let found = machine.servers.get(of("a"), &key(number), clock::now(), false);
        assert!(found.is_none_or(|found| found.der[..] == [number; 99]), "something that was never shared");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whoever writes to the stream can keep sessions away, and end them. He can make none.
    #[test]
    fn whatever_arrives_costs_misses_only(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..20),
        cut in any::<prop::sample::Index>(),
        noise in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let fleet = Fleet::new();
        let (mut one, other) = (fleet.machine("one"), fleet.machine("other"));
        (0..3).for_each(|number| one.put(number));
        one.servers.remove(&key(2));
        let mut bytes: Vec<u8> = one.gather().into_iter().flat_map(|letter| letter.bytes).collect();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        bytes.truncate(cut.index(bytes.len()) + 1);
        received_by(&other, &bytes);
        received_by(&other, &noise);
        other.put(3);
        prop_assert!(other.gather_all_and_find(3));
    }
}

impl Machine {
    /// It still works.
    fn gather_all_and_find(mut self, number: u8) -> bool {
        self.gather();
        self.finds(number)
    }
}

/// It stands behind the flush in the ring, and was made before it.
#[test]
fn a_flush_ends_what_arrives_late_also_where_it_was_made() {
    let fleet = Fleet::new();
    let (one, mut other) = (fleet.machine("one"), fleet.machine("other"));
    other.put(1);
    let late = other.gather();
    a_while();
    one.servers.flush(once(scope("a")));
    a_while();
    one.receive(&late);
    assert!(!one.finds(1));
    other.put(2);
    one.receive(&other.gather());
    assert!(one.finds(2));
}

/// A writer that is between its number and its slot while the index is searched.
#[test]
fn what_is_put_behind_the_back_of_a_search_is_sent_too() {
    let fleet = Fleet::new();
    let mut one = fleet.machine("one");
    one.put(1);
    let (header, words) = one.carrier.region.record(0).unwrap();
    one.servers.remove(&key(1));
    assert!(!one.gather().is_empty());
    one.outgoing.confirm(&one.carrier);
    let layout = *one.carrier.region.layout();
    let position = log::append(one.carrier.region.memory(), &layout, &words).unwrap();
    let number = one.carrier.region.memory().add(word::OUTBOX, 1);
    one.carrier.ask_again();
    one.gather();
    one.outgoing.confirm(&one.carrier);
    let memory = one.carrier.region.memory();
    let round = number / layout.cells + 1;
    memory.store_release(layout.cell(number), round << index::POSITION_BITS | position);
    index::publish(memory, &layout, header.name, position, |_| true).unwrap();
    assert!(one.finds(1));
    assert_eq!(one.gather().len(), 1);
}

#[test]
fn flushes_by_a_clock_that_was_ahead_end_what_was_there_once() {
    let fleet = Fleet::new();
    let (mut one, other) = (fleet.machine("one"), fleet.machine("other"));
    let cell = scope("a").cell();
    other.put(1);
    a_while();
    region::flush(one.carrier.region.memory(), cell, clock::milliseconds() + 3_600_000);
    other.receive(&one.gather());
    assert!(!other.finds(1));
    one.outgoing.confirm(&one.carrier);
    a_while();
    other.put(2);
    a_while();
    // The relay is restarted.
    one.outgoing = Outgoing::new(&one.carrier);
    other.receive(&one.gather());
    assert!(other.finds(2));
    // Another one is told of, though its time is before the first one's.
    one.servers.flush(once(scope("a")));
    other.receive(&one.gather());
    assert!(!other.finds(2));
}

/// The clock here was ahead when a flush came, and has been set right.
#[test]
fn what_is_made_after_a_flush_counts_whatever_the_clock_says() {
    let fleet = Fleet::new();
    let (mut one, other) = (fleet.machine("one"), fleet.machine("other"));
    let number = word::THEIR_FLUSHES + usize::from(scope("a").cell().0);
    one.carrier.region.memory().raise(number, clock::milliseconds() + 3_600_000);
    let published = one.servers.put(&owner("a"), &key(1), &[1; 99], TIMES, false).unwrap();
    assert_eq!(one.servers.standing(published), Standing::Stands);
    assert!(one.finds(1));
    other.receive(&one.gather());
    assert!(other.finds(1));
}

#[test]
fn what_was_to_be_sent_again_the_next_relay_sends() {
    let fleet = Fleet::new();
    let mut one = fleet.machine("one");
    (1..=3).for_each(|number| one.put(number));
    one.gather();
    one.outgoing.confirm(&one.carrier);
    one.carrier.ask_again();
    one.outgoing.gather(&one.carrier, 1);
    one.outgoing = Outgoing::new(&one.carrier);
    assert_eq!(one.gather().len(), 3);
    one.outgoing.confirm(&one.carrier);
    one.outgoing = Outgoing::new(&one.carrier);
    assert!(one.gather().is_empty());
    one.outgoing.repeat_latest(&one.carrier);
    assert_eq!(one.gather().len(), 3);
}

/// The ring has passed the removal, and the stream is read anew.
#[test]
fn our_own_removals_hold_when_they_come_back() {
    let fleet = Fleet::new();
    let (mut one, mut other) = (fleet.machine("one"), fleet.machine("other"));
    one.put(1);
    let session = one.gather();
    other.receive(&session);
    other.put(2);
    other.servers.remove(&key(1));
    let own: Vec<u8> = other.gather().into_iter().flat_map(|letter| letter.bytes).collect();
    for number in 0..9000_u64 {
        let id: Vec<u8> = number.to_le_bytes().repeat(4);
        let key = SessionKey::new(0x0303, &id).unwrap();
        other.servers.put(&owner("a"), &key, &[7; 300], TIMES, false).unwrap();
    }
    other.receive(&session);
    assert!(other.finds(1), "the ring has not come round");
    assert_eq!(other.carrier.receive(&own, From::Ourselves), Arrivals { put: 1, ..Arrivals::default() });
    assert!(!other.finds(1));
}

/// Nor does it hide what the other machine has made since, when the clock has been set right.
#[test]
fn a_flush_by_a_clock_that_was_ahead_hides_nothing_that_arrives_later() {
    let fleet = Fleet::new();
    let (mut one, mut other) = (fleet.machine("one"), fleet.machine("other"));
    region::flush(one.carrier.region.memory(), scope("a").cell(), clock::milliseconds() + 3_600_000);
    one.gather();
    one.outgoing.confirm(&one.carrier);
    a_while();
    other.put(1);
    one.receive(&other.gather());
    assert!(one.finds(1));
    assert!(one.gather().is_empty());
    // What is asked for once more is told as of its time.
    one.outgoing.repeat_latest(&one.carrier);
    let letters = one.gather();
    assert_eq!(letters.len(), 1);
    other.receive(&letters);
    assert!(other.finds(1));
}

#[test]
fn a_second_wish_for_everything_is_not_taken_for_the_first() {
    let fleet = Fleet::new();
    let mut one = fleet.machine("one");
    (1..=3).for_each(|number| one.put(number));
    one.carrier.ask_again();
    one.outgoing.gather(&one.carrier, 1);
    one.carrier.ask_again();
    one.gather();
    one.outgoing.confirm(&one.carrier);
    assert!(one.carrier.asks_again().is_some());
    one.outgoing = Outgoing::new(&one.carrier);
    assert_eq!(one.gather().len(), 3);
    one.outgoing.confirm(&one.carrier);
    assert!(one.carrier.asks_again().is_none());
}
