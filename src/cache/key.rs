//! What a session is found by, and the hash that spreads the keys.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};

use foldhash::SharedSeed;
use foldhash::quality::FoldHasher;
use once_cell::race::OnceBox;

/// The longest session id that TLS allows.
const ID_MAX: usize = 32;

/// A session's name: its protocol version and its id. The same id under another version is
/// another session.
///
/// Held inline, so that a lookup follows no pointer to compare it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SessionKey {
    /// Zeros behind the id's end: equal keys are equal byte for byte.
    id: [u8; ID_MAX],
    version: i32,
    len: u8,
}

impl SessionKey {
    /// The key of an id of 0 to 32 bytes; `None` if it is longer.
    #[inline]
    pub fn new(version: i32, id: &[u8]) -> Option<SessionKey> {
        // Nearly every id has this length, and a copy of known length is a few instructions.
        if let Ok(id) = <[u8; ID_MAX]>::try_from(id) {
            return Some(SessionKey { id, version, len: 32 });
        }
        let len = u8::try_from(id.len()).ok()?;
        let mut bytes = [0; ID_MAX];
        bytes.get_mut(..id.len())?.copy_from_slice(id);
        Some(SessionKey { id: bytes, version, len })
    }

    /// The protocol version, as `SSL_SESSION_get_protocol_version` gives it.
    pub fn version(&self) -> i32 {
        self.version
    }

    /// The session id.
    pub fn id(&self) -> &[u8] {
        self.id.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// A number that nobody outside this process can foresee.
    pub(crate) fn hash_here(&self) -> u64 {
        KeyHasher::of_process().hash(self)
    }
}

impl Hash for SessionKey {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        // By words: the hasher is several times faster at these than at bytes.
        for word in self.id.as_chunks().0 {
            state.write_u64(u64::from_ne_bytes(*word));
        }
        state.write_u64(u64::from(self.version.cast_unsigned()) << 8 | u64::from(self.len));
    }
}

/// The seeds of this process. A peer can choose the ids that a client stores, so they must not be
/// able to foresee which ids collide.
pub(super) struct KeyHasher {
    seed: u64,
    shared: SharedSeed,
}

impl KeyHasher {
    /// The hasher of this process, seeded at its first use from the standard library's source.
    pub(super) fn of_process() -> &'static KeyHasher {
        static HASHER: OnceBox<KeyHasher> = OnceBox::new();
        HASHER.get_or_init(|| {
            let source = RandomState::new();
            Box::new(KeyHasher { seed: source.hash_one(1), shared: SharedSeed::from_u64(source.hash_one(2)) })
        })
    }

    /// All 64 bits are of equal quality: the low ones choose the shard, the high ones the place in it.
    #[inline]
    pub(super) fn hash(&self, key: &SessionKey) -> u64 {
        let mut hasher = FoldHasher::with_seed(self.seed, &self.shared);
        key.hash(&mut hasher);
        hasher.finish()
    }
}

#[cfg(test)]
#[cfg(not(sesscache_loom))]
mod tests {
    use super::*;

    fn key(version: i32, id: &[u8]) -> SessionKey {
        SessionKey::new(version, id).unwrap()
    }

    #[test]
    fn a_key_gives_back_what_it_was_made_of() {
        for len in 0..=ID_MAX {
            let id: Vec<u8> = (1..).take(len).collect();
            let key = key(0x0304, &id);
            assert_eq!((key.version(), key.id()), (0x0304, &id[..]));
        }
    }

    #[test]
    fn an_id_of_more_than_32_bytes_has_no_key() {
        assert!(SessionKey::new(0x0303, &[0; 33]).is_none());
        assert!(SessionKey::new(0x0303, &[0; 256 + 8]).is_none());
    }

    #[test]
    fn version_length_and_bytes_all_tell_keys_apart() {
        let base = key(0x0303, b"ab");
        let others = [key(0x0304, b"ab"), key(0x0303, b"ab\0"), key(0x0303, b"aB"), key(0x0303, b"")];
        let hasher = KeyHasher::of_process();
        assert!(base == key(0x0303, b"ab"));
        assert_eq!(hasher.hash(&base), hasher.hash(&key(0x0303, b"ab")));
        for other in others {
            assert!(base != other);
            assert_ne!(hasher.hash(&base), hasher.hash(&other));
        }
    }
}
