//! The host tier of one process: a region, the keys, and what the operator set.

use super::counters::Counter;
use super::file::{self, Attached};
use super::key_file::Keys;
use super::keys;
use super::mapping::Mapping;
use super::nonces::Nonces;
use super::record::{DER_MAX, Kind, STAMP_END, Tags};
use super::region::{Cell, Found, Published, Region, Standing};
use super::scope::{self, Owner, Scope};
use super::seal::{SealingKey, Terms};
use super::tally::{self, Remark, Tally};
use crate::base::clock;
use crate::base::secret::Secret;
use crate::base::settings::{Place, Shared};
use crate::cache::SessionKey;

pub(crate) struct HostTier {
    region: Region<Mapping>,
    keys: Keys,
    nonces: Nonces,
    tally: Tally,
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
    pub(crate) der: Secret,
    pub(crate) origin: i64,
    /// It stands where it stood; nothing if it was taken out.
    pub(crate) again: Option<Again>,
}

/// What is to be known of a session to find it again without opening it.
#[derive(Clone, Copy)]
pub(crate) struct Again {
    published: Published,
    owner: Owner,
    times: Times,
    /// Of the keys, of which one has opened it.
    edition: usize,
}

impl Again {
    #[cfg(all(test, not(sesscache_loom)))]
    pub(super) fn published(&self) -> Published {
        self.published
    }

    pub(crate) fn origin(&self) -> i64 {
        self.times.origin
    }

    pub(crate) fn expiry(&self) -> i64 {
        self.times.expiry
    }
}

/// A record that has opened.
struct Opened {
    found: Found,
    owner: Owner,
    der: Secret,
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
        let region = Region::new(mapping, layout, scope::name_cell(&shared.scope));
        let (nonces, tally) = (Nonces::new(), Tally::new());
        Ok(HostTier { region, keys, nonces, tally, max_lifetime: shared.max_lifetime, boot: boot_id() })
    }

    /// Shares a session.
    pub(crate) fn put(
        &self,
        owner: &Owner,
        key: &SessionKey,
        der: &[u8],
        times: Times,
        single_use: bool,
    ) -> Option<Published> {
        if der.len() > DER_MAX {
            self.count(Counter::TooLarge);
            return None;
        }
        if single_use && self.boot.is_empty() {
            return None;
        }
        let kind = if single_use { Kind::Single } else { Kind::Many };
        let Times { origin, expiry } = times;
        let named = self.region.own_name();
        let now = stamp();
        let stamp = self.region.stamp(now, owner.cells());
        // Without random bytes nothing is sealed: a sandbox may forbid to ask for them.
        let sealed = self.nonces.number(now).and_then(|number| {
            let terms = Terms { kind, origin, expiry, stamp, number, named, boot: &self.boot };
            let sealing = self.keys.ring().first();
            let name = sealing.name(key);
            self.region.prefetch(name);
            sealing.seal(name, key, owner, &terms, der)
        });
        let published = sealed.and_then(|(header, words)| self.region.put(&header, owner.cells(), &words));
        self.tally.is_seen(self.region.memory(), (now / 1000).cast_signed());
        self.count(if published.is_some() { Counter::Published } else { Counter::Lost });
        published
    }

    /// Finds a session whose owner is admitted. One for single use, or any if `taking`, is taken out: of all who ask, in
    /// whatever process, one gets it.
    pub(crate) fn get(
        &self,
        admits: impl Fn(&Owner) -> bool,
        key: &SessionKey,
        now: i64,
        taking: bool,
    ) -> Option<Resumed> {
        self.tally.is_seen(self.region.memory(), now);
        match self.find(admits, key, now, taking) {
            Ok(resumed) => {
                self.count(Counter::Hit);
                if resumed.again.is_none() {
                    self.count(Counter::Taken);
                }
                Some(resumed)
            }
            Err(why) => {
                self.count(why);
                None
            }
        }
    }

    fn find(
        &self,
        admits: impl Fn(&Owner) -> bool,
        key: &SessionKey,
        now: i64,
        taking: bool,
    ) -> Result<Resumed, Counter> {
        // Asked before the keys are: should they change meanwhile, it is the old ones' edition.
        let edition = self.keys.edition();
        self.opened(admits, key, |Opened { found, owner, der }| {
            let times = Times { origin: found.header.origin, expiry: found.header.expiry };
            if self.is_over(times, now) {
                return Err(Counter::Expired);
            }
            let published = match taking || found.is_single_use() {
                true if self.region.take(&found) => None,
                true => return Err(Counter::TakenByOther),
                false => found.published(owner.cells()),
            };
            let again = published.map(|published| Again { published, owner, times, edition });
            Ok(Resumed { der, origin: times.origin, again })
        })
    }

    /// Whether `get` would find just that session again; then it counts as found. If not, `get` tells why.
    pub(crate) fn is_found_again(&self, again: &Again, admits: impl Fn(&Owner) -> bool, now: i64) -> bool {
        let found = again.edition == self.keys.edition()
            && !self.is_over(again.times, now)
            && admits(&again.owner)
            && self.region.standing(again.published) == Standing::Stands;
        if found {
            self.tally.is_seen(self.region.memory(), now);
            self.count(Counter::Hit);
        }
        found
    }

    /// Where a session stands, if it does. Nothing is taken or counted.
    pub(crate) fn locate(&self, admits: impl Fn(&Owner) -> bool, key: &SessionKey) -> Option<Located> {
        self.opened(admits, key, |Opened { found, owner, .. }| {
            let (origin, single_use) = (found.header.origin, found.is_single_use());
            let published = found.published(owner.cells()).ok_or(Counter::Lost)?;
            Ok(Located { origin, single_use, published })
        })
        .ok()
    }

    /// What `accept` makes of the session's record: of the first that opens under one of the keys, whose owner is admitted, and
    /// that no flush has ended.
    fn opened<T>(
        &self,
        admits: impl Fn(&Owner) -> bool,
        key: &SessionKey,
        mut accept: impl FnMut(Opened) -> Result<T, Counter>,
    ) -> Result<T, Counter> {
        let mut why = Counter::Unknown;
        for sealing in self.keys.ring().all() {
            let result = self.region.find(sealing.name(key), |mut found| {
                let opened = sealing.open(key, &self.boot, &mut found);
                let (owner, der) = opened.ok_or(Counter::Unopened)?;
                if !admits(&owner) {
                    return Err(Counter::OtherScope);
                }
                if self.region.has_flushed(&found, owner.cells()) {
                    return Err(Counter::Flushed);
                }
                accept(Opened { found, owner, der })
            });
            match result {
                Err(Counter::Unknown) => {}
                Err(reason) => why = reason,
                Ok(accepted) => return Ok(accepted),
            }
        }
        let has_left = || self.keys.gone().any(|gone| self.region.has(gone.name(key)));
        Err(if why == Counter::Unknown && has_left() { Counter::KeyGone } else { why })
    }

    fn is_over(&self, Times { origin, expiry }: Times, now: i64) -> bool {
        expiry < now || self.is_too_old(origin, now)
    }

    /// Whether a line of sessions that began then may not go on.
    pub(crate) fn is_too_old(&self, origin: i64, now: i64) -> bool {
        now.saturating_sub(origin) >= self.max_lifetime
    }

    /// Invalidates a session for every process, in whichever scope it is.
    pub(crate) fn remove(&self, key: &SessionKey) {
        let (stamp, expiry) = (stamp(), clock::now().saturating_add(self.max_lifetime));
        let remove = |sealing: &SealingKey| {
            let tags = Tags { key: sealing.tag(), name: self.region.own_name().0, ..Tags::default() };
            self.region.remove(sealing.name(key), tags, stamp, expiry)
        };
        let removed: usize = self.keys.ring().all().map(remove).sum();
        if removed > 0 {
            self.count(Counter::Removed);
        }
    }

    /// Invalidates every session of these scopes, for every process.
    pub(crate) fn flush(&self, scopes: impl Iterator<Item = Scope>) {
        let stamp = stamp();
        scopes.for_each(|scope| self.region.flush(scope.cell(), stamp));
        self.count(Counter::Flush);
    }

    /// Invalidates every session there is.
    pub(crate) fn flush_all(&self) {
        let stamp = stamp();
        Cell::all().for_each(|cell| self.region.flush(cell, stamp));
        self.count(Counter::Flush);
    }

    /// What has become of a session that this process published or found.
    pub(crate) fn standing(&self, published: Published) -> Standing {
        self.region.standing(published)
    }

    /// Takes a published session out. One wins, in whatever process.
    pub(crate) fn take_published(&self, published: Published) -> bool {
        let won = self.region.take_published(published);
        self.count(if won { Counter::Taken } else { Counter::TakenByOther });
        won
    }

    /// Looks at the key file, if that was long ago or a context is being made.
    pub(crate) fn look_at_keys(&self, now: i64, at_once: bool) {
        self.keys.look_again(now, at_once);
    }

    /// Counts something that this process has done.
    pub(crate) fn count(&self, counter: Counter) {
        self.tally.count(self.region.memory(), counter);
    }

    /// Notes something that the operator should know of this process.
    pub(crate) fn remark(&self, remark: Remark) {
        self.tally.remark(self.region.memory(), remark);
    }

    /// What all processes of the region have counted.
    pub(crate) fn counted(&self, counter: Counter) -> u64 {
        tally::total(self.region.memory(), counter)
    }
}

/// Of what happens now. Never nought, which is before everything.
fn stamp() -> u64 {
    clock::milliseconds().clamp(1, STAMP_END - 1)
}

fn boot_id() -> Vec<u8> {
    std::fs::read("/proc/sys/kernel/random/boot_id").unwrap_or_default()
}
