//! The libssl versions to test with: the system's, and those that `scripts/build-openssl.sh` built.
//!
//! Under a sanitizer those that were built with it are added. The address sanitizer goes with two of the others as well, one
//! of each kind; the thread sanitizer with none: in code that it is not in, it sees neither locks nor atomics.

use std::fs;
use std::path::PathBuf;

use super::root;
use super::sanitizer::{self, Sanitizer};

/// One libssl, with its headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Libssl {
    /// `system`, or the folder's name, such as `3.6-symbolic`.
    pub name: String,
    /// The folder with `include` and `lib`; none for the system's.
    pub prefix: Option<PathBuf>,
}

impl Libssl {
    pub fn include(&self) -> Option<PathBuf> {
        self.prefix.as_ref().map(|prefix| prefix.join("include"))
    }

    pub fn lib(&self) -> Option<PathBuf> {
        self.prefix.as_ref().map(|prefix| prefix.join("lib"))
    }
}

/// Every libssl that there is for this run, the system's first, the others by name.
pub fn all() -> Vec<Libssl> {
    let mut all = vec![Libssl { name: "system".to_owned(), prefix: None }];
    all.extend(built_in("target/openssl", ""));
    let Ok(Some(sanitizer)) = sanitizer::chosen() else { return all };
    all.retain(|libssl| sanitizer == Sanitizer::Address && is_one_of_each_kind(libssl));
    let name = sanitizer.name();
    all.extend(built_in(&format!("target/openssl-{name}"), &format!("-{name}")));
    all
}

fn is_one_of_each_kind(libssl: &Libssl) -> bool {
    matches!(libssl.name.as_str(), "system" | "3.6-symbolic")
}

fn built_in(folder: &str, suffix: &str) -> Vec<Libssl> {
    let entries = fs::read_dir(root().join(folder)).into_iter().flatten().flatten();
    let mut found: Vec<Libssl> = entries.filter_map(|entry| built(entry.path())).collect();
    found.iter_mut().for_each(|libssl| libssl.name += suffix);
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// A folder in which a build was finished.
fn built(prefix: PathBuf) -> Option<Libssl> {
    let complete = prefix.join("lib/libssl.so").exists() && prefix.join("include/openssl/ssl.h").exists();
    let name = prefix.file_name()?.to_str()?.to_owned();
    complete.then_some(Libssl { name, prefix: Some(prefix) })
}
