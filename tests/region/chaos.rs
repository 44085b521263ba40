//! Processes that are killed and stopped at any instruction, and others that must not notice.

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
