//! The host tier from outside, for what is not a TLS server: the command, the benchmarks, the tests of processes.

pub mod keys;
pub mod relay;

use crate::base::clock;
use crate::base::settings::Settings;
use crate::cache::SessionKey;
use crate::shared::{HostTier, Owner, Scope, Times, digest};

pub use crate::base::settings::{parse_duration, parse_size};
pub use crate::shared::{
    AGES, Counter, Look, Process, Relay, Remark, Report, SMALLEST, Sessions, Which, flush,
};

/// A region that this process has opened.
pub struct Region {
    tier: HostTier,
    owner: Owner,
}

impl Region {
    /// Opens what the variables name (`SESSCACHE_SHARED` and those that go with it), making it if need be. The error is a
    /// sentence.
    pub fn open(variable: impl Fn(&str) -> Option<String>) -> Result<Region, String> {
        let (settings, complaints) = Settings::read(variable);
        if let Some(complaint) = complaints.into_iter().next() {
            // What a process would use instead is no concern of who asks for this.
            return Err(complaint.split("; using ").next().unwrap_or_default().to_owned());
        }
        let shared = settings.shared.ok_or("SESSCACHE_SHARED is not set")?;
        let service = digest("tools", [shared.scope.as_bytes()]);
        let own = Scope::of_its_own().ok_or("the system gives no random bytes")?;
        let owner = Owner { common: Some(Scope::of_service(service)), own };
        Ok(Region { owner, tier: HostTier::open(&shared, clock::now())? })
    }

    /// Shares `der` for `lifetime` seconds under a TLS 1.2 session id; with `single_use` it will be found once. False if it
    /// could not be.
    pub fn put(&self, id: &[u8], der: &[u8], lifetime: i64, single_use: bool) -> bool {
        let now = clock::now();
        let times = Times { origin: now, expiry: now.saturating_add(lifetime) };
        key(id).is_some_and(|key| self.tier.put(&self.owner, &key, der, times, single_use).is_some())
    }

    /// What was shared under this id; with `taking` it is taken out, and one of all who ask gets it.
    pub fn get(&self, id: &[u8], taking: bool) -> Option<Vec<u8>> {
        let found =
            self.tier.get(|owner| owner.common == self.owner.common, &key(id)?, clock::now(), taking)?;
        Some(found.der.to_vec())
    }

    /// Ends what was shared under this id.
    pub fn remove(&self, id: &[u8]) {
        if let Some(key) = key(id) {
            self.tier.remove(&key);
        }
    }

    /// Ends everything of this scope.
    pub fn flush(&self) {
        self.tier.flush(self.owner.common.into_iter());
    }

    /// What all processes of the region have counted, by name.
    pub fn counters(&self) -> Vec<(&'static str, u64)> {
        Counter::ALL.iter().map(|counter| (counter.name(), self.tier.counted(*counter))).collect()
    }
}

fn key(id: &[u8]) -> Option<SessionKey> {
    const TLS1_2: i32 = 0x0303;
    SessionKey::new(TLS1_2, id)
}
