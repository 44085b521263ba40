//! Tables.

use crate::model::Fleet;
use crate::{measured as known, simulation};

/// What counts as the same.
const TOLERANCE: f64 = 0.1;

/// Beyond this load of the servers the delay depends on how they queue. If even full answers make so much, they fall behind at times.
const BUSY: f64 = 0.9;

/// What each fleet needs, by the model, for sessions that live so many seconds.
pub(crate) fn needs(fleets: &[(Fleet, f64)]) {
    println!(
        "| hosts | sessions/s | round trip | streams | servers | entries/s | into the servers | out of them | memory of theirs | \
         each host reads | region of each | servers needed | streams needed | with those given |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    for (fleet, lifetime) in fleets {
        let wanted = fleet.wanted();
        let nodes = fleet.nodes_needed().map_or("over 10 000".to_owned(), |nodes| nodes.to_string());
        let streams = fleet.streams_needed().map_or("over 32".to_owned(), |streams| streams.to_string());
        println!(
            "| {} | {} | {:.0} ms | {} | {} | {} | {}B/s | {}B/s | {}B | {}B/s | {}B | {nodes} | {streams} | {} |",
            fleet.hosts,
            short(fleet.sessions),
            fleet.round_trip * 1e3,
            fleet.streams,
            fleet.nodes,
            short(wanted.entries),
            spaced(wanted.server_in),
            spaced(wanted.server_out),
            spaced(wanted.memory * lifetime),
            spaced(wanted.host_in),
            spaced(wanted.ring * lifetime / known::RING_SHARE),
            outcome(fleet),
        );
    }
}

/// How soon sessions are on other hosts, or how many of them get there.
fn outcome(fleet: &Fleet) -> String {
    let sent = fleet.figures().sent / fleet.sessions;
    match fleet.figures().delay {
        Some(_) if fleet.strain() > BUSY => "servers at their limit".to_owned(),
        Some(delay) if fleet.utilisation() <= BUSY => format!("{:.1} ms", delay * 1e3),
        Some(delay) => format!("about {:.0} ms", delay * 1e3),
        None => format!("{:.2} % arrive", fleet.share() * sent * 100.0),
    }
}

/// Simulates each, and says whether model and simulation agree.
pub(crate) fn check(fleets: &[Fleet]) -> bool {
    println!("| hosts | sessions/s | round trip | figure | model | simulated | ratio |");
    println!("|---|---|---|---|---|---|---|");
    let mut agree = true;
    for fleet in fleets {
        let model = fleet.figures();
        let (simulated, kept) = simulation::run(*fleet);
        let mut rows = vec![
            ("records sent a second", model.sent, simulated.sent),
            ("entries a second", model.entries, simulated.entries),
            ("bytes a second into the servers", model.server_in, simulated.server_in),
            ("out of the servers", model.server_out, simulated.server_out),
            ("into each host", model.host_in, simulated.host_in),
            ("out of each host", model.host_out, simulated.host_out),
            ("bytes of memory for each second", model.memory, simulated.memory),
            ("bytes of ring for each second", model.ring, simulated.ring),
        ];
        if fleet.keeps_up() && fleet.strain() <= BUSY {
            rows.push(("lifetimes that such a ring holds", 1.0, kept));
        }
        if let Some((model, simulated)) = model.delay.zip(simulated.delay)
            && fleet.utilisation() <= BUSY
        {
            rows.push(("delay in milliseconds", model * 1e3, simulated * 1e3));
        }
        for (name, model, simulated) in rows {
            let ratio = simulated / model;
            let is_close = (ratio - 1.0).abs() <= TOLERANCE;
            agree &= is_close;
            let remark = if is_close { "" } else { " (differs)" };
            let (hosts, sessions) = (fleet.hosts, short(fleet.sessions));
            let (model, simulated) = (short(model), short(simulated));
            let trip = fleet.round_trip * 1e3;
            println!(
                "| {hosts} | {sessions} | {trip:.0} ms | {name} | {model} | {simulated} | {ratio:.3}{remark} |"
            );
        }
    }
    agree
}

/// The same, before a unit.
fn spaced(number: f64) -> String {
    let text = short(number);
    if text.contains(' ') { text } else { text + " " }
}

/// A number with three digits.
fn short(number: f64) -> String {
    let (scaled, unit) = match number {
        number if number >= 1e12 => (number / 1e12, " T"),
        number if number >= 1e9 => (number / 1e9, " G"),
        number if number >= 1e6 => (number / 1e6, " M"),
        number if number >= 1e3 => (number / 1e3, " k"),
        number => (number, ""),
    };
    let digits = if scaled >= 99.95 {
        0
    } else if scaled >= 9.995 {
        1
    } else {
        2
    };
    let text = format!("{scaled:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{unit}")
}
