//! A record in the ring: a header in the clear, which says no more than an observer of the traffic knows, and a sealed body.

use super::index::Name;
use super::scope::OWNER;

/// The longest body: a session of 16 KiB, sealed.
pub(super) const BODY_MAX: usize = DER_MAX + OWNER + TAG;
/// The longest DER of a session that is shared.
pub(super) const DER_MAX: usize = 16 << 10;
/// What sealing adds.
pub(super) const TAG: usize = 16;
pub(super) const NONCE: usize = 24;
/// The header's length in words.
pub(super) const HEADER: usize = 8;

/// Tells a record from whatever else may lie at a position.
const MARK: u64 = 0x5e;
/// The bit of a record for single use; below it stands the length.
const SINGLE: u64 = 1 << 15;
const _: () = assert!((BODY_MAX as u64) < SINGLE);

/// What may be done with a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Use {
    Many,
    /// It may be resumed once (early data with anti-replay), and not after a boot.
    Single,
}

/// Hints at what a record was sealed with, for who has no key. Nobody believes them for anything else.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Tags {
    pub(super) key: u16,
    /// The cells of its owner.
    pub(super) owner: [u8; 2],
    /// The cell of the operator's name.
    pub(super) name: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Header {
    pub(super) name: Name,
    pub(super) usage: Use,
    pub(super) tags: Tags,
    /// When the first full handshake was, in seconds since the epoch.
    pub(super) origin: i64,
    pub(super) expiry: i64,
    pub(super) nonce: [u8; NONCE],
    /// Of the body, in bytes.
    pub(super) length: usize,
}

impl Header {
    pub(super) fn words(&self) -> [u64; HEADER] {
        let [name, more_name] = self.name.0;
        let single = if self.usage == Use::Single { SINGLE } else { 0 };
        let Tags { key, owner, name: named } = self.tags;
        let owner = u64::from(u16::from_be_bytes(owner));
        let tags = u64::from(named) << 48 | u64::from(key) << 32 | owner << 16;
        let mut words = [0; HEADER];
        words.copy_from_slice(&[
            MARK << 56 | tags | single | self.length as u64,
            name,
            more_name,
            self.origin.cast_unsigned(),
            self.expiry.cast_unsigned(),
            0,
            0,
            0,
        ]);
        if let Some(nonce) = words.last_chunk_mut::<3>() {
            *nonce = words_of(&self.nonce);
        }
        words
    }

    /// `None` for anything that is not a header of ours, or tells of a body that cannot be.
    pub(super) fn of(words: &[u64; HEADER]) -> Option<Header> {
        let [first, name, more_name, origin, expiry, nonce @ ..] = *words;
        let length = usize::try_from(first & (SINGLE - 1)).ok();
        let length = length.filter(|length| (TAG..=BODY_MAX).contains(length))?;
        let usage = if first & SINGLE == 0 { Use::Many } else { Use::Single };
        let tags = Tags {
            key: (first >> 32) as u16,
            owner: ((first >> 16) as u16).to_be_bytes(),
            name: (first >> 48) as u8,
        };
        (first >> 56 == MARK).then_some(Header {
            name: Name([name, more_name]),
            usage,
            tags,
            origin: origin.cast_signed(),
            expiry: expiry.cast_signed(),
            nonce: bytes_of(nonce),
            length,
        })
    }
}

/// A whole record: header and body, the latter padded with zeros to whole words.
pub(super) fn assemble(header: &Header, body: &[u8]) -> Vec<u64> {
    let mut words = Vec::with_capacity(HEADER + body.len().div_ceil(8));
    words.extend(header.words());
    let (whole, rest) = body.as_chunks();
    words.extend(whole.iter().map(|bytes| u64::from_le_bytes(*bytes)));
    if !rest.is_empty() {
        let mut bytes = [0; 8];
        bytes.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        words.push(u64::from_le_bytes(bytes));
    }
    words
}

/// The bytes of a body that was read as words.
pub(super) fn body(words: &[u64], length: usize) -> Vec<u8> {
    let mut bytes = vec![0; words.len() * 8];
    bytes.as_chunks_mut().0.iter_mut().zip(words).for_each(|(bytes, word)| *bytes = word.to_le_bytes());
    bytes.truncate(length);
    bytes
}

fn words_of(nonce: &[u8; NONCE]) -> [u64; 3] {
    let mut words = [0; 3];
    words.iter_mut().zip(nonce.as_chunks().0).for_each(|(word, bytes)| *word = u64::from_le_bytes(*bytes));
    words
}

fn bytes_of(nonce: [u64; 3]) -> [u8; NONCE] {
    let mut bytes = [0; NONCE];
    bytes.as_chunks_mut().0.iter_mut().zip(nonce).for_each(|(bytes, word)| *bytes = word.to_le_bytes());
    bytes
}

#[cfg(all(test, not(sesscache_loom)))]
mod tests {
    use super::*;

    fn header() -> Header {
        let nonce = std::array::from_fn(|at| at as u8);
        let tags = Tags { key: 0xfffe, owner: [0x7f, 0xf7], name: 0xf9 };
        Header {
            name: Name([1, 2]),
            usage: Use::Single,
            tags,
            origin: -3,
            expiry: i64::MAX,
            nonce,
            length: 53,
        }
    }

    #[test]
    fn a_header_is_read_as_it_was_written() {
        assert_eq!(Header::of(&header().words()), Some(header()));
        let many = Header { usage: Use::Many, length: BODY_MAX, ..header() };
        assert_eq!(Header::of(&many.words()), Some(many));
    }

    #[test]
    fn what_cannot_be_is_no_header() {
        for (shift, value) in [(56, MARK), (56, 1), (0, BODY_MAX as u64 + 1), (0, TAG as u64 - 1)] {
            let mut words = Header { length: 0, usage: Use::Many, ..header() }.words();
            words[0] ^= value << shift;
            assert_eq!(Header::of(&words), None, "{shift}");
        }
    }

    #[test]
    fn a_body_comes_back_without_its_padding() {
        for length in [16, 17, 23, 24] {
            let bytes: Vec<u8> = (1..=length).collect();
            let words = assemble(&header(), &bytes);
            assert_eq!(body(&words[HEADER..], bytes.len()), bytes);
        }
    }
}
