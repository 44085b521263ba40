//! Making and attaching a region: a file that unrelated processes share, or memory that a fork inherits.
//!
//! A file is made whole before it has its name, and never repaired: a region whose header does not fit is replaced by a new
//! one, and what was never a region is left alone.
//! Its space is allocated at once, so a full disk is an error here and never a signal later.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{
    AtFlags, CWD, FallocateFlags, Mode, OFlags, fallocate, fstatfs, linkat, openat, rename, unlink,
};
use rustix::io::retry_on_intr;
use rustix::process::{Resource, geteuid, getrlimit};

use super::layout::{Layout, MAGIC, Recognised, word};
use super::mapping::Mapping;

/// A region that is mapped and has a header of ours.
pub(super) struct Attached {
    pub(super) mapping: Mapping,
    pub(super) layout: Layout,
}

/// Memory without a name. The system counts all of it now, so that it cannot run out later.
pub(super) fn anonymous(bytes: u64, now: i64) -> Result<Attached, String> {
    let layout = layout_of(bytes)?;
    let mapping = Mapping::anonymous(bytes)
        .map_err(|error| format!("no memory of {bytes} bytes can be mapped: {error}"))?;
    layout.inscribe(&mapping, now);
    Ok(Attached { mapping, layout })
}

/// The region in this file, which is made if there is none. An existing one keeps its size.
pub(super) fn open(path: &Path, bytes: u64, now: i64) -> Result<Attached, String> {
    let fail = |what: String| format!("{}: {what}", path.display());
    layout_of(bytes)?;
    check_folders(path).map_err(fail)?;
    // Another process may be making or replacing it at this very moment.
    for _ in 0..8 {
        match attach(path).map_err(fail)? {
            Attempt::Attached(attached) => return Ok(attached),
            Attempt::Missing => create(path, bytes, now, Name::New).map_err(fail)?,
            Attempt::Foreign(file) => replace(path, &file, bytes, now).map_err(fail)?,
        }
    }
    Err(fail("it is replaced again and again by others".to_owned()))
}

fn layout_of(bytes: u64) -> Result<Layout, String> {
    Layout::of(bytes).ok_or_else(|| format!("a region of {bytes} bytes is too small or too large"))
}

enum Attempt {
    Attached(Attached),
    Missing,
    /// Something that is no region of this format.
    Foreign(File),
}

fn attach(path: &Path) -> Result<Attempt, String> {
    let mut options = OpenOptions::new();
    // Without waiting, should it be a pipe.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = match options.read(true).write(true).custom_flags(flags.bits().cast_signed()).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Attempt::Missing),
        Err(error) => return Err(format!("cannot be opened for reading and writing: {error}")),
    };
    let found = file.metadata().map_err(|error| error.to_string())?;
    if !found.is_file() {
        return Err("is not a regular file".to_owned());
    }
    check_owner(&found)?;
    if found.mode() & 0o007 != 0 {
        return Err(
            "is open to everybody: its mode should be 600, or 660 for a group that is trusted".to_owned()
        );
    }
    check_filesystem(&file)?;
    // A file with holes could run out of space under us.
    let whole = found.blocks() * 512 >= found.len();
    if found.len() > 0 && !is_region(&file) {
        return Err(
            "is no region but something else: it is left alone; name another file, or remove it".to_owned()
        );
    }
    let Some(layout) = Layout::of(found.len()).filter(|_| whole) else { return Ok(Attempt::Foreign(file)) };
    let mapping =
        Mapping::of_file(&file, layout.bytes).map_err(|error| format!("cannot be mapped: {error}"))?;
    match layout.recognise(&mapping) {
        Recognised::Ours => Ok(Attempt::Attached(Attached { mapping, layout })),
        Recognised::Foreign => Ok(Attempt::Foreign(file)),
        Recognised::Newer(format) => {
            Err(format!("has format {format}, of a later release than this one: it is left alone"))
        }
    }
}

/// Whether it begins as a region does: of whatever format, and whatever has become of the rest.
pub(super) fn is_region(file: &File) -> bool {
    let mut bytes = [0; 8];
    let at = word::MAGIC as u64 * 8;
    file.read_exact_at(&mut bytes, at).is_ok() && u64::from_ne_bytes(bytes) == MAGIC
}

/// A file beyond the process's limit would not be an error but a signal, which ends the process.
pub(super) fn check_limit(bytes: u64) -> Result<(), String> {
    match getrlimit(Resource::Fsize).current {
        Some(limit) if limit < bytes => {
            Err(format!("a file of {bytes} bytes is more than this process may make ({limit})"))
        }
        _ => Ok(()),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Name {
    /// The first to give it wins.
    New,
    /// In place of what has it now.
    Taken,
}

/// Makes a region and gives it its name. That somebody else was first is no error.
fn create(path: &Path, bytes: u64, now: i64, name: Name) -> Result<(), String> {
    let layout = layout_of(bytes)?;
    let folder = folder(path);
    // A file without a name: should we be killed now, nothing is left behind.
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let file = openat(CWD, folder, flags, Mode::RUSR | Mode::WUSR)
        .map(File::from)
        .map_err(|error| format!("no file can be made in {}: {error}", folder.display()))?;
    check_filesystem(&file)?;
    check_limit(bytes)?;
    retry_on_intr(|| fallocate(&file, FallocateFlags::empty(), 0, bytes))
        .map_err(|error| format!("{bytes} bytes cannot be allocated: {error}"))?;
    let mapping = Mapping::of_file(&file, bytes).map_err(|error| format!("cannot be mapped: {error}"))?;
    layout.inscribe(&mapping, now);
    give_name(&file, path, name).map_err(|error| format!("cannot be made: {error}"))
}

/// Names a file that was made without a name.
pub(super) fn give_new_name(file: &File, path: &Path) -> io::Result<()> {
    give_name(file, path, Name::New)
}

fn give_name(file: &File, path: &Path, name: Name) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    let own = format!("/proc/self/fd/{}", file.as_raw_fd());
    if name == Name::New {
        return match linkat(CWD, own.as_str(), CWD, path, AtFlags::SYMLINK_FOLLOW) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => Ok(()),
            Err(error) => Err(error.into()),
        };
    }
    let aside = aside(path);
    let _ = unlink(&aside);
    linkat(CWD, own.as_str(), CWD, &aside, AtFlags::SYMLINK_FOLLOW)?;
    rename(&aside, path).map_err(|error| {
        let _ = unlink(&aside);
        error.into()
    })
}

/// Replaces a file that is no region of ours, unless another process has done so already.
fn replace(path: &Path, foreign: &File, bytes: u64, now: i64) -> Result<(), String> {
    let own = foreign.metadata().map_err(|error| error.to_string())?;
    // The name a rename goes through is one for all, so one at a time; who dies lets go of the lock.
    for _ in 0..100 {
        match foreign.try_lock() {
            Ok(()) => {
                let there = path.symlink_metadata().map_err(|error| error.to_string());
                return match there {
                    Ok(there) if (there.dev(), there.ino()) == (own.dev(), own.ino()) => {
                        create(path, bytes, now, Name::Taken)
                    }
                    _ => Ok(()),
                };
            }
            Err(_) => std::thread::sleep(Duration::from_millis(10)),
        }
    }
    Err("is not a region of this format, and another process holds a lock on it".to_owned())
}

fn aside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("/"))
}

/// Whoever may rename in one of the folders could put a file of theirs in our place.
pub(super) fn check_folders(path: &Path) -> Result<(), String> {
    const STICKY: u32 = 0o1000;
    let named = folder(path);
    // Where folders are links both count: where the links stand, and what they lead to.
    let last =
        named.canonicalize().map_err(|error| format!("{} cannot be read: {error}", named.display()))?;
    for folder in named.ancestors().chain(last.ancestors()).filter(|folder| !folder.as_os_str().is_empty()) {
        let found = folder
            .symlink_metadata()
            .map_err(|error| format!("{} cannot be read: {error}", folder.display()))?;
        if found.is_symlink() {
            if !is_trusted(found.uid()) {
                return Err(format!("the link {} belongs to another user", folder.display()));
            }
            continue;
        }
        if !is_trusted(found.uid()) {
            return Err(format!("the folder {} belongs to another user", folder.display()));
        }
        if found.mode() & 0o022 != 0 && found.mode() & STICKY == 0 {
            return Err(format!("others may rename files in the folder {}", folder.display()));
        }
    }
    Ok(())
}

pub(super) fn check_owner(found: &std::fs::Metadata) -> Result<(), String> {
    if is_trusted(found.uid()) { Ok(()) } else { Err("belongs to another user".to_owned()) }
}

fn is_trusted(user: u32) -> bool {
    user == 0 || user == geteuid().as_raw()
}

/// Those that keep the space that was allocated, whatever is written.
fn check_filesystem(file: &File) -> Result<(), String> {
    const KNOWN: [i64; 4] = [
        0x0102_1994, // tmpfs
        0x8584_58f6, // ramfs
        0xef53,      // ext4
        0x5846_5342, // xfs
    ];
    let kind = fstatfs(file).map_err(|error| error.to_string())?.f_type;
    if KNOWN.contains(&kind) {
        return Ok(());
    }
    Err("lies on a filesystem that may run out of space under a mapping: use one under /dev/shm".to_owned())
}
