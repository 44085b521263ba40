//! What an operator sees of a region, and ends in it.

use std::fs;
use std::path::PathBuf;

use super::super::{AGES, Counter, HostTier, Look, Times, Which, flush, tally};
use super::files::Folder;
use super::samples::{NOW, TIMES, key, of, owner};
use crate::base::settings::{Place, Shared};

const BYTES: u64 = 1 << 20;

fn region(folder: &Folder) -> (HostTier, Which) {
    named(folder, "")
}

fn named(folder: &Folder, name: &str) -> (HostTier, Which) {
    let path = folder.path("region");
    let place = Place::File { path: path.clone(), bytes: BYTES };
    let settings = Shared { scope: name.to_owned(), ..Shared::at(place) };
    (HostTier::open(&settings, NOW).unwrap(), Which::File(path))
}

fn finds(tier: &HostTier, number: u8) -> bool {
    tier.get(of("a"), &key(number), NOW, false).is_some()
}

#[test]
fn sessions_are_counted_by_what_they_are() {
    let folder = Folder::new();
    let (tier, which) = region(&folder);
    let empty = Look::at(&which).unwrap().report(NOW);
    assert_eq!((empty.bytes, empty.made, empty.written, empty.sessions.live), (BYTES, NOW, 0, 0));
    for number in 0..5 {
        let times = Times { origin: NOW - 30 * i64::from(number), expiry: NOW + 300 };
        tier.put(&owner("a"), &key(number), b"session", times, number == 4).unwrap();
    }
    tier.put(&owner("a"), &key(5), b"session", Times { origin: NOW - 9, expiry: NOW - 1 }, false).unwrap();
    let report = Look::at(&which).unwrap().report(NOW);
    let sessions = &report.sessions;
    assert_eq!((sessions.live, sessions.expired, sessions.single_use), (5, 1, 1));
    assert_eq!((sessions.bytes, report.written), (report.written, sessions.bytes));
    // Those of 60, 90 and 120 seconds are no longer below a minute.
    assert_eq!((AGES[0], sessions.ages[0], sessions.ages[1], sessions.oldest), (60, 2, 3, 120));
    assert_eq!(sessions.keys.len(), 1);
    assert_eq!(sessions.keys[0].1, 5);
    tier.remove(&key(0));
    assert_eq!(Look::at(&which).unwrap().report(NOW).sessions.live, 4);
}

#[test]
fn counts_are_told_by_process_and_in_all() {
    let folder = Folder::new();
    let (one, which) = region(&folder);
    let (other, _) = region(&folder);
    one.put(&owner("a"), &key(1), b"session", TIMES, false).unwrap();
    assert!(finds(&other, 1) && !finds(&other, 2));
    let report = Look::at(&which).unwrap().report(NOW);
    let counted = |counter| report.counted(counter);
    assert_eq!((counted(Counter::Published), counted(Counter::Hit), counted(Counter::Unknown)), (1, 1, 1));
    let each: Vec<_> = report.processes.iter().map(|process| process.counted(Counter::Hit)).collect();
    assert_eq!(each, [0, 1]);
}

#[test]
fn an_operator_ends_all_sessions_or_those_of_a_name() {
    let folder = Folder::new();
    let (tier, which) = named(&folder, "shop");
    let put = || {
        for number in 0..3 {
            tier.put(&owner("a"), &key(number), b"session", TIMES, false).unwrap();
        }
    };
    put();
    flush(&which, Some("blog")).unwrap();
    assert!((0..3).all(|number| finds(&tier, number)));
    flush(&which, Some("shop")).unwrap();
    assert!((0..3).all(|number| !finds(&tier, number)));
    assert_eq!(tier.counted(Counter::Flushed), 3);
    assert_eq!(Look::at(&which).unwrap().report(NOW).sessions.live, 0);
    put();
    assert!(finds(&tier, 0), "what comes later stays");
    flush(&which, None).unwrap();
    assert!((0..3).all(|number| !finds(&tier, number)));
    assert_eq!(tier.counted(Counter::Flush), 3);
}

#[test]
fn the_region_of_a_process_is_found_without_a_name() {
    let anonymous = HostTier::open(&Shared::at(Place::Anonymous { bytes: BYTES + 8192 }), NOW).unwrap();
    anonymous.put(&owner("a"), &key(1), b"session", TIMES, false).unwrap();
    // Other tests of this process have regions, too: any of them will do.
    match Look::at(&Which::OfProcess(std::process::id())) {
        Ok(look) => assert!(look.report(NOW).bytes >= BYTES),
        Err(error) => assert!(!rustix::process::geteuid().is_root(), "{error}"),
    }
    let error = Look::at(&Which::OfProcess(u32::MAX / 2)).err().unwrap();
    assert!(error.contains("its mappings cannot be read"), "{error}");
}

#[test]
fn what_is_no_region_is_refused() {
    let folder = Folder::new();
    let (_, which) = region(&folder);
    let Which::File(path) = which else { panic!("a file") };
    let whole = fs::read(&path).unwrap();
    let other = folder.path("other");
    let mut newer = whole.clone();
    newer[8] = 99;
    let mut damaged = whole.clone();
    damaged[16] ^= 1;
    for (bytes, wanted) in [
        (&b""[..], "is not a region"),
        (b"text", "is not a region"),
        (&whole[..4096], "is not a region"),
        (&vec![0; whole.len()][..], "is not a region"),
        (&newer[..], "of a later release"),
        (&damaged[..], "damaged"),
    ] {
        fs::write(&other, bytes).unwrap();
        let error = Look::at(&Which::File(other.clone())).err().unwrap();
        assert!(error.contains(wanted), "{error}");
        assert!(flush(&Which::File(other.clone()), None).is_err());
    }
    for path in [folder.path("missing"), PathBuf::from("/"), PathBuf::from("/dev/null")] {
        assert!(Look::at(&Which::File(path)).is_err());
    }
}

#[test]
fn a_region_of_random_bytes_can_be_looked_at() {
    let folder = Folder::new();
    let (_, which) = region(&folder);
    let Which::File(path) = &which else { panic!("a file") };
    let mut bytes = fs::read(path).unwrap();
    let mut state = 7_u64;
    // All but what the header says of the region's size, and its flushes.
    let (head, rest) = bytes.split_at_mut(8 * 1792);
    for byte in head[64..2048].iter_mut().chain(rest) {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        *byte = (state >> 33) as u8;
    }
    fs::write(path, bytes).unwrap();
    let report = Look::at(&which).unwrap().report(NOW);
    assert!(report.processes.len() <= super::super::layout::PROCESSES);
    assert!(report.sessions.keys.len() <= 64);
    flush(&which, None).unwrap();
    let _ = tally::processes(&super::super::memory::Heap::new(8));
}
