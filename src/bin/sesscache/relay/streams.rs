//! The streams, and what an entry of one is: the number of the region that it is from, and letters one after the other.

use sesscache::tools::relay::{Letter, StreamPlace};

/// The field of an entry. Another layout of entries would have another one.
pub(super) const FIELD: &str = "v1";
/// No entry is longer, unless one letter is.
const ENTRY_BYTES: usize = 64 << 10;

pub(super) struct Streams(Vec<Stream>);

pub(super) struct Stream {
    pub(super) key: String,
    /// What the region knows it by; never nought.
    pub(super) number: u64,
}

/// An entry that is to be appended.
pub(super) struct Entry<'a> {
    pub(super) stream: &'a Stream,
    pub(super) bytes: Vec<u8>,
    /// How many are in it.
    pub(super) letters: u64,
}

impl Streams {
    /// One is called by its name, several by name and number.
    pub(super) fn new(name: &str, count: usize) -> Streams {
        let keys = match count {
            0 | 1 => vec![name.to_owned()],
            more => (0..more).map(|number| format!("{name}.{number}")).collect(),
        };
        Streams(keys.into_iter().map(Stream::new).collect())
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Stream> {
        self.0.iter()
    }

    fn of(&self, letter: &Letter) -> Option<&Stream> {
        self.0.get(usize::try_from(letter.about >> 1).unwrap_or(usize::MAX) % self.0.len())
    }

    /// The letters as entries, each stream's in their order.
    pub(super) fn entries(&self, from: u64, letters: &[Letter]) -> Vec<Entry<'_>> {
        let mut entries: Vec<Entry<'_>> = Vec::new();
        for letter in letters {
            let Some(stream) = self.of(letter) else { continue };
            let last = entries.iter_mut().rfind(|entry| std::ptr::eq(entry.stream, stream));
            match last {
                Some(entry) if entry.bytes.len() + letter.bytes.len() <= ENTRY_BYTES => {
                    entry.bytes.extend(&letter.bytes);
                    entry.letters += 1;
                }
                _ => {
                    let mut bytes = from.to_le_bytes().to_vec();
                    bytes.extend(&letter.bytes);
                    entries.push(Entry { stream, bytes, letters: 1 });
                }
            }
        }
        entries
    }
}

impl Stream {
    fn new(key: String) -> Stream {
        // FNV-1a: the same for every release, as it stands in regions.
        let number = key.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        });
        Stream { number: number.max(1), key }
    }
}

/// Which region an entry is from, and its letters.
pub(super) fn parse(entry: &[u8]) -> Option<(u64, &[u8])> {
    let (from, letters) = entry.split_first_chunk()?;
    Some((u64::from_le_bytes(*from), letters))
}

/// An entry's place, from how the server writes it.
pub(super) fn place(id: &str) -> Option<StreamPlace> {
    let (milliseconds, number) = id.split_once('-')?;
    Some((milliseconds.parse().ok()?, number.parse().ok()?))
}

/// The same as the server writes it.
pub(super) fn id((milliseconds, number): StreamPlace) -> String {
    format!("{milliseconds}-{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(about: u64, length: usize) -> Letter {
        Letter { about, bytes: vec![about as u8; length] }
    }

    #[test]
    fn letters_about_one_session_stay_in_order_on_one_stream() {
        let streams = Streams::new("s", 3);
        let letters: Vec<Letter> = (0..90).map(|number| letter(number % 9, 100)).collect();
        let entries = streams.entries(7, &letters);
        assert_eq!(entries.len(), 3);
        for about in 0..9_u8 {
            let holds = |entry: &&Entry<'_>| parse(&entry.bytes).unwrap().1.contains(&about);
            let [entry] = entries.iter().filter(holds).collect::<Vec<_>>()[..] else { panic!("{about}") };
            assert_eq!(parse(&entry.bytes).unwrap().0, 7);
        }
    }

    #[test]
    fn an_entry_has_a_length_at_which_servers_are_at_ease() {
        let streams = Streams::new("s", 1);
        let letters: Vec<Letter> = (0..100).map(|number| letter(number, 10_000)).collect();
        let entries = streams.entries(7, &letters);
        assert!(entries.len() > 10 && entries.iter().all(|entry| entry.bytes.len() <= ENTRY_BYTES + 8));
        let sum: usize = entries.iter().map(|entry| entry.bytes.len() - 8).sum();
        assert_eq!(sum, 1_000_000);
        assert_eq!(streams.entries(7, &[letter(1, 200_000)]).len(), 1);
    }

    #[test]
    fn places_are_read_as_they_are_written() {
        assert_eq!(place(&id((5, 7))), Some((5, 7)));
        for odd in ["", "5", "5-", "-7", "a-b", "5-7-9"] {
            assert_eq!(place(odd), None, "{odd}");
        }
        assert!(parse(&[1; 7]).is_none());
    }
}
