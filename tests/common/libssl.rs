//! The libssl versions to test with: the system's, and those that `scripts/build-openssl.sh` built.

use std::fs;
use std::path::PathBuf;

use super::root;

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

/// Every libssl that there is, the system's first, the others by name.
pub fn all() -> Vec<Libssl> {
    let mut found: Vec<Libssl> = fs::read_dir(root().join("target/openssl"))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| built(entry.path()))
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found.insert(0, Libssl { name: "system".to_owned(), prefix: None });
    found
}

/// A folder in which a build was finished.
fn built(prefix: PathBuf) -> Option<Libssl> {
    let complete = prefix.join("lib/libssl.so").exists() && prefix.join("include/openssl/ssl.h").exists();
    let name = prefix.file_name()?.to_str()?.to_owned();
    complete.then_some(Libssl { name, prefix: Some(prefix) })
}
