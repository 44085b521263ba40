//! For the fuzzer: a region whose memory somebody else writes to, and key files of any content.

use super::counters::Counter;
use super::keys;
use super::layout::Layout;
use super::memory::{Heap, Memory};
use super::record::Use;
use super::region::{NameCell, Region, Standing};
use super::scope::Scope;
use super::seal::{Address, SealingKey, Terms};
use super::tally::{self, Remark, Tally};
use crate::cache::SessionKey;

/// What is done to the region, by us and by the one who writes to it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Put {
        id: u8,
        length: u8,
    },
    Find(u8),
    Take(u8),
    Remove(u8),
    Flush,
    Count,
    /// A word becomes this.
    Write {
        at: u16,
        word: u64,
    },
    /// A word becomes what another one is.
    Copy {
        from: u16,
        to: u16,
    },
}

/// Plays the steps: whatever opens is what was sealed for that id, and the region stays in its bounds.
pub(crate) fn play(steps: impl Iterator<Item = Step>) {
    let layout = Layout::tiny(3, 64);
    let memory = Heap::new(layout.words());
    layout.inscribe(&memory, 1);
    let region = Region::new(&memory, layout, NameCell(1));
    let key = SealingKey::new(&[7; 32]);
    let scope = Scope::of_service([0; 32]);
    let cell = scope.cell();
    let tally = Tally::new();
    // Every second place is in the header; the rest has fewer words.
    let records = layout.bucket(0);
    let place = |at: u16| match usize::from(at / 2) {
        half if at.is_multiple_of(2) => half % records,
        half => records + half % (memory.words() - records),
    };
    for step in steps {
        match step {
            Step::Put { id, length } => {
                let Some(session) = session(id) else { continue };
                let terms = Terms { usage: Use::Many, origin: 1, expiry: 2, named: NameCell(1), boot: b"" };
                let address = Address { scope: &scope, key: &session };
                let sealed = key.seal(address, &terms, &content(id, length));
                let published = sealed.and_then(|(name, words)| region.put(name, cell, &words));
                if let Some(published) = published {
                    // The memory may say what it wants, but it says one of these.
                    let standing = region.standing(published);
                    assert!(matches!(standing, Standing::Stands | Standing::Overwritten | Standing::Gone));
                }
            }
            Step::Find(id) | Step::Take(id) => {
                let Some(session) = session(id) else { continue };
                let address = Address { scope: &scope, key: &session };
                let Ok(mut found) = region.find(key.name(&session), Ok) else { continue };
                if let Some(der) = key.open(address, b"", &mut found) {
                    let length = u8::try_from(der.len()).unwrap_or_default();
                    assert!(der[..] == content(id, length), "a record opens that was never sealed");
                    assert!(found.header.origin == 1 && found.header.expiry == 2, "its times were changed");
                }
                if matches!(step, Step::Take(_)) {
                    let first = region.take(&found);
                    assert!(!(first && region.take(&found)), "a record was taken twice");
                }
            }
            Step::Remove(id) => {
                let Some(session) = session(id) else { continue };
                region.remove(key.name(&session));
            }
            Step::Flush => region.flush(cell),
            Step::Write { at, word } => memory.store(place(at), word),
            Step::Copy { from, to } => {
                let word = memory.load(place(from));
                memory.store(place(to), word);
            }
            Step::Count => {
                tally.count(&memory, Counter::Hit);
                tally.remark(&memory, Remark::Stateless);
            }
        }
    }
    assert!(layout.ring(u64::MAX, usize::MAX / 4) < memory.words());
    let _ = tally::total(&memory, Counter::Hit);
    assert!(tally::processes(&memory).len() <= super::layout::PROCESSES);
}

fn session(id: u8) -> Option<SessionKey> {
    SessionKey::new(0x0303, &[id % 8; 32])
}

fn content(id: u8, length: u8) -> Vec<u8> {
    vec![id % 8; usize::from(length)]
}

/// Reads a key file of any content: what is accepted are keys of the file, and nothing of them is in what is refused.
pub(crate) fn read_key_file(text: &str) {
    match keys::parse(text) {
        Ok(keys) => {
            let lines: Vec<String> = keys.iter().map(|key| keys::encode(key).to_string()).collect();
            assert!(lines.iter().all(|line| text.contains(line.trim_end())), "a key that is not in the file");
            assert!(keys::parse(&lines.concat()).is_ok_and(|again| again == keys));
        }
        Err(error) => {
            // What could be a key; a line that reads like our sentence is none.
            let may_be_key = |line: &&str| line.len() > 40 && !line.contains(' ');
            for line in text.lines().map(str::trim).filter(may_be_key) {
                assert!(!error.contains(line), "the error shows a line of the file");
            }
        }
    }
}
