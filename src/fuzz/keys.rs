//! Keys of two ids, of any length and version.

use super::bytes::Bytes;
use crate::cache::{Capacity, Order, Readd, Rules, SessionCache, SessionKey};

/// A key gives back what it was made of, and finds nothing but what was stored under that very version and id.
pub fn keys(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let versions = [bytes.number(), bytes.number()].map(|number| number as i32);
    let ids = [bytes.text(), bytes.rest()];
    let [first, second] = [0, 1].map(|at: usize| {
        let (version, id) = (versions.get(at).copied()?, ids.get(at)?);
        let key = SessionKey::new(version, id);
        assert_eq!(key.is_some(), id.len() <= 32, "an id of {} bytes", id.len());
        let key = key?;
        assert!(key.version() == version && key.id() == *id, "it gives back something else");
        Some(key)
    });
    let (Some(first), Some(second)) = (first, second) else { return };
    let same = versions.first() == versions.last() && ids.first() == ids.last();
    assert_eq!(first == second, same);
    let rules = Rules { order: Order::Expiry, capacity: Capacity::Size, readd: Readd::Keep };
    let cache = SessionCache::new(rules);
    cache.add(first, 1, 10, 0);
    assert_eq!(cache.get(&second), same.then_some(1));
    assert_eq!(cache.add(second, 2, 10, 0).replaced, same.then_some(1));
    assert_eq!(cache.len(), if same { 1 } else { 2 });
    assert_eq!(cache.remove(&second), Some(2));
    assert_eq!(cache.remove(&first), (!same).then_some(1));
}
