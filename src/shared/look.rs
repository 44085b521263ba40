//! A region seen from outside, by an operator: what is in it, who uses it, and the end of all of it.
//!
//! Whoever looks takes no part: no keys are needed, nothing opens, and a mapping to look through cannot be written to.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::carrier::{self, Relay};
use super::counters::Counter;
use super::file;
use super::index;
use super::layout::{Layout, Recognised, UNIT_BYTES, word};
use super::log;
use super::mapping::Mapping;
use super::memory::Memory;
use super::record::{HEADER, Header, Kind};
use super::region::{self, Cell, NameCell};
use super::scope;
use super::tally::{self, Process};
use crate::base::clock;

/// Which region is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// The one in this file.
    File(PathBuf),
    /// The one that this process has mapped, with or without a name.
    OfProcess(u32),
}

/// A region to look at.
pub struct Look {
    mapping: Mapping,
    layout: Layout,
}

/// What is in a region, and what was done with it.
#[derive(Clone, Debug)]
pub struct Report {
    /// The region's size.
    pub bytes: u64,
    /// When it was made, in seconds since the epoch.
    pub made: i64,
    /// How many bytes of records it holds.
    pub ring: u64,
    /// How many bytes of records were ever written to it.
    pub written: u64,
    /// The sessions in it.
    pub sessions: Sessions,
    /// Who uses it.
    pub processes: Vec<Process>,
    /// The relay that carries its sessions to other machines, if there is one, or was until it was killed.
    pub relay: Option<Relay>,
    totals: [u64; Counter::ALL.len()],
}

/// The sessions that a region holds. Of a large one a part is counted, and the rest estimated by it.
#[derive(Clone, Debug, Default)]
pub struct Sessions {
    /// How many could be resumed now.
    pub live: u64,
    /// Of these, for single use.
    pub single_use: u64,
    /// How many have expired, and wait to be overwritten.
    pub expired: u64,
    /// The bytes of all of these.
    pub bytes: u64,
    /// How long ago the full handshakes of the live ones were, in seconds: how many below each of `AGES`, and how many above all.
    pub ages: [u64; AGES.len() + 1],
    /// The oldest of them.
    pub oldest: u64,
    /// How many live ones were sealed by the key of each tag.
    pub keys: Vec<(u16, u64)>,
}

/// The limits between which ages are counted, in seconds.
pub const AGES: [u64; 5] = [60, 600, 3600, 6 * 3600, 24 * 3600];

impl Report {
    /// What all processes have counted.
    pub fn counted(&self, counter: Counter) -> u64 {
        self.totals.get(counter as usize).copied().unwrap_or(0)
    }
}

impl Look {
    /// Opens a region to look at it. The error is a sentence.
    pub fn at(which: &Which) -> Result<Look, String> {
        let (mapping, layout) = open(which, Access::Look)?;
        Ok(Look { mapping, layout })
    }

    /// What is there at this moment, in seconds since the epoch.
    pub fn report(&self, now: i64) -> Report {
        let Look { mapping, layout } = self;
        Report {
            bytes: layout.bytes,
            made: mapping.load(word::MADE).cast_signed(),
            ring: layout.units * UNIT_BYTES,
            written: log::head(mapping).saturating_mul(UNIT_BYTES),
            sessions: sessions(mapping, layout, now),
            processes: tally::processes(mapping),
            relay: carrier::relay(mapping),
            totals: Counter::ALL.map(|counter| tally::total(mapping, counter)),
        }
    }
}

/// Ends every session of a region, or those under this name (`SESSCACHE_SCOPE`) and by chance one in 256 others.
pub fn flush(which: &Which, name: Option<&str>) -> Result<(), String> {
    let (mapping, _) = open(which, Access::Write)?;
    let stamp = clock::milliseconds();
    match name {
        Some(name) => region::flush_named(&mapping, scope::name_cell(name), stamp),
        None => Cell::all().for_each(|cell| region::flush(&mapping, cell, stamp)),
    }
    mapping.add(word::PAST + Counter::Flush as usize, 1);
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Look,
    Write,
}

fn open(which: &Which, access: Access) -> Result<(Mapping, Layout), String> {
    match which {
        Which::File(path) => {
            let fail = |what: String| format!("{}: {what}", path.display());
            let file = open_file(path, access).map_err(|error| fail(error.to_string()))?;
            map(&file, access).map_err(fail)
        }
        Which::OfProcess(pid) => of_process(*pid, access),
    }
}

fn open_file(path: &Path, access: Access) -> io::Result<File> {
    // Without waiting, should it be a pipe.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    OpenOptions::new().read(true).write(access == Access::Write).custom_flags(flags).open(path)
}

fn map(file: &File, access: Access) -> Result<(Mapping, Layout), String> {
    let length = file.metadata().map_err(|error| error.to_string())?.len();
    let layout = Layout::of(length).filter(|_| file::is_region(file)).ok_or("is not a region")?;
    let mapping = match access {
        Access::Look => Mapping::to_look_at(file, layout.bytes),
        Access::Write => Mapping::of_file(file, layout.bytes),
    };
    let mapping = mapping.map_err(|error| format!("cannot be mapped: {error}"))?;
    match layout.recognise(&mapping) {
        Recognised::Ours => Ok((mapping, layout)),
        Recognised::Newer(format) => Err(format!("has format {format}, of a later release than this one")),
        Recognised::Foreign => Err("is a region of an earlier release, or damaged".to_owned()),
    }
}

/// Maps a region's file for one who brings records.
pub(super) fn map_to_write(file: &File) -> Result<(Mapping, Layout), String> {
    map(file, Access::Write)
}

/// Memory that several processes share has a name for the system, even if it has none in any folder.
fn of_process(pid: u32, access: Access) -> Result<(Mapping, Layout), String> {
    let fail = |what: &str, error: io::Error| format!("process {pid}: {what}: {error}");
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps"))
        .map_err(|error| fail("its mappings cannot be read", error))?;
    for line in maps.lines() {
        let mut fields = line.split_ascii_whitespace();
        let (Some(range), Some("rw-s"), Some("00000000")) = (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let path = PathBuf::from(format!("/proc/{pid}/map_files/{range}"));
        let found = path
            .metadata()
            .map_err(|error| fail("its shared memory cannot be reached, which takes root", error))?;
        // A device might mind being opened.
        if !found.is_file() {
            continue;
        }
        let file =
            open_file(&path, access).map_err(|error| fail("its shared memory cannot be opened", error))?;
        if file::is_region(&file) {
            return map(&file, access).map_err(|what| format!("the region of process {pid} {what}"));
        }
    }
    Err(format!(
        "process {pid} has no region: it runs without the library, or SESSCACHE_SHARED is not set for it"
    ))
}

/// No key file has so many: more are somebody's invention.
const KEYS_TOLD: usize = 64;
/// A look at so many buckets takes some milliseconds.
const LOOKED_AT: u64 = 1 << 16;

fn sessions(memory: &impl Memory, layout: &Layout, now: i64) -> Sessions {
    let mut sessions = Sessions::default();
    let step = layout.buckets.div_ceil(LOOKED_AT).max(1);
    let buckets = (0..layout.buckets).step_by(usize::try_from(step).unwrap_or(usize::MAX));
    for seen in buckets.flat_map(|bucket| index::bucket(memory, layout, bucket)) {
        let Some(position) = seen.position(memory, layout) else { continue };
        let mut words = [0; HEADER];
        if !log::copy(memory, layout, position, &mut words) {
            continue;
        }
        let Some(header) = Header::of(&words).filter(|header| header.kind.is_session()) else { continue };
        let cells = header.tags.owner.map(Cell);
        if !region::is_flushed(memory, position, header.made(), cells, NameCell(header.tags.name)) {
            sessions.meet(&header, now);
        }
    }
    sessions.scaled(step)
}

impl Sessions {
    fn meet(&mut self, header: &Header, now: i64) {
        self.bytes += ((HEADER * 8 + header.length) as u64).next_multiple_of(UNIT_BYTES);
        if header.expiry < now {
            self.expired += 1;
            return;
        }
        self.live += 1;
        self.single_use += u64::from(header.kind == Kind::Single);
        let age = u64::try_from(now.saturating_sub(header.origin)).unwrap_or(0);
        self.oldest = self.oldest.max(age);
        let class = AGES.iter().position(|limit| age < *limit).unwrap_or(AGES.len());
        if let Some(count) = self.ages.get_mut(class) {
            *count += 1;
        }
        let known = self.keys.iter_mut().find(|(tag, _)| *tag == header.tags.key);
        if let Some((_, count)) = known {
            *count += 1;
        } else if self.keys.len() < KEYS_TOLD {
            self.keys.push((header.tags.key, 1));
        }
    }

    /// For all, where one in `step` was looked at.
    fn scaled(mut self, step: u64) -> Sessions {
        let counts = [&mut self.live, &mut self.single_use, &mut self.expired, &mut self.bytes];
        let more = self.ages.iter_mut().chain(self.keys.iter_mut().map(|(_, count)| count));
        counts.into_iter().chain(more).for_each(|count| *count *= step);
        self.keys.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        self
    }
}
