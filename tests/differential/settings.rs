//! What a run is told by its environment.

use std::env;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::common::library;
use crate::common::libssl::Libssl;

/// So many that `make check` spends some ten seconds on all libssls together.
const PROGRAMS: u64 = 200;

#[derive(Clone)]
pub(crate) struct Settings {
    /// `SESSCACHE_DIFF_SEED`: the same seed makes the same programs.
    pub(crate) seed: u64,
    /// `SESSCACHE_DIFF_FIRST`: the number of the first program.
    pub(crate) first: u64,
    /// `SESSCACHE_DIFF_PROGRAMS`: how many for each libssl.
    pub(crate) programs: u64,
    /// `SESSCACHE_DIFF_LIBSSL`: only those whose name contains this.
    libssl: String,
    /// `SESSCACHE_DIFF_REPLAY`: a file with the one program to play.
    pub(crate) replay: Option<PathBuf>,
    /// `SESSCACHE_DIFF_SHOW=1`: the traces are printed.
    pub(crate) show: bool,
    /// What is preloaded: the library, or nothing with `SESSCACHE_DIFF_AGAINST=stock`.
    pub(crate) preload: Option<PathBuf>,
}

impl Settings {
    pub(crate) fn from_environment() -> Result<Settings, String> {
        let against_stock = env::var("SESSCACHE_DIFF_AGAINST").is_ok_and(|value| value == "stock");
        Ok(Settings {
            seed: number("SESSCACHE_DIFF_SEED")?.unwrap_or_else(seed_of_the_moment),
            first: number("SESSCACHE_DIFF_FIRST")?.unwrap_or(0),
            programs: number("SESSCACHE_DIFF_PROGRAMS")?.unwrap_or(PROGRAMS),
            libssl: env::var("SESSCACHE_DIFF_LIBSSL").unwrap_or_default(),
            replay: env::var_os("SESSCACHE_DIFF_REPLAY").map(PathBuf::from),
            show: env::var_os("SESSCACHE_DIFF_SHOW").is_some(),
            preload: if against_stock { None } else { Some(library()?) },
        })
    }

    pub(crate) fn concerns(&self, libssl: &Libssl) -> bool {
        libssl.name.contains(&self.libssl)
    }

    pub(crate) fn announce(&self) {
        if self.replay.is_none() {
            println!("differential: SESSCACHE_DIFF_SEED={}, {} programs a libssl", self.seed, self.programs);
        }
    }
}

fn number(name: &str) -> Result<Option<u64>, String> {
    match env::var(name) {
        Ok(text) => text.parse().map(Some).map_err(|_| format!("{name}={text}: a number is wanted")),
        Err(_) => Ok(None),
    }
}

fn seed_of_the_moment() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(1, |time| u64::from(time.subsec_nanos()) ^ time.as_secs())
}
