//! As many records a second as go from region to region.

use std::time::Instant;

use crate::place::{Place, SESSION, id, percentiles, wait};
use crate::{Line, Tools};

pub fn measure(tools: &Tools) -> Vec<Line> {
    let (many, rounds) = if tools.is_quick { (100_000, 1) } else { (1_000_000, 5) };
    let mut live = Vec::new();
    let mut warm = Vec::new();
    let mut memory = 0;
    for _ in 0..rounds {
        let place = Place::new(tools);
        let one = place.region("one", "1G");
        let _other = place.region("other", "1G");
        let (_relay, _other_relay) = (place.relay(tools, "one"), place.relay(tools, "other"));
        assert!(one.put(&id(u64::MAX), &[7; SESSION], 3600, false));
        wait(|| place.relay_of("other").received == 1);
        let before = place.memory();
        let began = Instant::now();
        for number in 0..many {
            assert!(one.put(&id(number), &[7; SESSION], 3600, false));
        }
        wait(|| place.relay_of("other").received > many);
        live.push(many as f64 / began.elapsed().as_secs_f64());
        memory = (place.memory() - before) / many;
        let _late = place.region("late", "1G");
        let began = Instant::now();
        let _late_relay = place.relay(tools, "late");
        wait(|| place.relay_of("late").received > many);
        warm.push(many as f64 / began.elapsed().as_secs_f64());
        let found = (0..many).step_by(97).filter(|number| one.get(&id(*number), false).is_some()).count() as u64;
        assert!(found >= many / 97, "the region is too small for the measurement");
    }
    let live = percentiles(live).0;
    let warm = percentiles(warm).0;
    vec![
        Line::new(
            &format!("records a second from region to region, of {many} that are made at once, median of {rounds}"),
            format!("{live:.0}"),
            Some(("≥ 50 000", live >= 50_000.0)),
        ),
        Line::new("records a second into an empty region, from the stream", format!("{warm:.0}"), None),
        Line::new(
            &format!("bytes of the server's memory for a record with a session of {SESSION} bytes"),
            format!("{memory}"),
            None,
        ),
    ]
}
