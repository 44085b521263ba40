//! What holds for the whole process: the settings, and whether its contexts are served at all.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use once_cell::race::OnceBox;

use super::registry;
use crate::base::log::{self, Level};
use crate::base::settings::Settings;
use crate::cache::Rules;
use crate::openssl::{Aside, Libssl, Primary, host, scratch};

/// Whether contexts are adopted in this process, and if not, why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Active,
    Disabled,
    NoLibssl,
    Aside(Aside),
}

/// The settings, read at the first use of this library.
pub(super) fn settings() -> &'static Settings {
    static SETTINGS: OnceBox<Settings> = OnceBox::new();
    if let Some(settings) = SETTINGS.get() {
        return settings;
    }
    let errno = host::errno();
    let settings = SETTINGS.get_or_init(|| {
        let (settings, complaints) = Settings::read(host::secure_variable);
        log::open(&settings.log_target, settings.log_level, host::write_quietly);
        complaints.iter().for_each(|complaint| log::write(Level::Warn, complaint));
        Box::new(settings)
    });
    host::set_errno(errno);
    settings
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
