//! What the fuzzer calls: one function a target, each of which panics at a finding.
//!
//! Bytes from outside are fed as they are; where a target is about calls, the bytes are a program. The crate in `fuzz/`
//! has a five-line target for each, and the test below replays `fuzz/corpus/TARGET/` through the very same functions.
//!
//! To add one: a module here, a line in [`TARGETS`], `fuzz/fuzz_targets/NAME.rs`, a `[[bin]]` in `fuzz/Cargo.toml`,
//! and some files in `fuzz/corpus/NAME/`. `scripts/fuzz.sh` finds it there.

#![allow(clippy::panic, reason = "that is how a fuzzer is told of a finding")]

mod bytes;
mod core;
mod keys;
mod region;
mod settings;
mod shim;

pub use core::core;
pub use keys::keys;
pub use region::{attach, key_file, letters, region};
pub use settings::settings;
pub use shim::shim;

/// What is done with the bytes.
pub type Target = fn(&[u8]);

/// Every target of this crate, by the name of its corpus.
pub const TARGETS: [(&str, Target); 8] = [
    ("settings", settings),
    ("keys", keys),
    ("core", core),
    ("shim", shim),
    ("region", region),
    ("attach", attach),
    ("letters", letters),
    ("key_file", key_file),
];

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;

    fn corpus(target: &str) -> Vec<PathBuf> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
        let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        files.map(|file| file.unwrap().path()).collect()
    }

    #[test]
    #[cfg_attr(miri, ignore = "thousands of steps; the fake's own tests run there")]
    fn the_corpora_are_replayed() {
        for (name, target) in TARGETS {
            let files = corpus(name);
            assert!(!files.is_empty(), "no corpus for {name}");
            for file in files {
                eprintln!("{}", file.display());
                target(&fs::read(file).unwrap());
            }
        }
    }

    /// A program shows itself as read, and programs of every kind are in reach of the bytes.
    #[test]
    fn bytes_reach_every_step() {
        let all: Vec<u8> = (0..=u8::MAX).cycle().step_by(7).take(4000).collect();
        assert!(
            core::read(&all).2.len() > 100
                && shim::read(&all).1.len() > 100
                && region::read(&all).len() > 100
        );
    }
}
