//! What holds for the whole process: the settings, and whether its contexts are served at all.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use once_cell::race::OnceBox;

use super::guard::guarded_alone;
use super::registry;
use crate::base::clock;
use crate::base::log::{self, Level};
use crate::base::settings::{Settings, Shared};
use crate::cache::Rules;
use crate::openssl::{Aside, ContextRef, Libssl, Primary, SSL_CTX, host, scratch};
use crate::shared::{Counter, HostTier};

/// Whether contexts are adopted in this process, and if not, why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Active,
    Disabled,
    NoLibssl,
    Aside(Aside),
}

/// What the environment said, and what was made of it.
struct Setup {
    settings: Settings,
    host_tier: Option<HostTier>,
    /// Of what could not be used.
    complaints: Vec<String>,
    /// This program has put data on a session, or is about to.
    keeps_ex_data: AtomicBool,
}

impl Setup {
    fn new(settings: Settings, mut complaints: Vec<String>) -> Setup {
        let shared = settings.shared.as_ref().filter(|_| !settings.disabled);
        let host_tier = shared.map(|shared| HostTier::open(shared, clock::now())).and_then(|opened| {
            opened
                .map_err(|what| complaints.push(format!("SESSCACHE_SHARED: {what}; sessions are not shared")))
                .ok()
        });
        Setup { settings, host_tier, complaints, keeps_ex_data: AtomicBool::new(false) }
    }
}

/// Made at load in the shared profile, while the environment, the files and the privileges are all there; else at the first use.
fn setup() -> &'static Setup {
    static SETUP: OnceBox<Setup> = OnceBox::new();
    #[cfg(test)]
    if let Some(setup) = PRETENDED.get() {
        return setup;
    }
    if let Some(setup) = SETUP.get() {
        return setup;
    }
    let errno = host::errno();
    let setup = SETUP.get_or_init(|| {
        let (settings, complaints) = Settings::read(host::secure_variable);
        log::open(&settings.log_target, settings.log_level, host::write_quietly);
        Box::new(Setup::new(settings, complaints))
    });
    host::set_errno(errno);
    setup
}

/// The settings. The first use of them tells what could not be used: at load nobody expects a word.
pub(super) fn settings() -> &'static Settings {
    static TOLD: AtomicBool = AtomicBool::new(false);
    let setup = setup();
    if !TOLD.load(Ordering::Relaxed) && !TOLD.swap(true, Ordering::Relaxed) {
        let errno = host::errno();
        log::look_at_stderr();
        setup.complaints.iter().for_each(|complaint| log::write(Level::Warn, complaint));
        host::set_errno(errno);
    }
    &setup.settings
}

/// The constructor of the shared profile: later, in a chroot or without privileges, nothing could be opened any more.
#[cfg_attr(any(not(feature = "capi"), test), allow(dead_code, reason = "for the exported library"))]
pub(crate) fn at_load() {
    if host::secure_variable("SESSCACHE_SHARED").is_some() {
        keep_panics_quiet();
        let _ = std::panic::catch_unwind(setup);
    }
}

/// What the processes of this machine share, if the operator asked for it and it could be opened.
pub(super) fn host_tier() -> Option<&'static HostTier> {
    setup().host_tier.as_ref()
}

/// How to read what all processes of the region have counted.
#[cfg_attr(any(not(feature = "capi"), test), allow(dead_code, reason = "for the exported functions"))]
pub(crate) fn shared_counts() -> Option<impl Fn(Counter) -> u64> {
    let tier = host_tier()?;
    Some(|counter| tier.counted(counter))
}

/// Looks whether there are other keys; a context is being made.
pub(super) fn look_at_keys() {
    if let Some(tier) = host_tier() {
        tier.look_at_keys(clock::now(), true);
    }
}

fn shared() -> Option<&'static Shared> {
    settings().shared.as_ref().filter(|_| host_tier().is_some())
}

pub(super) fn scope_name() -> &'static str {
    shared().map_or("", |shared| &shared.scope)
}

/// Whether tickets shall not pass the cache by.
pub(super) fn prefers_stateful() -> bool {
    shared().is_some_and(|shared| shared.stateful_tickets)
}

/// The program keeps data on its sessions. A decoded copy would lack them, so from now on none leaves the process.
pub(crate) fn keeps_ex_data() {
    guarded_alone((), || {
        let known = setup().keeps_ex_data.swap(true, Ordering::Relaxed);
        if !known && shared().is_some_and(|shared| !shared.shares_ex_data) {
            log::write(
                Level::Info,
                "this program keeps data on its sessions (SSL_SESSION ex_data): none is shared",
            );
        }
    });
}

/// Whether the application has data on its sessions.
pub(super) fn has_ex_data() -> bool {
    setup().keeps_ex_data.load(Ordering::Relaxed)
}

/// Whether sessions may leave this process.
pub(super) fn may_share() -> bool {
    !has_ex_data() || shared().is_some_and(|shared| shared.shares_ex_data)
}

thread_local! {
    /// The context that this thread is freeing.
    static FREEING: Cell<usize> = const { Cell::new(0) };
}

/// Around the real `SSL_CTX_free`: a flush that comes from there is no wish of the application's. Should a callback leave by
/// longjmp the mark stays, and goes with the next context.
pub(crate) fn while_freeing(context: *mut SSL_CTX, free: impl FnOnce()) {
    let outer = FREEING.try_with(|freeing| freeing.replace(context.addr())).unwrap_or_default();
    free();
    let _ = FREEING.try_with(|freeing| freeing.set(outer));
}

/// Whether this thread is freeing this context.
pub(super) fn is_freeing(context: ContextRef<'_>) -> bool {
    FREEING.try_with(Cell::get).is_ok_and(|freeing| freeing == context.as_ptr().addr())
}

/// An address may come again.
pub(super) fn was_made(context: ContextRef<'_>) {
    if is_freeing(context) {
        let _ = FREEING.try_with(|freeing| freeing.set(0));
    }
}

pub(crate) fn status() -> Status {
    if settings().disabled {
        return Status::Disabled;
    }
    match Primary::get().map(|primary| &primary.libssl) {
        None => Status::NoLibssl,
        Some(Ok(_)) => Status::Active,
        Some(Err(aside)) => Status::Aside(*aside),
    }
}

/// The real library, if this process is served. Says once why not.
pub(super) fn serving() -> Option<&'static Libssl> {
    match status() {
        Status::Active => crate::openssl::libssl(),
        Status::Aside(aside) => {
            warn_aside(aside);
            None
        }
        Status::Disabled | Status::NoLibssl => None,
    }
}

/// Whether contexts are adopted in this process. Says once why not.
pub(crate) fn serves() -> bool {
    serving().is_some()
}

#[cold]
fn warn_aside(aside: Aside) {
    static WARNED: AtomicBool = AtomicBool::new(false);
    if WARNED.swap(true, Ordering::Relaxed) {
        return;
    }
    let reason = match aside {
        Aside::UnknownVersion(number) => {
            format!("its version number {number:#x} is not one that this release knows")
        }
        Aside::MissingSymbol(name) => format!("it has no function {}", name.to_string_lossy()),
    };
    log::write(Level::Warn, &format!("libssl's own session cache stays in use: {reason}"));
}

/// The rules that differ between releases, asked of the real library at the first adoption.
pub(super) fn rules() -> Option<Rules> {
    static RULES: OnceBox<Rules> = OnceBox::new();
    if let Some(rules) = RULES.get() {
        return Some(*rules);
    }
    let rules = scratch::make()?;
    registry::watch_forks();
    keep_panics_quiet();
    log::write(Level::Info, &format!("serving session caches by {rules:?}"));
    Some(*RULES.get_or_init(|| Box::new(rules)))
}

/// The line of the last panic: enough to find it, nothing of what it was about.
static PANIC_LINE: AtomicU32 = AtomicU32::new(0);

pub(super) fn last_panic() -> String {
    format!("line {}", PANIC_LINE.load(Ordering::Relaxed))
}

/// The default hook writes to descriptor 2, which may be the application's socket by now.
fn keep_panics_quiet() {
    if cfg!(any(test, feature = "fuzzing")) {
        return;
    }
    std::panic::set_hook(Box::new(|panic| {
        PANIC_LINE.store(panic.location().map_or(0, std::panic::Location::line), Ordering::Relaxed);
    }));
}

#[cfg(test)]
thread_local! {
    static PRETENDED: Cell<Option<&'static Setup>> = const { Cell::new(None) };
}

/// A process with an environment of its own, which a test plays on one thread until this is dropped.
#[cfg(test)]
pub(super) struct Pretended {
    outer: Option<&'static Setup>,
}

/// Has this thread belong to a process with these variables. What they open stays for good.
#[cfg(test)]
pub(super) fn pretend(variables: &[(&str, &str)]) -> Pretended {
    let value = |name: &str| variables.iter().find(|(other, _)| *other == name);
    let (settings, complaints) = Settings::read(|name| value(name).map(|(_, value)| (*value).to_owned()));
    let setup = Setup::new(settings, complaints);
    assert!(setup.complaints.is_empty(), "{:?}", setup.complaints);
    Pretended { outer: PRETENDED.replace(Some(Box::leak(Box::new(setup)))) }
}

#[cfg(test)]
impl Drop for Pretended {
    fn drop(&mut self) {
        PRETENDED.set(self.outer);
    }
}
