//! What the tests share: sessions, and whose they are.

use super::super::Times;
use super::super::scope::{Owner, Scope, digest};
use crate::cache::SessionKey;

pub(super) const NOW: i64 = 1_800_000_000;

pub(super) const TIMES: Times = Times { origin: NOW, expiry: NOW + 300 };

pub(super) fn scope(name: &str) -> Scope {
    Scope::of_service(digest("service", [name.as_bytes()]))
}

/// Whose sessions of a service are that a context of another process has made.
pub(super) fn owner(name: &str) -> Owner {
    Owner { common: Some(scope(name)), own: scope("a context's own") }
}

/// Who admits the sessions of a service.
pub(super) fn of(name: &str) -> impl Fn(&Owner) -> bool {
    let common = Some(scope(name));
    move |owner| owner.common == common
}

pub(super) fn key(number: u8) -> SessionKey {
    SessionKey::new(0x0303, &[number; 32]).unwrap()
}
