//! How many hosts and sessions relays and their server can bear: a model, and a simulation that checks it. Run by
//! `make bench-fleet`; `docs/fleet.md` has what it prints.
//!
//!     fleet-bench             the table, and the check; ends with 1 if the two differ by more than a tenth
//!     fleet-bench HOSTS SESSIONS_A_SECOND LIFETIME [STREAMS [NODES [ROUND_TRIP_MS]]]      the model for a fleet of one's own

mod measured;
mod model;
mod random;
mod report;
mod simulation;

use std::process::ExitCode;

use model::Fleet;

fn main() -> ExitCode {
    let arguments: Vec<f64> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    match arguments[..] {
        [] => check(),
        [hosts, sessions, lifetime, ref rest @ ..] => {
            let or = |at: usize, default: f64| rest.get(at).copied().unwrap_or(default);
            let fleet = fleet(hosts as u64, sessions, or(0, 1.0) as u64, or(1, 1.0) as u64, or(2, 1.0));
            report::needs(&[(fleet, lifetime)]);
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!(
                "usage: fleet-bench [HOSTS SESSIONS_A_SECOND LIFETIME [STREAMS [NODES [ROUND_TRIP_MS]]]]"
            );
            ExitCode::from(2)
        }
    }
}

fn fleet(hosts: u64, sessions: f64, streams: u64, nodes: u64, milliseconds: f64) -> Fleet {
    Fleet { hosts, sessions, streams, nodes, round_trip: milliseconds / 1000.0 }
}

fn check() -> ExitCode {
    const HOUR: f64 = 3600.0;
    let fleets = [
        fleet(2, 100.0, 1, 1, 1.0),
        fleet(10, 1_000.0, 1, 1, 1.0),
        fleet(10, 20_000.0, 1, 1, 1.0),
        fleet(20, 20_000.0, 1, 1, 1.0),
        fleet(50, 10_000.0, 1, 1, 1.0),
        fleet(100, 10_000.0, 4, 4, 1.0),
        fleet(100, 100_000.0, 8, 8, 1.0),
        fleet(1_000, 10_000.0, 32, 32, 1.0),
        fleet(1_000, 100_000.0, 32, 32, 1.0),
        fleet(1_000, 1_000_000.0, 32, 32, 1.0),
        fleet(4, 4_000.0, 1, 1, 100.0),
        fleet(4, 40_000.0, 2, 1, 100.0),
        fleet(4, 100_000.0, 4, 1, 100.0),
    ];
    report::needs(&fleets.map(|fleet| (fleet, HOUR)));
    println!();
    if report::check(&fleets) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
