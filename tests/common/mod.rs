//! What the black-box tests share: where things lie, running a child with a time limit, showing a difference.
//!
//! Nothing here uses the crate: that would put its exported functions in front of libssl in the test itself.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part of it")]

pub mod cc;
pub mod diagnostics;
pub mod diff;
pub mod differs;
pub mod libssl;
pub mod process;
pub mod program;
pub mod sanitizer;
pub mod valgrind;

use std::env;
use std::path::{Path, PathBuf};

/// The top of the source tree.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Cargo's target folder of this build.
pub fn target() -> &'static Path {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    scratch.parent().unwrap_or(scratch)
}

/// The shared library under test: `SESSCACHE_LIB`, else what `make` built.
pub fn library() -> Result<PathBuf, String> {
    let path = match env::var_os("SESSCACHE_LIB") {
        Some(path) => PathBuf::from(path),
        None => target().join("release/libsesscache.so"),
    };
    path.canonicalize().map_err(|error| {
        format!(
            "no library under test at {}: {error}; run `make`, or name it in SESSCACHE_LIB",
            path.display()
        )
    })
}
