//! The key ring: the first key seals, all of them open.

use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

use super::seal::{KEY, SealingKey};
use crate::base::random;

/// At most so many: a lookup that finds nothing asks under each.
pub(crate) const KEYS_MAX: usize = 8;

pub(crate) type Master = Zeroizing<[u8; KEY]>;

pub(super) struct KeyRing {
    first: SealingKey,
    others: Vec<SealingKey>,
}

impl KeyRing {
    pub(super) fn new(masters: &[Master]) -> Option<KeyRing> {
        let (first, others) = masters.split_first()?;
        let others = others.iter().map(|master| SealingKey::new(master)).collect();
        Some(KeyRing { first: SealingKey::new(first), others })
    }

    /// The key that seals.
    pub(super) fn first(&self) -> &SealingKey {
        &self.first
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &SealingKey> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

/// A key at random.
pub(crate) fn random() -> Option<Master> {
    let mut key = Zeroizing::new([0; KEY]);
    random::fill(&mut key[..])?;
    Some(key)
}

/// The keys in a key file: one in base64 a line; blank lines and lines that begin with `#` do not count. The error is a
/// sentence that names the line and never the key.
pub(crate) fn parse(text: &str) -> Result<Vec<Master>, String> {
    let mut keys: Vec<Master> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let key = parse_key(line).map_err(|what| format!("line {number} {what}"))?;
        if keys.contains(&key) {
            return Err(format!("line {number} repeats an earlier key"));
        }
        keys.push(key);
    }
    match keys.len() {
        0 => Err("it has no key".to_owned()),
        1..=KEYS_MAX => Ok(keys),
        more => Err(format!("it has {more} keys, and at most {KEYS_MAX} are taken")),
    }
}

fn parse_key(line: &str) -> Result<Master, &'static str> {
    let mut key = Zeroizing::new([0; KEY]);
    let mut bytes = Zeroizing::new([0; KEY + 1]);
    let decoded = Base64::decode(line, &mut bytes[..]).map_err(|error| match error {
        base64ct::Error::InvalidLength => "is too long for a key of 32 bytes",
        base64ct::Error::InvalidEncoding => "is not base64",
    })?;
    if decoded.len() != KEY {
        return Err("is not a key of 32 bytes");
    }
    key.copy_from_slice(decoded);
    if key.iter().all(|byte| *byte == 0) {
        return Err("is a key of zeros, which anybody can guess");
    }
    Ok(key)
}

/// What the records that a key seals say of it: enough to tell a few keys apart, and nothing to guess it by.
pub(crate) fn tag(key: &Master) -> u16 {
    SealingKey::new(key).tag()
}

/// A key as a line of a key file.
pub(crate) fn encode(key: &Master) -> Zeroizing<String> {
    Zeroizing::new(Base64::encode_string(&key[..]) + "\n")
}

#[cfg(all(test, not(sesscache_loom)))]
mod tests {
    use super::*;

    const ONE: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    const TWO: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";

    #[test]
    fn keys_come_in_the_order_of_their_lines() {
        let keys = parse(&format!("# new\n{ONE}\n\n  {TWO}\r\n")).unwrap();
        assert_eq!(keys.iter().map(|key| key[0]).collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn what_is_no_key_is_refused_by_its_line() {
        for (text, expected) in [
            ("", "it has no key"),
            ("# only a remark\n", "it has no key"),
            ("\nAAAA\n", "line 2 is not a key of 32 bytes"),
            ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "line 1 is a key of zeros"),
            ("not base64 at all, and quite as long as one.", "line 1 is not base64"),
            (&format!("{ONE}{ONE}"), "line 1 is"),
            (&format!("{ONE}\n{TWO}\n{ONE}"), "line 3 repeats"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.starts_with(expected), "{text:?}: {error}");
            assert!(!error.contains("AQEB"));
        }
    }

    #[test]
    fn too_many_keys_are_refused() {
        let lines: Vec<String> = (0..=KEYS_MAX).map(|_| encode(&random().unwrap()).to_string()).collect();
        assert!(parse(&lines.concat()).unwrap_err().contains("at most 8"));
        assert_eq!(parse(&lines[1..].concat()).unwrap().len(), KEYS_MAX);
    }

    #[test]
    fn a_random_key_reads_back() {
        let key = random().unwrap();
        assert!(parse(&encode(&key)).unwrap() == [key]);
    }
}
