//! The host tier of one process: a region, the keys, and what the operator set.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};

use once_cell::race::OnceBox;
use zeroize::Zeroizing;

use super::counters::Counter;
use super::file::{self, Attached};
use super::keys::{self, KeyRing, Master};
use super::mapping::Mapping;
use super::record::{DER_MAX, Use};
use super::region::{Cell, Found, Published, Region, Standing};
use super::scope::Scope;
use super::seal::{Address, Terms};
use crate::base::log::{self, Level};
use crate::base::settings::{Place, Shared};
use crate::cache::SessionKey;

/// The keys are looked at again after so many seconds.
const LOOK_AGAIN: u64 = 60;

pub(crate) struct HostTier {
    region: Region<Mapping>,
    keys: Keys,
    max_lifetime: i64,
    /// Names this run of the system. Empty if that cannot be told: then nothing for single use is shared.
    boot: Vec<u8>,
}

/// When a session began and ends, in seconds since the epoch.
#[derive(Clone, Copy)]
pub(crate) struct Times {
    /// The first full handshake of the line of sessions that this one continues.
    pub(crate) origin: i64,
    pub(crate) expiry: i64,
}

/// A session that was found.
pub(crate) struct Resumed {
    pub(crate) der: Zeroizing<Vec<u8>>,
    pub(crate) origin: i64,
    /// Where it stands still; nothing if it was taken out.
    pub(crate) published: Option<Published>,
}

/// A record that has opened.
struct Opened {
    found: Found,
    scope: Scope,
    der: Zeroizing<Vec<u8>>,
}

/// Where a session stands.
pub(crate) struct Located {
    pub(crate) origin: i64,
    pub(crate) single_use: bool,
    pub(crate) published: Published,
}

impl HostTier {
    /// Opens what the settings name. The error is a sentence for the operator.
    pub(crate) fn open(shared: &Shared, now: i64) -> Result<HostTier, String> {
        let (attached, keys) = match &shared.place {
            Place::Anonymous { bytes } => {
                let attached = file::anonymous(*bytes, now)?;
                let keys = match &shared.key_file {
                    Some(path) => Keys::of_file(path, now)?,
                    None => Keys::fixed(keys::random().ok_or("the system gives no random bytes")?)?,
                };
                (attached, keys)
            }
            Place::File { path, bytes } => {
                let keys = match &shared.key_file {
                    Some(path) => Keys::of_file(path, now)?,
                    None => Keys::beside(path, now)?,
                };
                (file::open(path, *bytes, now)?, keys)
            }
        };
        let Attached { mapping, layout } = attached;
        let region = Region::new(mapping, layout);
        Ok(HostTier { region, keys, max_lifetime: shared.max_lifetime, boot: boot_id() })
    }

    /// Shares a session.
    pub(crate) fn put(
        &self,
        scope: &Scope,
        key: &SessionKey,
        der: &[u8],
        times: Times,
        single_use: bool,
    ) -> Option<Published> {
        if der.len() > DER_MAX {
            self.region.count(Counter::TooLarge);
            return None;
        }
        if single_use && self.boot.is_empty() {
            return None;
        }
        let usage = if single_use { Use::Single } else { Use::Many };
        let terms = Terms { usage, origin: times.origin, expiry: times.expiry, boot: &self.boot };
        let ring = self.keys.ring();
        let (name, words) = ring.first().seal(Address { scope, key }, &terms, der)?;
        self.region.put(name, scope.cell(), &words)
    }

    /// Finds a session of one of these scopes. One for single use, or any if `taking`, is taken out: of all who ask, in
    /// whatever process, one gets it.
    pub(crate) fn get(
        &self,
        scopes: impl Iterator<Item = Scope> + Clone,
        key: &SessionKey,
        now: i64,
        taking: bool,
    ) -> Option<Resumed> {
        match self.find(scopes, key, now, taking) {
            Ok(resumed) => {
                self.region.count(Counter::Hit);
                if resumed.published.is_none() {
                    self.region.count(Counter::Taken);
                }
                Some(resumed)
            }
            Err(why) => {
                self.region.count(why);
                None
            }
        }
    }

    fn find(
        &self,
        scopes: impl Iterator<Item = Scope> + Clone,
        key: &SessionKey,
        now: i64,
        taking: bool,
    ) -> Result<Resumed, Counter> {
        self.opened(scopes, key, |Opened { found, scope, der }| {
            let origin = found.header.origin;
            if found.header.expiry < now || self.is_too_old(origin, now) {
                return Err(Counter::Expired);
            }
            let published = match taking || found.is_single_use() {
                true if self.region.take(&found) => None,
                true => return Err(Counter::TakenByOther),
                false => found.published(scope.cell()),
            };
            Ok(Resumed { der, origin, published })
        })
    }

    /// Where a session stands, if it does. Nothing is taken or counted.
    pub(crate) fn locate(
        &self,
        scopes: impl Iterator<Item = Scope> + Clone,
        key: &SessionKey,
    ) -> Option<Located> {
        self.opened(scopes, key, |Opened { found, scope, .. }| {
            let (origin, single_use) = (found.header.origin, found.is_single_use());
            let published = found.published(scope.cell()).ok_or(Counter::Lost)?;
            Ok(Located { origin, single_use, published })
        })
        .ok()
    }

    /// What `accept` makes of the session's record: of the first that opens under one of the keys, in one of the scopes, and
    /// that no flush has ended.
    fn opened<T>(
        &self,
        scopes: impl Iterator<Item = Scope> + Clone,
        key: &SessionKey,
        mut accept: impl FnMut(Opened) -> Result<T, Counter>,
    ) -> Result<T, Counter> {
        let mut why = Counter::Unknown;
        for sealing in self.keys.ring().all() {
            let result = self.region.find(sealing.name(key), |mut found| {
                let opened = scopes.clone().find_map(|scope| {
                    let der = sealing.open(Address { scope: &scope, key }, &self.boot, &mut found)?;
                    Some((scope, der))
                });
                let (scope, der) = opened.ok_or(Counter::Unopened)?;
                if self.region.has_flushed(&found, scope.cell()) {
                    return Err(Counter::Flushed);
                }
                accept(Opened { found, scope, der })
            });
            match result {
                Err(Counter::Unknown) => {}
                Err(reason) => why = reason,
                Ok(accepted) => return Ok(accepted),
            }
        }
        Err(why)
    }

    /// Whether a line of sessions that began then may not go on.
    pub(crate) fn is_too_old(&self, origin: i64, now: i64) -> bool {
        now.saturating_sub(origin) >= self.max_lifetime
    }

    /// Invalidates a session for every process, in whichever scope it is.
    pub(crate) fn remove(&self, key: &SessionKey) {
        let removed: usize =
            self.keys.ring().all().map(|sealing| self.region.remove(sealing.name(key))).sum();
        if removed > 0 {
            self.region.count(Counter::Removed);
        }
    }

    /// Invalidates every session of a scope, for every process.
    pub(crate) fn flush(&self, scope: &Scope) {
        self.region.flush(scope.cell());
        self.region.count(Counter::Flush);
    }

    /// Invalidates every session there is.
    pub(crate) fn flush_all(&self) {
        Cell::all().for_each(|cell| self.region.flush(cell));
        self.region.count(Counter::Flush);
    }

    /// What has become of a session that this process published or found.
    pub(crate) fn standing(&self, published: Published) -> Standing {
        self.region.standing(published)
    }

    /// Takes a published session out. One wins, in whatever process.
    pub(crate) fn take_published(&self, published: Published) -> bool {
        let won = self.region.take_published(published);
        self.region.count(if won { Counter::Taken } else { Counter::TakenByOther });
        won
    }

    /// Looks at the key file, if that was long ago or a context is being made.
    pub(crate) fn look_at_keys(&self, now: i64, at_once: bool) {
        self.keys.look_again(now, at_once);
    }

    /// What all processes of the region have counted.
    pub(crate) fn counted(&self, counter: Counter) -> u64 {
        self.region.counted(counter)
    }
}

/// The keys, as they were last read. Whoever uses a ring may go on with it: a newer one is linked behind it.
struct Keys {
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

type Version = (i64, i64, u64, u64, u64);

impl Keys {
    fn fixed(master: Master) -> Result<Keys, String> {
        Keys::new(None, &[master], None, 0)
    }

    fn of_file(path: &Path, now: i64) -> Result<Keys, String> {
        let (masters, version) = read(path)?;
        Keys::new(Some(path), &masters, Some(version), now)
    }

    /// The key that lies beside a region's file, made at random if there is none.
    fn beside(region: &Path, now: i64) -> Result<Keys, String> {
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

    fn ring(&self) -> &KeyRing {
        &self.last().ring
    }

    fn look_again(&self, now: i64, at_once: bool) {
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

fn read(path: &Path) -> Result<(Vec<Master>, Version), String> {
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

fn boot_id() -> Vec<u8> {
    std::fs::read("/proc/sys/kernel/random/boot_id").unwrap_or_default()
}
