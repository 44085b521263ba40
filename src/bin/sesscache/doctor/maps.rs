//! What a process has loaded.

use std::fs;
use std::path::{Path, PathBuf};

/// The files that a process has mapped to run code of theirs, in the order of their addresses.
pub(super) fn libraries(pid: u32) -> Result<Vec<PathBuf>, String> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps"))
        .map_err(|error| format!("process {pid}: its mappings cannot be read: {error}"))?;
    let mut libraries: Vec<PathBuf> = Vec::new();
    for line in maps.lines() {
        // Address, rights, offset, device, inode; then the path, which may have blanks.
        let mut rest = line;
        let mut rights = "";
        for field in 0..5 {
            let Some((head, tail)) = rest.split_once(' ') else { break };
            if field == 1 {
                rights = head;
            }
            rest = tail.trim_start();
        }
        let path = Path::new(rest);
        if rights.contains('x') && path.is_absolute() && !libraries.iter().any(|other| other == path) {
            libraries.push(path.to_owned());
        }
    }
    Ok(libraries)
}

/// Whether a path is that of a library of this name, in whatever version.
pub(super) fn is_library(path: &Path, name: &str) -> bool {
    let file = path.file_name().map(|file| file.to_string_lossy().into_owned()).unwrap_or_default();
    file.strip_prefix(name).is_some_and(|rest| rest.starts_with(".so"))
}

/// What the system says of a process that has been replaced on the disk since.
pub(super) fn is_deleted(path: &Path) -> bool {
    path.to_string_lossy().ends_with(" (deleted)")
}
