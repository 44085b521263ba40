//! Single use: of all who take a session at once one gets it.

use std::fs;

use crate::process::Child;
use crate::{Folder, anonymous, content, id, number};

const TAKERS: u32 = 4;
/// As many as the region holds at once with room to spare.
const BATCH: u32 = 20_000;

pub(crate) fn one_of_those_who_race_takes_it() {
    let races = number("SESSCACHE_RACES", 40_000);
    let folder = Folder::new("races");
    let region = anonymous("32M");
    for first in (0..races).step_by(BATCH as usize) {
        let batch = first..races.min(first + BATCH);
        for which in batch.clone() {
            // Half of them are for single use by themselves, half are taken on purpose.
            assert!(region.put(&id(which), &content(which), 300, which % 2 == 0));
        }
        let takers: Vec<Child> = (0..TAKERS)
            .map(|taker| {
                let (region, batch, list) = (&region, batch.clone(), folder.path.join(taker.to_string()));
                Child::start(move || {
                    let won = batch.filter(|which| match region.get(&id(*which), which % 2 != 0) {
                        Some(found) => {
                            assert_eq!(found, content(*which));
                            true
                        }
                        None => false,
                    });
                    let won: Vec<u8> = won.flat_map(u32::to_le_bytes).collect();
                    fs::write(list, won).unwrap();
                })
            })
            .collect();
        takers.into_iter().for_each(Child::finish);
        let mut winners = vec![0_u32; batch.len()];
        let mut won_by_all = 0;
        for taker in 0..TAKERS {
            let won = fs::read(folder.path.join(taker.to_string())).unwrap();
            won_by_all += u32::from(!won.is_empty());
            for bytes in won.as_chunks::<4>().0 {
                winners[(u32::from_le_bytes(*bytes) - first) as usize] += 1;
            }
        }
        assert!(winners.iter().all(|winners| *winners == 1), "a session was taken twice, or by nobody");
        assert!(won_by_all > 1 || batch.len() < 1000, "they did not race");
    }
    println!("  {races} sessions, {TAKERS} takers each: one winner each");
}
