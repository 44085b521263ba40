//! Measures the host tier's region, and what else processes could share sessions through. Run by `scripts/bench-shared.sh`.
//!
//!     region-bench measure ROUNDS SIZES STORE_SIZES      samples of put, get and take; sizes are lists like 10000,100000
//!     region-bench capacity BYTES NAME=FILE...           how many of these sessions a region of that size keeps
//!     region-bench report MACHINE SAMPLES PAGE PLOT      the page, and its picture
//!
//! Samples are lines on the standard output, fields separated by tabs, the first one their kind.

mod capacity;
mod measure;
mod plot;
mod report;
mod samples;
mod servers;
mod stores;
mod workers;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["measure", rounds, sizes, store_sizes] => measure::run(rounds, sizes, store_sizes),
        ["capacity", bytes, sessions @ ..] => capacity::run(bytes, sessions),
        ["report", machine, samples, page, plot] => report::run(machine, samples, page, plot),
        _ => Err("usage: region-bench measure|capacity|report ..., see src/main.rs".to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(what) => {
            eprintln!("region-bench: {what}");
            ExitCode::FAILURE
        }
    }
}
