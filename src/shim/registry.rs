//! All cores of this process, by their context's serial number.
//!
//! Two need them all: `SSL_SESSION_set_time`, whose session may be stored in any of them, and a fork.
//! Neither is on the path of a handshake.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::adopt;
use super::state::Generation;
use super::stored::Stored;
use crate::base::forks;
use crate::cache::SessionKey;
use crate::openssl::{SessionRef, host, scratch};

type Cores = BTreeMap<u64, Arc<Generation>>;

static CORES: Mutex<Cores> = Mutex::new(BTreeMap::new());

/// Short, and a leaf: under it only locks of cores are taken.
fn cores() -> MutexGuard<'static, Cores> {
    CORES.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn insert(serial: u64, generation: &Arc<Generation>) {
    cores().entry(serial).or_insert_with(|| Arc::clone(generation));
}

pub(super) fn remove(serial: u64) {
    let gone = cores().remove(&serial);
    drop(gone);
}

/// The serial number of the context whose core holds this very object under its present id.
pub(super) fn owner(session: SessionRef<'_>) -> Option<u64> {
    let (key, handle) = identity(session)?;
    let cores = cores();
    let owner = cores.iter().find(|(_, generation)| generation.core.holds(&key, &handle));
    owner.map(|(serial, _)| *serial)
}

/// Moves a stored session to the place that its present time and timeout give it.
pub(super) fn reposition(session: SessionRef<'_>) {
    let Some((key, handle)) = identity(session) else { return };
    let expiry = session.expiry();
    for generation in cores().values() {
        if generation.core.reposition(&key, &handle, expiry) {
            return;
        }
    }
}

fn identity(session: SessionRef<'_>) -> Option<(SessionKey, Stored)> {
    let key = SessionKey::new(session.protocol_version(), session.id())?;
    Some((key, Stored::alone(session.to_owned()?)))
}

thread_local! {
    /// What is held from before a fork until after it.
    static FORKING: RefCell<Option<Held>> = const { RefCell::new(None) };
}

/// The locks that a child must find free.
struct Held {
    cores: MutexGuard<'static, Cores>,
    _scratch: MutexGuard<'static, ()>,
    _adopting: MutexGuard<'static, ()>,
}

/// Has forks go well: a child keeps every core whose locks are free.
pub(super) fn watch_forks() {
    static WATCHING: AtomicBool = AtomicBool::new(false);
    if !WATCHING.swap(true, Ordering::AcqRel) {
        host::at_fork(before_fork, after_fork_in_parent, after_fork_in_child);
    }
}

/// Holds registry and scratch context, so that the child finds them whole.
extern "C" fn before_fork() {
    // In the order in which a thread may hold several of them.
    let adopting = adopt::adopting();
    let held = Held { cores: cores(), _scratch: scratch::in_use(), _adopting: adopting };
    let _ = FORKING.try_with(|forking| forking.replace(Some(held)));
}

extern "C" fn after_fork_in_parent() {
    let _ = FORKING.try_with(RefCell::take);
}

/// One thread is left. A lock that is held now is held by none of this process, for ever.
extern "C" fn after_fork_in_child() {
    forks::was_forked();
    let Ok(Some(mut held)) = FORKING.try_with(RefCell::take) else { return };
    // An abandoned core is never touched again, so it is never freed either.
    for (_, generation) in held.cores.extract_if(.., |_, generation| generation.abandon_if_held()) {
        let _ = ManuallyDrop::new(generation);
    }
}
