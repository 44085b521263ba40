//! How fast records travel: not a test of time, but that nothing is lost at speed. Figures go to standard error.

use std::time::{Duration, Instant};

use super::{Fleet, eventually, is_long};

/// So many that they cannot all be under way at once.
#[test]
fn a_flood_arrives_whole() {
    let many: u64 = if is_long() { 1_000_000 } else { 50_000 };
    let size = if is_long() { "768M" } else { "48M" };
    let fleet = Fleet::new();
    let (one, other) = (fleet.machine_of("one", size), fleet.machine_of("other", size));
    one.put(u64::MAX);
    other.will_have(u64::MAX);
    let before = fleet.redis.info("memory", "used_memory");
    let began = Instant::now();
    (0..many).for_each(|number| one.put(number));
    let made = began.elapsed();
    eventually("the last one arrives", || {
        std::thread::sleep(Duration::from_millis(20));
        other.told().received > many
    });
    let arrived = began.elapsed();
    assert_eq!(other.count(0..many), many as usize);
    let memory = fleet.redis.info("memory", "used_memory") - before;
    eprintln!(
        "{many} records: made in {made:?}, there after {arrived:?}, {:.0} a second, {} bytes of memory each",
        many as f64 / arrived.as_secs_f64(),
        memory / many
    );
}
