//! Key files, for the command that makes and changes them. What a key is leaves this module only as a line for its file.

use std::path::Path;

use zeroize::Zeroizing;

use crate::shared::{key_file, keys};

/// More keys than this no process takes.
pub const MOST: usize = keys::KEYS_MAX;

/// A new key at random, as a line of a key file.
pub fn new_line() -> Result<Zeroizing<String>, String> {
    let key = keys::random().ok_or("the system gives no random bytes")?;
    Ok(keys::encode(&key))
}

/// The tags of the keys in this text, in their order; the error is a sentence that names the line and never the key.
pub fn tags(text: &str) -> Result<Vec<u16>, String> {
    Ok(keys::parse(text)?.iter().map(keys::tag).collect())
}

/// The tags of the keys in a file that this process could use: which belongs to it or root, and is hidden from everybody else.
pub fn tags_of_file(path: &Path) -> Result<Vec<u16>, String> {
    let (keys, _) = key_file::read(path)?;
    Ok(keys.iter().map(keys::tag).collect())
}
