//! The keys of a process: from a file, which is looked at again while the process runs, or at random.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};

use once_cell::race::OnceBox;
use zeroize::Zeroizing;

use super::file;
use super::keys::{self, KeyRing, Master};
use super::seal::SealingKey;
use crate::base::log::{self, Level};

/// The keys are looked at again after so many seconds.
const LOOK_AGAIN: u64 = 60;

/// The keys, as they were last read. Whoever uses a ring may go on with it: a newer one is linked behind it.
pub(super) struct Keys {
    first: Link,
    file: Option<PathBuf>,
    looked: AtomicI64,
}

struct Link {
    ring: KeyRing,
    /// What the file was when it was read: change time, device, inode, length.
    version: Option<Version>,
    newer: OnceBox<Link>,
}

pub(crate) type Version = (i64, i64, u64, u64, u64);

impl Keys {
    pub(super) fn fixed(master: Master) -> Result<Keys, String> {
        Keys::new(None, &[master], None, 0)
    }

    pub(super) fn of_file(path: &Path, now: i64) -> Result<Keys, String> {
        let (masters, version) = read(path)?;
        Keys::new(Some(path), &masters, Some(version), now)
    }

    /// The key that lies beside a region's file, made at random if there is none.
    pub(super) fn beside(region: &Path, now: i64) -> Result<Keys, String> {
        let mut path = region.as_os_str().to_owned();
        path.push(".key");
        let path = PathBuf::from(path);
        file::check_folders(&path).map_err(|what| format!("{}: {what}", path.display()))?;
        if !path.exists() {
            make(&path)
                .map_err(|error| format!("the key file {} cannot be made: {error}", path.display()))?;
        }
        Keys::of_file(&path, now)
    }

    fn new(
        file: Option<&Path>,
        masters: &[Master],
        version: Option<Version>,
        now: i64,
    ) -> Result<Keys, String> {
        let ring = KeyRing::new(masters).ok_or("there is no key")?;
        let first = Link { ring, version, newer: OnceBox::new() };
        Ok(Keys { first, file: file.map(Path::to_owned), looked: AtomicI64::new(now) })
    }

    fn last(&self) -> &Link {
        let mut link = &self.first;
        while let Some(newer) = link.newer.get() {
            link = newer;
        }
        link
    }

    pub(super) fn ring(&self) -> &KeyRing {
        &self.last().ring
    }

    /// Which reading of the file the ring is of: other keys are another edition.
    pub(super) fn edition(&self) -> usize {
        std::ptr::from_ref(self.last()).addr()
    }

    /// Keys that were there until the file was read last.
    pub(super) fn gone(&self) -> impl Iterator<Item = &SealingKey> {
        let mut former = None;
        let mut link = &self.first;
        while let Some(newer) = link.newer.get() {
            former = Some(link);
            link = newer;
        }
        let stays = |key: &SealingKey| link.ring.all().any(|other| other.tag() == key.tag());
        former.into_iter().flat_map(|link| link.ring.all()).filter(move |key| !stays(key))
    }

    pub(super) fn look_again(&self, now: i64, at_once: bool) {
        let Some(path) = &self.file else { return };
        let looked = self.looked.load(Ordering::Relaxed);
        // Not only later: the clock may have been set back.
        let due = at_once || now.abs_diff(looked) >= LOOK_AGAIN;
        if !due || self.looked.compare_exchange(looked, now, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            return;
        }
        let last = self.last();
        // In a chroot, or without privileges, it may be out of reach: then the keys stay as they are.
        let Ok(found) = std::fs::metadata(path) else { return };
        if last.version == Some(version(&found)) {
            return;
        }
        match read(path) {
            Ok((masters, version)) => {
                if let Some(ring) = KeyRing::new(&masters) {
                    let link = Link { ring, version: Some(version), newer: OnceBox::new() };
                    let _ = last.newer.set(Box::new(link));
                    log::write(Level::Info, &format!("{}: {} keys", path.display(), masters.len()));
                }
            }
            Err(what) => log::write(Level::Warn, &format!("the keys stay as they were: {what}")),
        }
    }
}

fn version(found: &std::fs::Metadata) -> Version {
    (found.ctime(), found.ctime_nsec(), found.dev(), found.ino(), found.len())
}

pub(crate) fn read(path: &Path) -> Result<(Vec<Master>, Version), String> {
    const LONGEST: u64 = 64 << 10;
    let fail = |what: String| format!("the key file {}: {what}", path.display());
    let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file = std::fs::OpenOptions::new().read(true).custom_flags(flags).open(path);
    let file = file.map_err(|error| fail(format!("cannot be opened: {error}")))?;
    let found = file.metadata().map_err(|error| fail(error.to_string()))?;
    if !found.is_file() {
        return Err(fail("is not a regular file".to_owned()));
    }
    file::check_owner(&found).map_err(fail)?;
    if found.mode() & 0o027 != 0 {
        return Err(fail(
            "can be read by everybody or written by a group: its mode should be 600 or 640".to_owned(),
        ));
    }
    // Allocated once, so that no copy of the keys is left behind by growing.
    let mut text = Zeroizing::new(String::with_capacity(LONGEST as usize));
    file.take(LONGEST).read_to_string(&mut text).map_err(|error| fail(format!("cannot be read: {error}")))?;
    Ok((keys::parse(&text).map_err(fail)?, version(&found)))
}

fn make(path: &Path) -> std::io::Result<()> {
    use rustix::fs::{CWD, Mode, OFlags, openat};
    use std::io::Write;
    let folder = path.parent().unwrap_or(Path::new("/"));
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let mut file = File::from(openat(CWD, folder, flags, Mode::RUSR | Mode::WUSR)?);
    let key = keys::random().ok_or_else(|| std::io::Error::other("the system gives no random bytes"))?;
    let line = keys::encode(&key);
    file::check_limit(line.len() as u64).map_err(std::io::Error::other)?;
    file.write_all(line.as_bytes())?;
    // An empty one, after the power failed, would be refused for good.
    file.sync_all()?;
    file::give_new_name(&file, path)
}
