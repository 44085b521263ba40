//! A record in the ring: a header in the clear, which says no more than an observer of the traffic knows, and a sealed body.

use super::index::Name;
use super::region::Made;
use super::scope::OWNER;

/// The longest body: a session of 16 KiB, sealed.
pub(super) const BODY_MAX: usize = DER_MAX + OWNER + TAG;
/// The longest DER of a session that is shared.
pub(super) const DER_MAX: usize = 16 << 10;
/// What sealing adds.
pub(super) const TAG: usize = 16;
pub(super) const NONCE: usize = 24;
/// The header's length in words.
pub(super) const HEADER: usize = 9;

/// Tells a record from whatever else may lie at a position.
const MARK: u64 = 0x5e;
/// The bits of the length.
const LENGTH: u64 = (1 << 15) - 1;
const _: () = assert!((BODY_MAX as u64) <= LENGTH);
/// No stamp is so high.
pub(super) const STAMP_END: u64 = 1 << 48;

/// What a record says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(super) enum Kind {
    /// A session, which may be resumed again and again.
    Many,
    /// One that may be resumed once (early data with anti-replay), and not after a boot.
    Single,
    /// That the session of this name was ended. It has no body.
    Ended,
    /// That the sessions of a cell of scopes were flushed. It stands in no region, but travels. It has no body.
    Flushed,
    /// The same for a cell of names.
    FlushedByName,
}

impl Kind {
    const ALL: [Kind; 5] = [Kind::Many, Kind::Single, Kind::Ended, Kind::Flushed, Kind::FlushedByName];

    pub(super) fn is_session(self) -> bool {
        matches!(self, Kind::Many | Kind::Single)
    }
}

/// Where a record belongs. Told by the process that put it there, for its relay.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(super) enum Reach {
    /// It is good on other machines, too.
    Wide,
    /// Only here.
    Home,
    /// It has come from another machine.
    Arrived,
}

impl Reach {
    const ALL: [Reach; 3] = [Reach::Wide, Reach::Home, Reach::Arrived];
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
    pub(super) kind: Kind,
    pub(super) reach: Reach,
    pub(super) tags: Tags,
    /// When the first full handshake was, in seconds since the epoch.
    pub(super) origin: i64,
    pub(super) expiry: i64,
    /// When it was made, in milliseconds since the epoch: of two records of one name the later one counts.
    pub(super) stamp: u64,
    pub(super) nonce: [u8; NONCE],
    /// Of the body, in bytes.
    pub(super) length: usize,
}

impl Header {
    pub(super) fn words(&self) -> [u64; HEADER] {
        let [name, more_name] = self.name.0;
        let Tags { key, owner, name: named } = self.tags;
        let owner = u64::from(u16::from_be_bytes(owner));
        let tags = u64::from(named) << 48 | u64::from(key) << 32 | owner << 16;
        let mut words = [0; HEADER];
        words.copy_from_slice(&[
            MARK << 56 | tags | self.length as u64 & LENGTH,
            name,
            more_name,
            self.origin.cast_unsigned(),
            self.expiry.cast_unsigned(),
            self.stamp << 16 | (self.kind as u64) << 8 | self.reach as u64,
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
        let [first, name, more_name, origin, expiry, terms, nonce @ ..] = *words;
        let kind = Kind::ALL.into_iter().find(|kind| *kind as u64 == terms >> 8 & 0xff)?;
        let reach = Reach::ALL.into_iter().find(|reach| *reach as u64 == terms & 0xff)?;
        let length = usize::try_from(first & LENGTH).ok()?;
        let may_be = if kind.is_session() { TAG..=BODY_MAX } else { 0..=0 };
        if !may_be.contains(&length) {
            return None;
        }
        let tags = Tags {
            key: (first >> 32) as u16,
            owner: ((first >> 16) as u16).to_be_bytes(),
            name: (first >> 48) as u8,
        };
        (first >> 56 == MARK).then_some(Header {
            name: Name([name, more_name]),
            kind,
            reach,
            tags,
            origin: origin.cast_signed(),
            expiry: expiry.cast_signed(),
            stamp: terms >> 16,
            nonce: bytes_of(nonce),
            length,
        })
    }
}

impl Header {
    /// When and where it was made.
    pub(super) fn made(&self) -> Made {
        Made { stamp: self.stamp, elsewhere: self.reach == Reach::Arrived }
    }

    /// How long the whole record is.
    pub(super) fn words_in_all(&self) -> usize {
        HEADER + self.length.div_ceil(8)
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

pub(super) fn bytes_of(nonce: [u64; 3]) -> [u8; NONCE] {
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
            kind: Kind::Single,
            reach: Reach::Home,
            tags,
            origin: -3,
            expiry: i64::MAX,
            stamp: (1 << 48) - 2,
            nonce,
            length: 53,
        }
    }

    #[test]
    fn a_header_is_read_as_it_was_written() {
        assert_eq!(Header::of(&header().words()), Some(header()));
        let many = Header { kind: Kind::Many, reach: Reach::Arrived, length: BODY_MAX, ..header() };
        assert_eq!(Header::of(&many.words()), Some(many));
        let ended = Header { kind: Kind::Ended, length: 0, ..header() };
        assert_eq!(Header::of(&ended.words()), Some(ended));
    }

    #[test]
    fn what_cannot_be_is_no_header() {
        for (shift, value) in [(56, MARK), (56, 1), (0, BODY_MAX as u64 + 1), (0, TAG as u64 - 1)] {
            let mut words = Header { length: 0, kind: Kind::Many, ..header() }.words();
            words[0] ^= value << shift;
            assert_eq!(Header::of(&words), None, "{shift}");
        }
        for odd in [Kind::ALL.len() << 8, Reach::ALL.len()] {
            let mut words = header().words();
            words[5] = odd as u64;
            assert_eq!(Header::of(&words), None, "{odd:x}");
        }
        assert_eq!(Header::of(&Header { kind: Kind::Ended, ..header() }.words()), None);
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
