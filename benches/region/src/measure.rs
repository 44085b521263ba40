//! Puts, gets and takes, in stores of many sizes, which take turns in each round.

use crate::stores::{Backend, Kind};
use crate::workers::{Outcome, Work, Workers};

/// One case may not take for ever.
const LONGEST: u32 = 1800;

pub fn run(rounds: &str, sizes: &str, store_sizes: &str) -> Result<(), String> {
    let rounds: usize = rounds.parse().map_err(|_| format!("{rounds} is no number of rounds"))?;
    let (sizes, store_sizes) = (list(sizes)?, list(store_sizes)?);
    // One that is gone shows in a write that fails.
    // SAFETY: before there is any other thread or handler.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
    for sessions in sizes {
        let kinds =
            Kind::ALL.into_iter().filter(|kind| *kind == Kind::Region || store_sizes.contains(&sessions));
        let kinds: Vec<Kind> = kinds.collect();
        for processes in [1, 2] {
            // SAFETY: only sets a time limit on this program.
            unsafe { libc::alarm(LONGEST) };
            case(&kinds, processes, sessions, rounds)?;
        }
    }
    Ok(())
}

fn list(text: &str) -> Result<Vec<u64>, String> {
    let number = |text: &str| text.parse().ok().filter(|size| *size >= 1000);
    let sizes =
        text.split(',').map(|part| number(part).ok_or_else(|| format!("{part} is no number of sessions")));
    sizes.collect()
}

fn case(kinds: &[Kind], processes: usize, sessions: u64, rounds: usize) -> Result<(), String> {
    eprintln!("region-bench: {sessions} sessions, {processes} processes");
    let mut stores = Vec::new();
    for kind in kinds {
        let backend = Backend::start(*kind, sessions)?;
        let mut workers = Workers::start(&backend, processes);
        fill(&mut workers, sessions / processes as u64)?;
        // In this order: the processes end before what they use does.
        stores.push((*kind, workers, backend));
    }
    // With a tenth more sessions than were put the region has not yet come round.
    let each = (sessions / processes as u64 / 10).min(20_000);
    for round in 0..=rounds {
        for (kind, workers, _) in &mut stores {
            for work in Work::TIMED {
                let outcome = workers.run(work, each)?;
                if round > 0 {
                    print(*kind, processes, sessions, work, round, &outcome);
                }
            }
        }
    }
    Ok(())
}

/// Little by little, so that the processes keep step: the region's oldest sessions are then the oldest of each.
fn fill(workers: &mut Workers, each: u64) -> Result<(), String> {
    const STEPS: u64 = 100;
    for step in 0..STEPS {
        workers.run(Work::Fill, each * (step + 1) / STEPS - each * step / STEPS)?;
    }
    Ok(())
}

fn print(kind: Kind, processes: usize, sessions: u64, work: Work, round: usize, outcome: &Outcome) {
    let (kind, work) = (kind.name(), work.name());
    let Outcome { rate, median, p99 } = outcome;
    println!("store\t{kind}\t{processes}\t{sessions}\t{work}\t{round}\t{rate:.0}\t{median}\t{p99}");
}
