//! Faults on purpose, for the tests of what happens after one. Only with the feature `fault-injection`.
//!
//! `SESSCACHE_FAULT=PLACE:N` makes the N-th passage of PLACE panic; a unit test arms its own thread.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use once_cell::race::OnceBox;

use crate::openssl::host;

/// The place and the passage that the environment asks for.
type Order = Option<(String, u64)>;

thread_local! {
    static ARMED: Cell<Option<&'static str>> = const { Cell::new(None) };
}

/// Makes the next passage of `place` on this thread panic.
#[cfg(test)]
pub(crate) fn arm(place: &'static str) {
    ARMED.set(Some(place));
}

/// A place that can be made to fail.
#[allow(clippy::panic, reason = "that is what it is for")]
pub(crate) fn at(place: &str) {
    static PASSAGES: AtomicU64 = AtomicU64::new(0);
    if ARMED.get() == Some(place) {
        ARMED.set(None);
        panic!("armed for {place}");
    }
    if let Some((wanted, number)) = order()
        && wanted == place
        && PASSAGES.fetch_add(1, Ordering::Relaxed) + 1 == *number
    {
        panic!("asked for at {place}");
    }
}

fn order() -> &'static Order {
    static ORDER: OnceBox<Order> = OnceBox::new();
    ORDER.get_or_init(|| {
        let order = host::secure_variable("SESSCACHE_FAULT").unwrap_or_default();
        let parsed =
            order.split_once(':').and_then(|(place, number)| Some((place.to_owned(), number.parse().ok()?)));
        Box::new(parsed)
    })
}
