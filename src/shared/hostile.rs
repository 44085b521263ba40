//! For the fuzzer: a region whose memory somebody else writes to, and key files of any content.

use std::fs::{self, Permissions};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;

use super::arrivals::{self, From};
use super::counters::Counter;
use super::keys;
use super::layout::{BYTES_MIN, Layout};
use super::look::{Look, Which, flush};
use super::memory::{Heap, Memory};
use super::outbox::{self, Entry};
use super::record::{Kind, Tags};
use super::region::{NameCell, Region, Standing};
use super::scope::{Owner, Scope};
use super::seal::{SealingKey, Terms};
use super::tally::{self, Remark, Tally};
use super::tier::{HostTier, Times};
use crate::base::settings::{Place, Shared};
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
    let scope = Scope::of_service([1; 32]);
    let owner = Owner { common: Some(scope), own: scope };
    let tally = Tally::new();
    // Every second place is in the header; the rest has fewer words.
    let records = layout.bucket(0);
    let place = |at: u16| match usize::from(at / 2) {
        half if at.is_multiple_of(2) => half % records,
        half => records + half % (memory.words().len() - records),
    };
    for (number, step) in (0..).zip(steps) {
        match step {
            Step::Put { id, length } => {
                let Some(session) = session(id) else { continue };
                let terms = Terms {
                    kind: Kind::Many,
                    origin: 1,
                    expiry: 2,
                    stamp: 3,
                    number,
                    named: NameCell(1),
                    boot: b"",
                };
                let sealed = key.seal(key.name(&session), &session, &owner, &terms, &content(id, length));
                let published = sealed.and_then(|(header, words)| region.put(&header, owner.cells(), &words));
                if let Some(published) = published {
                    // The memory may say what it wants, but it says one of these.
                    let standing = region.standing(published);
                    assert!(matches!(standing, Standing::Stands | Standing::Overwritten | Standing::Gone));
                }
            }
            Step::Find(id) | Step::Take(id) => {
                let Some(session) = session(id) else { continue };
                let Ok(mut found) = region.find(key.name(&session), Ok) else { continue };
                if let Some((whose, der)) = key.open(&session, b"", &mut found) {
                    assert!(whose == owner, "its owner was changed");
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
                region.remove(key.name(&session), Tags::default(), 3, 2);
            }
            Step::Flush => region.flush(scope.cell(), 3),
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
    assert!(layout.ring(u64::MAX, usize::MAX / 4) < memory.words().len());
    let _ = tally::total(&memory, Counter::Hit);
    assert!(tally::processes(&memory).len() <= super::layout::PROCESSES);
}

fn session(id: u8) -> Option<SessionKey> {
    SessionKey::new(0x0303, &[id % 8; 32])
}

fn content(id: u8, length: u8) -> Vec<u8> {
    vec![id % 8; usize::from(length)]
}

/// Has letters arrive that somebody has changed, and others that he has made up: what opens is what was put, under its own name.
pub(crate) fn arrive(changes: &[(u16, u8)], made_up: &[u8]) {
    let layout = Layout::tiny(3, 200);
    let memories = [(); 2].map(|()| Heap::new(layout.words()));
    let [sender, receiver] = memories.each_ref().map(|memory| {
        layout.inscribe(memory, 1);
        Region::new(memory, layout, NameCell(1))
    });
    let key = SealingKey::new(&[7; 32]);
    let scope = Scope::of_service([1; 32]);
    let owner = Owner { common: Some(scope), own: scope };
    let expiry = i64::MAX;
    for id in 0..4 {
        let Some(session) = session(id) else { return };
        let terms = Terms {
            kind: Kind::Many,
            origin: 1,
            expiry,
            stamp: 3,
            number: id.into(),
            named: NameCell(1),
            boot: b"",
        };
        if let Some((header, words)) =
            key.seal(key.name(&session), &session, &owner, &terms, &content(id, 40))
        {
            sender.put(&header, owner.cells(), &words);
        }
        if id == 0 {
            sender.remove(key.name(&session), Tags::default(), 4, expiry);
        }
    }
    let records = (0..4).filter_map(|number| match outbox::entry(sender.memory(), &layout, number + 1) {
        Entry::At(position) => Some(sender.record(position)?.1),
        _ => None,
    });
    let mut letters: Vec<u8> = records.flatten().flat_map(u64::to_le_bytes).collect();
    for (at, byte) in changes {
        let at = usize::from(*at) % letters.len().max(1);
        if let Some(place) = letters.get_mut(at) {
            *place = *byte;
        }
    }
    for bytes in [&letters[..], made_up, &letters] {
        let arrivals = arrivals::receive(&receiver, bytes, From::Another);
        arrivals::receive(&receiver, bytes, From::Ourselves);
        let sum = arrivals.put + arrivals.known + arrivals.expired + arrivals.lost + arrivals.odd;
        assert!(sum <= bytes.len() as u64 / 72 + 1, "more than there was");
        for id in 0..8 {
            let Some(session) = session(id) else { return };
            let Ok(mut found) = receiver.find(key.name(&session), Ok) else { continue };
            if let Some((whose, der)) = key.open(&session, b"", &mut found) {
                assert!(whose == owner && der[..] == content(id, 40), "a session that was never shared");
                assert!(
                    found.header.expiry == expiry && found.header.kind == Kind::Many,
                    "its terms were changed"
                );
            }
        }
    }
}

/// Opens a region's file into which somebody has written, and which he may have cut or lengthened: it is used, replaced or refused. What is
/// used afterwards gives what was put there, or nothing.
pub(crate) fn attach(length: Option<u64>, words: &[(u16, u64)]) {
    let folder = Path::new("/dev/shm").join(format!(
        "sesscache-fuzz-{}-{:?}",
        std::process::id(),
        std::thread::current().id()
    ));
    let _ = fs::create_dir(&folder);
    let _ = fs::set_permissions(&folder, Permissions::from_mode(0o700));
    let path = folder.join("region");
    let place = Place::File { path: path.clone(), bytes: BYTES_MIN };
    let settings = Shared::at(place);
    let (Some(session), scope) = (session(1), Scope::of_service([1; 32])) else { return };
    let owner = Owner { common: Some(scope), own: scope };
    let times = Times { origin: 1, expiry: 2 };
    if let Ok(tier) = HostTier::open(&settings, 1) {
        tier.put(&owner, &session, &content(1, 99), times, false);
    }
    if let Ok(file) = fs::OpenOptions::new().write(true).open(&path) {
        for (at, word) in words {
            // Most of them where the header is.
            let at = if at.is_multiple_of(4) { u64::from(*at) * 16 } else { u64::from(*at) % 768 } * 8;
            let _ = file.write_all_at(&word.to_le_bytes(), at);
        }
        if let Some(length) = length {
            let _ = file.set_len(length % (2 * BYTES_MIN));
        }
    }
    let which = Which::File(path);
    if let Ok(look) = Look::at(&which) {
        let report = look.report(1);
        assert!(report.sessions.live <= report.bytes / 16, "more sessions than there is room for");
    }
    if let Ok(tier) = HostTier::open(&settings, 1) {
        for _ in 0..2 {
            if let Some(found) = tier.get(|asked| *asked == owner, &session, 1, false) {
                assert!(found.der[..] == content(1, 99), "a session that was never shared");
            }
            tier.put(&owner, &session, &content(1, 99), times, false);
        }
        tier.remove(&session);
        tier.flush(std::iter::once(scope));
        let _ = tier.counted(Counter::Hit);
    }
    let _ = flush(&which, Some("name"));
    let _ = fs::remove_dir_all(&folder);
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
