//! The region between real processes, which are killed, stopped and raced.
//!
//! A short form by default; `SESSCACHE_KILLS`, `SESSCACHE_RACES` and `SESSCACHE_STORM` say how many for a long one
//! (`make check-region`). One thread only: this program forks.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::manual_is_multiple_of,
    reason = "tests"
)]

mod chaos;
mod process;
mod races;
mod refusals;
mod storms;

use std::path::PathBuf;
use std::time::Instant;

use sesscache::tools::Region;

fn main() {
    type Check = fn();
    let checks: [(&str, Check); 11] = [
        ("killed_at_random", chaos::killed_at_random),
        ("stopped_while_the_ring_comes_round", chaos::stopped_while_the_ring_comes_round),
        ("a_writer_that_slept", chaos::a_writer_that_slept),
        ("one_of_those_who_race_takes_it", races::one_of_those_who_race_takes_it),
        ("processes_that_attach_at_once_share_one", storms::processes_that_attach_at_once_share_one),
        ("a_storm_of_forks", storms::a_storm_of_forks),
        ("little_address_space", storms::little_address_space),
        ("no_file_as_large_as_that_may_be_made", refusals::no_file_as_large_as_that_may_be_made),
        ("the_disk_is_full", refusals::the_disk_is_full),
        ("another_users_and_read_only_files", refusals::another_users_and_read_only_files),
        ("privileges_dropped_and_descriptors_closed", storms::privileges_dropped_and_descriptors_closed),
    ];
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let mut run = 0;
    for (name, check) in checks {
        if !wanted.is_empty() && !wanted.iter().any(|part| name.contains(part.as_str())) {
            continue;
        }
        let begun = Instant::now();
        check();
        println!("test {name} ... ok ({:.1} s)", begun.elapsed().as_secs_f64());
        run += 1;
    }
    println!(
        "\ntest result: ok. {run} passed; 0 failed; 0 ignored; 0 measured; {} filtered out",
        checks.len() - run
    );
    assert!(run > 0, "no check has such a name");
}

/// How many, by an environment variable.
fn number(variable: &str, usual: u32) -> u32 {
    std::env::var(variable).map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{variable}={text}")))
}

/// A folder of tmpfs, removed in the end by the process that made it.
struct Folder {
    path: PathBuf,
    owner: u32,
}

impl Folder {
    fn new(name: &str) -> Folder {
        let owner = std::process::id();
        let path = PathBuf::from(format!("/dev/shm/sesscache-{name}-{owner}"));
        std::fs::create_dir(&path).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        Folder { path, owner }
    }

    fn region(&self, size: &str) -> Result<Region, String> {
        let shared = format!("{}/region:{size}", self.path.display());
        Region::open(|name| (name == "SESSCACHE_SHARED").then(|| shared.clone()))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.owner == std::process::id() {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

fn anonymous(size: &str) -> Region {
    Region::open(|name| (name == "SESSCACHE_SHARED").then(|| format!("anon:{size}"))).unwrap()
}

/// An id by its number.
fn id(number: u32) -> [u8; 32] {
    let mut id = [0x5a; 32];
    id[..4].copy_from_slice(&number.to_le_bytes());
    id
}

/// What stands under an id: whoever finds it can tell whether it is the right one.
fn content(number: u32) -> Vec<u8> {
    let length = 100 + number as usize % 400;
    number.to_le_bytes().into_iter().cycle().take(length).collect()
}

/// Numbers that are random enough, the same for the same seed.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % u64::from(sides)) as u32
    }
}
