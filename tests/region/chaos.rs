//! Processes that are killed and stopped at any instruction, and others that must not notice.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use sesscache::tools::Region;

use crate::process::Child;
use crate::{Dice, Folder, content, id, number};

/// So many different ids, in a region that holds fewer: the ring comes round all the time.
const IDS: u32 = 8000;

/// One operation at random. Whatever is found is what was put there.
fn operate(region: &Region, dice: &mut Dice) {
    let which = dice.throw(IDS);
    match dice.throw(10) {
        0..4 => {
            region.put(&id(which), &content(which), 300, which % 2 == 0);
        }
        4..8 => check(which, region.get(&id(which), false)),
        8 => check(which, region.get(&id(which), true)),
        _ => region.remove(&id(which)),
    }
}

fn check(which: u32, found: Option<Vec<u8>>) {
    assert!(found.is_none_or(|found| found == content(which)), "another session was found");
}

fn endless(region: &Region, seed: u32) {
    let mut dice = Dice(u64::from(seed));
    loop {
        operate(region, &mut dice);
    }
}

/// No operation takes longer than a busy machine explains.
fn for_a_while(region: &Region, dice: &mut Dice, operations: u32) {
    for _ in 0..operations {
        let begun = Instant::now();
        operate(region, dice);
        assert!(begun.elapsed() < Duration::from_secs(20), "an operation was blocked");
    }
}

pub(crate) fn killed_at_random() {
    let kills = number("SESSCACHE_KILLS", 400);
    let folder = Folder::new("kills");
    let region = folder.region("1M").unwrap();
    let survivor = Child::start(|| for_a_while(&region, &mut Dice(99), 20 * kills));
    let mut dice = Dice(u64::from(kills));
    let mut victims: Vec<Child> = (0..3).map(|seed| Child::start(|| endless(&region, seed))).collect();
    for kill in 0..kills {
        std::thread::sleep(Duration::from_micros(u64::from(dice.throw(1500))));
        let victim = victims.swap_remove(dice.throw(3) as usize);
        victim.signal(libc::SIGKILL);
        victim.reap();
        victims.push(Child::start(|| endless(&region, 1000 + kill)));
        for_a_while(&region, &mut dice, 10);
    }
    victims.into_iter().for_each(|victim| {
        victim.signal(libc::SIGKILL);
        victim.reap();
    });
    survivor.finish();
    is_sane(&region);
}

/// One that sleeps between reserving and writing spoils what was written there since. That does not open, and the rest does.
pub(crate) fn stopped_while_the_ring_comes_round() {
    let stops = number("SESSCACHE_KILLS", 400) / 10;
    let folder = Folder::new("stops");
    let region = folder.region("1M").unwrap();
    let sleepers: Vec<Child> = (0..3).map(|seed| Child::start(|| endless(&region, seed))).collect();
    let mut dice = Dice(u64::from(stops));
    for _ in 0..stops {
        std::thread::sleep(Duration::from_micros(u64::from(dice.throw(500))));
        sleepers.iter().for_each(|sleeper| sleeper.signal(libc::SIGSTOP));
        // Some 300 bytes each, so a MiB and more of them.
        for which in 0..4000 {
            region.put(&id(which), &content(which), 300, false);
        }
        sleepers.iter().for_each(|sleeper| sleeper.signal(libc::SIGCONT));
        for_a_while(&region, &mut dice, 100);
    }
    sleepers.into_iter().for_each(|sleeper| {
        sleeper.signal(libc::SIGKILL);
        sleeper.reap();
    });
    is_sane(&region);
}

/// What was found was published, nothing has run over, and the region works as on its first day.
/// What chance brings about once in a very long time: a writer sleeps between reserving its place and writing there, and the ring comes
/// round meanwhile. Played through the file, by who does what such a process would: newer records are spoiled, which are misses.
pub(crate) fn a_writer_that_slept() {
    // As `shared/layout.rs` has them, for a region of a MiB.
    const HEAD: u64 = 16 * 8;
    const RING: u64 = 40960 + 1024 * 64;
    const UNITS: u64 = ((1 << 20) - RING) / 16;
    const RESERVED: u64 = 40;
    let folder = Folder::new("slept");
    let region = folder.region("1M").unwrap();
    let file = OpenOptions::new().read(true).write(true).open(folder.path.join("region")).unwrap();
    let head = || {
        let mut word = [0; 8];
        file.read_exact_at(&mut word, HEAD).unwrap();
        u64::from_le_bytes(word)
    };
    (0..100).for_each(|number| assert!(region.put(&id(number), &content(number), 300, false)));
    let reserved = head();
    file.write_all_at(&(reserved + RESERVED).to_le_bytes(), HEAD).unwrap();
    let mut last = 100;
    while head() < reserved + UNITS + 2 * RESERVED {
        assert!(region.put(&id(last), &content(last), 300, false));
        last += 1;
    }
    let whole = |number: u32| {
        region.get(&id(number), false).map(|found| assert_eq!(found, content(number))).is_some()
    };
    let before = (0..last).filter(|number| whole(*number)).count();
    // It wakes, and writes what it had in mind: a record of another session, whole and well sealed.
    let mut record = vec![0; RESERVED as usize * 16];
    file.read_exact_at(&mut record, RING + (head() - 3 * RESERVED) % UNITS * 16).unwrap();
    file.write_all_at(&record, RING + reserved % UNITS * 16).unwrap();
    let after = (0..last).filter(|number| whole(*number)).count();
    assert!(before - after >= 1 && before - after <= RESERVED as usize, "{before} sessions, then {after}");
    println!("  {} of {before} sessions were spoiled, the others are whole", before - after);
    is_sane(&region);
}

fn is_sane(region: &Region) {
    let counters = region.counters();
    let count =
        |name: &str| counters.iter().find(|(other, _)| *other == name).map(|(_, count)| *count).unwrap();
    assert!(counters.iter().all(|(_, count)| *count < u64::MAX / 2), "{counters:?}");
    assert!(count("published") > 1000 && count("hits") > 100 && count("overwritten") > 0, "{counters:?}");
    assert!(count("taken") <= count("hits"), "{counters:?}");
    let wrong = count("unopened");
    assert!(wrong <= count("published") / 100, "{counters:?}");
    for which in 0..1000 {
        assert!(region.put(&id(which), &content(which), 300, false));
        assert_eq!(region.get(&id(which), false), Some(content(which)));
    }
    println!("  {counters:?}");
}
