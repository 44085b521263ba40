//! Models for loom: what threads do at once, in every order.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Tries the model in every order in which a thread is interrupted up to `bound` times where it waits for nothing.
pub(crate) fn check(bound: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(bound);
    // Not loom's, which begin anew with each order.
    let orders = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&orders);
    builder.check(move || {
        counted.fetch_add(1, Relaxed);
        model();
    });
    assert!(orders.load(Relaxed) > 1, "the threads of this model have nothing to do with each other");
}
