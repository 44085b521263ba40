//! The shared region, while somebody else writes to its memory; and key files.

use super::bytes::Bytes;
use crate::shared::hostile::{self, Step};

/// Whatever opens was sealed for that id, wherever the memory points.
pub fn region(data: &[u8]) {
    hostile::play(read(data).into_iter());
}

pub(super) fn read(data: &[u8]) -> Vec<Step> {
    let mut bytes = Bytes::new(data);
    let mut steps = Vec::new();
    while !bytes.is_empty() && steps.len() < 500 {
        steps.push(step(&mut bytes));
    }
    steps
}

fn step(bytes: &mut Bytes<'_>) -> Step {
    match bytes.byte() % 16 {
        0..5 => Step::Put { id: bytes.byte(), length: bytes.byte() },
        5..8 => Step::Find(bytes.byte()),
        8 => Step::Take(bytes.byte()),
        9 => Step::Remove(bytes.byte()),
        10 => Step::Flush,
        11 => Step::Count,
        12..14 => Step::Write { at: place(bytes), word: word(bytes) },
        _ => Step::Copy { from: place(bytes), to: place(bytes) },
    }
}

fn place(bytes: &mut Bytes<'_>) -> u16 {
    u16::from_le_bytes([bytes.byte(), bytes.byte()])
}

/// An edge, or all of a word.
fn word(bytes: &mut Bytes<'_>) -> u64 {
    if bytes.flag() {
        return bytes.number().cast_unsigned();
    }
    u64::from_le_bytes(std::array::from_fn(|_| bytes.byte()))
}

/// A region's file of any content: a length, and words that somebody has written into it.
pub fn attach(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let length = if bytes.flag() { None } else { Some(bytes.number().cast_unsigned()) };
    let mut words = Vec::new();
    while !bytes.is_empty() && words.len() < 64 {
        words.push((place(&mut bytes), word(&mut bytes)));
    }
    hostile::attach(length, &words);
}

/// A key file of any content.
pub fn key_file(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        hostile::read_key_file(text);
    }
}

/// Letters from another machine that somebody has changed, and such as no machine has sent.
pub fn letters(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let changes: Vec<(u16, u8)> = (0..bytes.byte() % 16).map(|_| (place(&mut bytes), bytes.byte())).collect();
    hostile::arrive(&changes, bytes.rest());
}
