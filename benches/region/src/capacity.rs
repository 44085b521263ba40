//! How many real sessions a region keeps: it is filled over and over, then the newest are looked for.

use crate::stores::{self, Id};
use crate::workers::mixed;

/// `sessions` are named files of one DER each.
pub fn run(bytes: &str, sessions: &[&str]) -> Result<(), String> {
    let bytes: u64 = bytes.parse().map_err(|_| format!("{bytes} is no number of bytes"))?;
    for session in sessions {
        let (name, file) = session.split_once('=').ok_or("a session is given as NAME=FILE")?;
        let der = std::fs::read(file).map_err(|error| format!("{file}: {error}"))?;
        let (newest, all) = count(bytes, &der)?;
        println!("capacity\t{name}\t{}\t{bytes}\t{newest}\t{all}", der.len());
    }
    Ok(())
}

/// How many of the newest are found before the first one that is not, and how many of all.
fn count(bytes: u64, der: &[u8]) -> Result<(u64, u64), String> {
    let region = stores::region(bytes)?;
    // Three times what could be in it.
    let put = 3 * bytes / der.len().max(1) as u64;
    for number in 0..put {
        if !region.put(&id(number), der, 3600, false) {
            return Err(format!("session {number} could not be put"));
        }
    }
    let is_there = |number: &u64| region.get(&id(*number), false).is_some_and(|found| found == der);
    let newest = (0..put).rev().take_while(is_there).count() as u64;
    let all = (0..put).filter(is_there).count() as u64;
    Ok((newest, all))
}

fn id(number: u64) -> Id {
    let mut state = number;
    let mut id = [0; 32];
    id.as_chunks_mut().0.iter_mut().for_each(|bytes| *bytes = mixed(&mut state).to_le_bytes());
    id
}
