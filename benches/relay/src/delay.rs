//! How long a new session takes to the other region, at 2000 a second.

use std::time::{Duration, Instant};

use crate::place::{Place, SESSION, id, percentiles, wait};
use crate::{Line, Tools};

const A_SECOND: u32 = 2000;

pub fn measure(tools: &Tools) -> Vec<Line> {
    let many = u64::from(A_SECOND) * if tools.is_quick { 3 } else { 30 };
    let place = Place::new(tools);
    let one = place.region("one", "64M");
    let other = place.region("other", "64M");
    let (_relay, _other_relay) = (place.relay(tools, "one"), place.relay(tools, "other"));
    assert!(one.put(&id(u64::MAX), &[7; SESSION], 3600, false));
    wait(|| other.get(&id(u64::MAX), false).is_some());
    let began = Instant::now();
    let due = |number: u64| began + Duration::from_secs(1) / A_SECOND * u32::try_from(number).unwrap_or(0);
    let mut delays = Vec::new();
    std::thread::scope(|scope| {
        let made = scope.spawn(|| {
            let make = |number: u64| {
                std::thread::sleep(due(number).saturating_duration_since(Instant::now()));
                assert!(one.put(&id(number), &[7; SESSION], 3600, false));
                Instant::now()
            };
            (0..many).map(make).collect::<Vec<_>>()
        });
        // In the order in which they are made, so that each look is at the one that is due.
        let mut seen = Vec::new();
        for number in 0..many {
            while other.get(&id(number), false).is_none() {
                std::thread::sleep(Duration::from_micros(100));
            }
            seen.push(Instant::now());
        }
        let made = made.join().expect("the maker");
        delays.extend(made.iter().zip(&seen).map(|(made, seen)| {
            seen.saturating_duration_since(*made).as_secs_f64() * 1000.0
        }));
    });
    let (median, p99) = percentiles(delays);
    vec![Line::new(
        &format!("milliseconds until the other region has a session, at {A_SECOND} new ones a second: median, p99"),
        format!("{median:.1}, {p99:.1}"),
        Some(("p99 ≤ 20", p99 <= 20.0)),
    )]
}
