//! All objects that are alive, by their address. An address is a number: nothing stands there.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::connection::ConnectionBody;
use super::context::ContextBody;
use super::session::SessionBody;
use super::world::{lock, misused};

#[derive(Clone)]
pub(super) enum Object {
    Session(Arc<SessionBody>),
    Context(Arc<ContextBody>),
    Connection(Arc<ConnectionBody>),
}

impl Object {
    fn kind(&self) -> &'static str {
        match self {
            Object::Session(_) => "session",
            Object::Context(_) => "context",
            Object::Connection(_) => "connection",
        }
    }
}

static OBJECTS: Mutex<BTreeMap<usize, Object>> = Mutex::new(BTreeMap::new());

/// An address that no object ever had.
pub(super) fn fresh_address() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0x1000);
    NEXT.fetch_add(0x40, Ordering::Relaxed)
}

/// Brings an object to life at an address.
pub(super) fn bear(address: usize, object: Object) {
    super::world::current().born(address, object.kind());
    lock(&OBJECTS).insert(address, object);
}

/// Ends an object's life.
pub(super) fn bury(address: usize, world: &super::world::WorldBody) {
    let object = lock(&OBJECTS).remove(&address);
    if let Some(object) = object {
        world.buried(address, object);
    }
}

/// Whether there is a living object at this address.
pub(super) fn is_alive(address: usize) -> bool {
    lock(&OBJECTS).contains_key(&address)
}

pub(super) fn session(address: usize) -> Option<Arc<SessionBody>> {
    match find(address) {
        Some(Object::Session(body)) => Some(body),
        other => strange(address, "session", other),
    }
}

pub(super) fn context(address: usize) -> Option<Arc<ContextBody>> {
    match find(address) {
        Some(Object::Context(body)) => Some(body),
        other => strange(address, "context", other),
    }
}

pub(super) fn connection(address: usize) -> Option<Arc<ConnectionBody>> {
    match find(address) {
        Some(Object::Connection(body)) => Some(body),
        other => strange(address, "connection", other),
    }
}

fn find(address: usize) -> Option<Object> {
    lock(&OBJECTS).get(&address).cloned()
}

#[track_caller]
fn strange<T>(address: usize, wanted: &str, found: Option<Object>) -> Option<T> {
    let found = found.map_or("nothing that is alive", |object| object.kind());
    let trace = if std::env::var("RUST_BACKTRACE").is_ok_and(|value| value != "0") {
        std::backtrace::Backtrace::force_capture().to_string()
    } else {
        String::new()
    };
    misused(format!("a {wanted} was wanted at {address:#x}, and there is {found}\n{trace}"));
    None
}
