//! A region as its relay uses it: no key is needed, nothing is opened, and what comes from elsewhere is believed no more than
//! what stands in the region.
//!
//! What a relay has to remember it keeps in the region's header, with what it is about: a region that is made anew has it no more.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::arrivals::{self, Arrivals, From};
use super::layout::{UNIT_BYTES, word};
use super::log;
use super::look;
use super::mapping::Mapping;
use super::memory::Memory;
use super::region::{NameCell, Region};
use super::{file, keys, outbox};
use crate::base::clock;

/// Places from `word::RELAY` on.
const SENT: usize = word::RELAY;
const SETTLED: usize = word::RELAY + 1;
const PID: usize = word::RELAY + 2;
const SEEN: usize = word::RELAY + 3;
const LETTERS_OUT: usize = word::RELAY + 4;
const LETTERS_IN: usize = word::RELAY + 5;
const TROUBLE: usize = word::RELAY + 6;
const NEXT: usize = word::RELAY + 7;
const AGAIN: usize = word::RELAY + 8;
const PLACES: usize = word::RELAY + 16;
const PLACE_WORDS: usize = 3;
/// How many streams a relay may have.
pub const STREAMS_MAX: usize = 32;
const _: () = assert!(PLACES + STREAMS_MAX * PLACE_WORDS <= word::EPOCHS);

/// A region, for the one relay that it has.
pub struct Carrier {
    pub(super) region: Region<Mapping>,
    path: PathBuf,
    file: File,
    id: u64,
}

/// A stream's entry, as its server numbers them: milliseconds, and one of these.
pub type StreamPlace = (u64, u64);

/// A region's relay, as it tells of itself.
#[derive(Clone, Debug)]
pub struct Relay {
    /// Its number, in its own namespace of processes.
    pub pid: u32,
    /// When it was last seen at work, in seconds since the epoch.
    pub seen: i64,
    /// How many records and removals it has carried away.
    pub sent: u64,
    /// How many it has brought.
    pub received: u64,
    /// How many are yet to be carried.
    pub behind: u64,
    /// Whether the server cannot be reached.
    pub troubled: bool,
}

/// Held by the relay of a region, whatever becomes of the region's file.
pub struct Lock(#[allow(dead_code, reason = "it is held, not used")] File);

impl Lock {
    /// `None` if another relay has it.
    pub fn take(region: &Path) -> Result<Option<Lock>, String> {
        let mut path = region.as_os_str().to_owned();
        path.push(".relay");
        let path = PathBuf::from(path);
        let fail = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        file::check_folders(&path).map_err(|what| fail(&what))?;
        let flags = OFlags::NOFOLLOW.bits().cast_signed();
        let mut options = OpenOptions::new();
        let file = options.create(true).truncate(false).write(true).mode(0o600).custom_flags(flags);
        let file = file.open(&path).map_err(|error| fail(&error))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(fail(&error)),
        }
    }
}

impl Carrier {
    /// Opens a region's file. If there is none it is made with that many bytes, or waited for: then there is nothing. The
    /// error is a sentence.
    pub fn open(path: &Path, bytes: Option<u64>) -> Result<Option<Carrier>, String> {
        // What is there stays as it is: of another format it may be in use.
        if let Some(bytes) = bytes.filter(|_| !path.exists()) {
            file::open(path, bytes, clock::now())?;
        }
        let fail = |what: String| format!("{}: {what}", path.display());
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
        let file = match OpenOptions::new().read(true).write(true).custom_flags(flags).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(fail(error.to_string())),
        };
        let found = file.metadata().map_err(|error| fail(error.to_string()))?;
        file::check_owner(&found).map_err(fail)?;
        let (mapping, layout) = look::map_to_write(&file).map_err(fail)?;
        let number = keys::random().ok_or("the system gives no random bytes")?;
        let number = number.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes)).max(1);
        mapping.exchange(word::ID, 0, number);
        mapping.store(PID, std::process::id().into());
        let id = mapping.load(word::ID);
        let region = Region::new(mapping, layout, NameCell(0));
        Ok(Some(Carrier { region, path: path.to_owned(), file, id }))
    }

    /// Whether the region's name still leads to this region.
    pub fn is_in_place(&self) -> bool {
        let (Ok(own), Ok(there)) = (self.file.metadata(), self.path.symlink_metadata()) else { return false };
        (own.dev(), own.ino()) == (there.dev(), there.ino())
    }

    /// The region's own number, which no other has.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// How many bytes of records the region holds.
    pub fn room(&self) -> u64 {
        self.region.layout().units * UNIT_BYTES
    }

    /// How many bytes of records were ever written to it.
    pub fn written(&self) -> u64 {
        log::head(self.region.memory()).saturating_mul(UNIT_BYTES)
    }

    /// How many entries of the outbox are yet to be carried.
    pub fn behind(&self) -> u64 {
        behind(self.region.memory())
    }

    /// Takes in what another machine's relay has sent.
    pub fn receive(&self, letters: &[u8], from: From) -> Arrivals {
        arrivals::receive(&self.region, letters, from)
    }

    /// How far a stream has been read, if any of it was. A stream is known by a number, which is not nought.
    pub fn place(&self, stream: u64) -> Option<StreamPlace> {
        let at = self.place_of(stream).filter(|at| self.region.memory().load(*at) == stream)?;
        Some((self.region.memory().load(at + 1), self.region.memory().load(at + 2)))
    }

    /// Remembers how far a stream has been read.
    pub fn set_place(&self, stream: u64, (milliseconds, number): StreamPlace) {
        let memory = self.region.memory();
        let Some(at) = self.place_of(stream) else { return };
        // Should we end in between, something is read twice, and nothing is skipped.
        memory.store(at + 2, number);
        memory.store(at + 1, milliseconds);
        memory.store(at, stream);
    }

    /// Where the stream's place is, or could be.
    fn place_of(&self, stream: u64) -> Option<usize> {
        let memory = self.region.memory();
        let places = || (0..STREAMS_MAX).map(|number| PLACES + number * PLACE_WORDS);
        let holds = |value: u64| places().find(|at| memory.load(*at) == value);
        // Where all are in use, by streams that a relay had before, one of these goes.
        let any = || places().nth(usize::try_from(stream).unwrap_or(0) % STREAMS_MAX);
        holds(stream).or_else(|| holds(0)).or_else(any)
    }

    /// Asks for everything to be sent again. Whatever becomes of this relay: it is asked of the next one, too.
    pub fn ask_again(&self) {
        self.region.memory().add(AGAIN, 1);
    }

    /// Which wish it is, if there is one.
    pub(super) fn asks_again(&self) -> Option<u64> {
        Some(self.region.memory().load(AGAIN)).filter(|wish| *wish != 0)
    }

    /// That wish has come true. One that was uttered meanwhile is another one.
    pub(super) fn has_sent_again(&self, wish: u64) {
        self.region.memory().exchange(AGAIN, wish, 0);
    }

    /// How far the outbox has been carried: this many entries, and all that was written before this position of the ring.
    pub(super) fn sent(&self) -> (u64, u64) {
        (self.region.memory().load(SENT), self.region.memory().load(SETTLED))
    }

    pub(super) fn set_sent(&self, sent: u64, settled: u64) {
        self.region.memory().store(SETTLED, settled);
        self.region.memory().store(SENT, sent);
    }

    /// For who looks: all entries before this one have been carried, but for those of writers that sleep.
    pub(super) fn set_next(&self, next: u64) {
        self.region.memory().store(NEXT, next);
    }

    /// Shows that the relay is at work, and what it has carried away and brought since it said so last.
    pub fn tell(&self, sent: u64, received: u64, troubled: bool) {
        let memory = self.region.memory();
        memory.store(SEEN, clock::now().cast_unsigned());
        memory.add(LETTERS_OUT, sent);
        memory.add(LETTERS_IN, received);
        memory.store(TROUBLE, troubled.into());
    }
}

impl Drop for Carrier {
    /// Who looks at the region is not told of a relay that has ended as it should.
    fn drop(&mut self) {
        self.region.memory().exchange(PID, std::process::id().into(), 0);
    }
}

fn behind(memory: &impl Memory) -> u64 {
    outbox::head(memory).saturating_sub(memory.load(NEXT))
}

/// What a region's relay tells of itself, if there is one, or was until it was killed.
pub(super) fn relay(memory: &impl Memory) -> Option<Relay> {
    let pid = u32::try_from(memory.load(PID)).ok().filter(|pid| *pid != 0)?;
    Some(Relay {
        pid,
        seen: memory.load(SEEN).cast_signed(),
        sent: memory.load(LETTERS_OUT),
        received: memory.load(LETTERS_IN),
        behind: behind(memory),
        troubled: memory.load(TROUBLE) != 0,
    })
}
