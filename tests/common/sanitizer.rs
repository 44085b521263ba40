//! `SESSCACHE_SANITIZE=address` (undefined behaviour included) or `thread`: the C programs under that sanitizer. All that
//! is known of its options is here; `scripts/check-sanitizers.sh` builds the library that goes with it.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::cc;

/// What the programs, and the library under test, are built with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sanitizer {
    Address,
    Thread,
}

/// The one that this run is for.
pub fn chosen() -> Result<Option<Sanitizer>, String> {
    match env::var("SESSCACHE_SANITIZE").as_deref() {
        Err(_) => Ok(None),
        Ok("address") => Ok(Some(Sanitizer::Address)),
        Ok("thread") => Ok(Some(Sanitizer::Thread)),
        Ok(other) => Err(format!("SESSCACHE_SANITIZE={other}: expected address or thread")),
    }
}

impl Sanitizer {
    pub fn name(self) -> &'static str {
        match self {
            Sanitizer::Address => "address",
            Sanitizer::Thread => "thread",
        }
    }

    pub fn compiler_options(self) -> &'static [&'static str] {
        match self {
            Sanitizer::Address => &[
                "-fsanitize=address,undefined",
                "-fno-sanitize-recover=undefined",
                "-fno-omit-frame-pointer",
            ],
            Sanitizer::Thread => &["-fsanitize=thread"],
        }
    }

    /// Sanitizers report on standard error, which a program must leave empty, and end with a status of their own.
    pub fn environment(self, leaks: bool) -> Vec<(&'static str, String)> {
        match self {
            // The harness is in the program and in its plugins: the same globals twice are no finding.
            Sanitizer::Address => vec![
                (
                    "ASAN_OPTIONS",
                    format!(
                        "detect_leaks={}:detect_stack_use_after_return=1:strict_string_checks=1:\
                         detect_odr_violation=1:allocator_may_return_null=1",
                        u8::from(!leaks)
                    ),
                ),
                ("UBSAN_OPTIONS", "print_stacktrace=1".to_owned()),
            ],
            Sanitizer::Thread => {
                let file = cc::sources().join("sanitizers/races.supp");
                let options = "print_suppressions=0:history_size=7:second_deadlock_stack=1";
                vec![("TSAN_OPTIONS", format!("suppressions={}:{options}", file.display()))]
            }
        }
    }

    /// The value of LD_PRELOAD for a library that is built with it: its runtime insists on being the first.
    pub fn preload(self, library: &Path) -> Result<OsString, String> {
        let mut both = self.runtime()?.into_os_string();
        both.push(":");
        both.push(library);
        Ok(both)
    }

    /// The compiler's own runtime, which library, programs and libssl share.
    fn runtime(self) -> Result<PathBuf, String> {
        let name = match self {
            Sanitizer::Address => "libasan.so",
            Sanitizer::Thread => "libtsan.so",
        };
        let output = Command::new("cc").arg(format!("-print-file-name={name}")).output();
        let output = output.map_err(|error| format!("cannot run cc: {error}"))?;
        let path = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
        path.canonicalize().map_err(|error| format!("no {name} comes with cc ({}): {error}", path.display()))
    }
}
