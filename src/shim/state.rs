//! What hangs on an adopted context: the settings that its application reads back, and its core.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU32, AtomicU64, Ordering};

use once_cell::race::OnceBox;

use super::opened::Opened;
use super::registry;
use super::scope::{Digests, Scopes};
use super::sentinel::Sentinel;
use crate::base::settings::NewCbZero;
use crate::cache::{Rules, SessionCache};
use crate::openssl::number::*;
use crate::openssl::{
    Callback, GenerateCb, GetCb, KeptCertificates, KeptStore, NewCb, RemoveCb, SessionCell,
};
use crate::shared::Scope;

/// The core of one context.
pub(crate) type Core = SessionCache<super::stored::Stored>;

/// One adopted context.
pub(crate) struct ContextState {
    /// Never used twice, unlike an address.
    pub(crate) serial: u64,
    pub(crate) rules: Rules,
    pub(crate) app: Application,
    pub(crate) counters: Counters,
    pub(crate) tick: Sentinel,
    pub(crate) fin: Sentinel,
    /// The process (`forks::process_number`) of which a thread is planting the sentinels now, or 0.
    pub(crate) planting: AtomicU32,
    /// The copy that was put into the real table to show libssl an id conflict.
    pub(crate) conflict: SessionCell,
    /// The scopes that its connections were seen to have.
    pub(crate) scopes: Scopes,
    /// What is only its own, in every process that inherits it.
    pub(crate) own_scope: Option<Scope>,
    /// Whom it trusts.
    pub(crate) trusted: Digests<KeptStore>,
    /// What its connections show.
    pub(crate) certified: Digests<KeptCertificates>,
    /// Sessions of the host tier that are asked for again and again.
    pub(crate) opened: Opened,
    /// The application itself has decided whether there shall be tickets.
    pub(crate) decided_tickets: AtomicBool,
    zero_removes: AtomicBool,
    phase: AtomicU8,
    was_broken: AtomicBool,
    core: CoreCell,
}

/// What the application set, and reads back.
#[derive(Default)]
pub(crate) struct Application {
    mode: AtomicU32,
    size: AtomicI64,
    pub(crate) new: Callback<NewCb>,
    pub(crate) remove: Callback<RemoveCb>,
    pub(crate) get: Callback<GetCb>,
    pub(crate) generate: Callback<GenerateCb>,
}

impl Application {
    pub(crate) fn mode(&self) -> u32 {
        self.mode.load(Ordering::Relaxed)
    }

    /// Returns the mode that was set before.
    pub(crate) fn set_mode(&self, mode: u32) -> u32 {
        self.mode.swap(mode, Ordering::Relaxed)
    }

    pub(crate) fn stores(&self) -> bool {
        self.mode() & MODE_NO_INTERNAL_STORE == 0
    }

    pub(crate) fn looks_up(&self) -> bool {
        self.mode() & MODE_NO_INTERNAL_LOOKUP == 0
    }

    pub(crate) fn updates_time(&self) -> bool {
        self.mode() & MODE_UPDATE_TIME != 0
    }

    /// The size limit as it was set; 0 is unlimited.
    pub(crate) fn size(&self) -> i64 {
        self.size.load(Ordering::Relaxed)
    }

    /// Returns the size that was set before.
    pub(crate) fn set_size(&self, size: i64) -> i64 {
        self.size.swap(size, Ordering::Relaxed)
    }

    pub(crate) fn limit(&self) -> usize {
        usize::try_from(self.size()).unwrap_or(0)
    }
}

/// What is counted for one context. All relaxed: OpenSSL's own are plain integers.
#[derive(Default)]
pub(crate) struct Counters {
    /// Found in the core and handed to libssl.
    pub(crate) hits: AtomicU64,
    /// Those of the hits that libssl counted as hits of its get callback.
    pub(crate) counted_by_libssl: AtomicU64,
    /// Not found in the core.
    pub(crate) misses: AtomicU64,
    /// Pushed out by the size limit.
    pub(crate) evicted: AtomicU64,
    /// Flushed, expired or not.
    pub(crate) flushed: AtomicU64,
    /// Removed by id.
    pub(crate) removed: AtomicU64,
    /// Asked of the application's get callback, and answered by it.
    pub(crate) asked: AtomicU64,
    pub(crate) answered: AtomicU64,
    /// Put into the host tier, and found there.
    pub(crate) published: AtomicU64,
    pub(crate) shared_hits: AtomicU64,
}

/// Adds one.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// Who has the context's sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// We.
    Serving,
    /// We, but after a fault of ours: to be given back at the next call that is safe for it.
    Broken,
    /// libssl again, for good.
    GivenBack,
}

impl ContextState {
    pub(crate) fn new(rules: Rules, zero: NewCbZero, own_scope: Option<Scope>) -> ContextState {
        static SERIAL: AtomicU64 = AtomicU64::new(1);
        ContextState {
            serial: SERIAL.fetch_add(1, Ordering::Relaxed),
            rules,
            app: Application::default(),
            counters: Counters::default(),
            tick: Sentinel::default(),
            fin: Sentinel::default(),
            planting: AtomicU32::new(0),
            conflict: SessionCell::default(),
            scopes: Scopes::default(),
            own_scope,
            trusted: Digests::default(),
            certified: Digests::default(),
            opened: Opened::default(),
            decided_tickets: AtomicBool::new(false),
            zero_removes: AtomicBool::new(zero == NewCbZero::Remove),
            phase: AtomicU8::new(0),
            was_broken: AtomicBool::new(false),
            core: CoreCell::default(),
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::SeqCst) {
            0 => Phase::Serving,
            1 => Phase::Broken,
            _ => Phase::GivenBack,
        }
    }

    /// Moves on to `next`; false if the context was already there or beyond.
    pub(crate) fn advance(&self, next: Phase) -> bool {
        let next = next as u8;
        self.phase.fetch_max(next, Ordering::SeqCst) < next
    }

    /// A fault of ours happened here; true the first time.
    pub(super) fn broke(&self) -> bool {
        self.was_broken.store(true, Ordering::Relaxed);
        self.advance(Phase::Broken)
    }

    /// Whether a fault of ours was the reason to give the context back.
    pub(crate) fn was_broken(&self) -> bool {
        self.was_broken.load(Ordering::Relaxed)
    }

    pub(crate) fn is_serving(&self) -> bool {
        self.phase() == Phase::Serving
    }

    /// Whether a new callback's 0 takes the session out of the cache.
    pub(crate) fn zero_removes(&self) -> bool {
        self.zero_removes.load(Ordering::Relaxed)
    }

    pub(crate) fn set_zero_removes(&self, removes: bool) -> bool {
        self.zero_removes.swap(removes, Ordering::Relaxed)
    }

    /// The core, if a session was ever stored.
    pub(crate) fn core(&self) -> Option<&Core> {
        self.core.current().map(|generation| &generation.core)
    }

    /// The core, made now if this is the first session.
    pub(crate) fn core_for_storing(&self) -> &Core {
        &self.core.current_or_new(self.serial, self.rules).core
    }

    /// `SSL_CTX_sess_number`.
    pub(crate) fn number(&self) -> usize {
        self.core().map_or(0, Core::len)
    }
}

impl Drop for ContextState {
    fn drop(&mut self) {
        registry::remove(self.serial);
    }
}

/// A core and, should a fork have left it locked for ever, its heir.
pub(crate) struct Generation {
    pub(crate) core: Core,
    abandoned: AtomicBool,
    heir: CoreCell,
}

impl Generation {
    /// In the child of a fork: gives the core up if a thread that is no more holds one of its locks.
    pub(super) fn abandon_if_held(&self) -> bool {
        let held = self.core.any_lock_held();
        self.abandoned.fetch_or(held, Ordering::AcqRel);
        held
    }
}

#[derive(Default)]
struct CoreCell(OnceBox<Arc<Generation>>);

impl CoreCell {
    fn current(&self) -> Option<&Generation> {
        let mut generation = self.0.get()?;
        while generation.abandoned.load(Ordering::Acquire) {
            generation = generation.heir.0.get()?;
        }
        Some(generation)
    }

    fn current_or_new(&self, serial: u64, rules: Rules) -> &Generation {
        let mut cell = self;
        loop {
            let generation = cell.0.get().unwrap_or_else(|| cell.make(serial, rules));
            if !generation.abandoned.load(Ordering::Acquire) {
                return generation;
            }
            cell = &generation.heir;
        }
    }

    #[cold]
    fn make(&self, serial: u64, rules: Rules) -> &Arc<Generation> {
        let generation = self.0.get_or_init(|| Box::new(new_generation(rules)));
        registry::insert(serial, generation);
        generation
    }
}

fn new_generation(rules: Rules) -> Arc<Generation> {
    Arc::new(Generation {
        core: Core::new(rules),
        abandoned: AtomicBool::new(false),
        heir: CoreCell::default(),
    })
}
