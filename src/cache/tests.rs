//! The core's promises, one at a time.

use std::cell::{Cell, OnceCell};
use std::rc::{Rc, Weak};

use super::*;

const STOCK_1_1: Rules = Rules { order: Order::Insertion, capacity: Capacity::Size, readd: Readd::Keep };
const STOCK_3_0: Rules = Rules { order: Order::Expiry, capacity: Capacity::OneLess, readd: Readd::Resort };
const STOCK_3_5: Rules = Rules { order: Order::Expiry, capacity: Capacity::OneLess, readd: Readd::Keep };

fn key(id: &str) -> SessionKey {
    SessionKey::new(0x0303, id.as_bytes()).unwrap()
}

/// A cache of names, each stored under itself.
fn cache(rules: Rules, sessions: &[(&'static str, i64)]) -> SessionCache<&'static str> {
    let cache = SessionCache::new(rules);
    for &(name, expiry) in sessions {
        assert!(cache.add(key(name), name, expiry, 0).stored);
    }
    cache
}

#[test]
fn what_is_added_is_found_until_it_is_removed() {
    let cache = cache(STOCK_3_0, &[("a", 10), ("b", 20)]);
    assert_eq!((cache.get(&key("a")), cache.contains(&key("b"))), (Some("a"), true));
    assert_eq!((cache.remove(&key("a")), cache.remove(&key("a"))), (Some("a"), None));
    assert_eq!((cache.get(&key("a")), cache.len(), cache.is_empty()), (None, 1, false));
}

#[test]
fn the_same_id_under_another_version_is_another_session() {
    let cache = cache(STOCK_3_0, &[("a", 10)]);
    let other = SessionKey::new(0x0304, b"a").unwrap();
    assert_eq!(cache.get(&other), None);
    assert!(cache.add(other, "A", 10, 0).replaced.is_none());
    assert_eq!((cache.get(&key("a")), cache.get(&other)), (Some("a"), Some("A")));
}

#[test]
fn only_the_very_object_is_removed_or_moved() {
    let cache = cache(STOCK_3_0, &[("a", 10), ("b", 20)]);
    assert_eq!(cache.remove_same(&key("a"), &"x"), None);
    assert!(!cache.reposition(&key("a"), &"x", 30));
    assert_eq!(cache.snapshot(), ["a", "b"]);
    assert!(cache.reposition(&key("a"), &"a", 30));
    assert_eq!(cache.snapshot(), ["b", "a"]);
    assert_eq!(cache.remove_same(&key("a"), &"a"), Some("a"));
}

#[test]
fn the_victim_expires_first_and_among_equals_is_the_oldest() {
    let cache = cache(STOCK_3_0, &[("late", 30), ("first", 10), ("second", 10)]);
    let evicted: Vec<_> = ["x", "y", "z"].map(|new| cache.add(key(new), new, 40, 4).evicted).concat();
    assert_eq!(evicted, ["first", "second", "late"]);
}

#[test]
fn in_the_order_of_insertion_expiry_does_not_matter() {
    let cache = cache(STOCK_1_1, &[("late", 30), ("soon", 10), ("never", i64::MAX)]);
    let evicted: Vec<_> = ["x", "y"].map(|new| cache.add(key(new), new, 0, 3).evicted).concat();
    assert_eq!(evicted, ["late", "soon"]);
    assert_eq!(cache.expire(25), ["x", "y"]);
}

#[test]
fn the_newcomer_stays_even_if_it_expires_first() {
    let cache = cache(STOCK_3_0, &[("a", 10), ("b", 20), ("c", 30)]);
    assert_eq!(cache.add(key("x"), "x", 1, 2).evicted, ["a", "b", "c"]);
    assert_eq!(cache.add(key("y"), "y", 0, 1).evicted, ["x"]);
    assert_eq!(cache.snapshot(), ["y"]);
}

#[test]
fn a_smaller_size_takes_effect_at_the_next_add() {
    let cache = cache(STOCK_3_0, &[("a", 1), ("b", 2), ("c", 3), ("d", 4)]);
    let added = cache.add(key("d"), "D", 5, 3);
    assert_eq!((added.replaced, added.evicted), (Some("d"), vec!["a", "b"]));
    assert_eq!(cache.snapshot(), ["c", "D"]);
}

#[test]
fn a_victim_with_an_empty_id_stops_eviction() {
    let cache = cache(STOCK_3_0, &[("", 10), ("b", 20)]);
    assert!(cache.add(key("c"), "c", 30, 2).evicted.is_empty());
    assert_eq!(cache.len(), 3);
    assert_eq!(cache.add(key("a"), "a", 5, 2).evicted, Vec::<&str>::new());
    assert_eq!(cache.add(key("d"), "d", 30, 2).evicted, ["a"]);
    assert_eq!(cache.drain(), ["", "b", "c", "d"]);
}

#[test]
fn adding_again_sorts_anew_or_notes_the_expiry() {
    let sorted_anew = cache(STOCK_3_0, &[("a", 10), ("b", 10)]);
    assert!(!sorted_anew.add(key("a"), "a", 10, 0).stored);
    assert_eq!(sorted_anew.snapshot(), ["b", "a"]);

    let kept = cache(STOCK_3_5, &[("a", 10), ("b", 20)]);
    assert!(!kept.add(key("a"), "a", 99, 0).stored);
    assert_eq!(kept.snapshot(), ["a", "b"]);
    assert_eq!(kept.expire(50), Vec::<&str>::new(), "the walk ends at a, which is live");
    assert_eq!(kept.expire(100), ["a", "b"]);
}

#[test]
fn expiry_is_strict_and_can_be_never() {
    let cache = cache(STOCK_3_0, &[("never", i64::MAX), ("a", 10), ("past", -5)]);
    assert_eq!(cache.expire(-5), Vec::<&str>::new());
    assert_eq!(cache.expire(10), ["past"]);
    assert_eq!(cache.expire(i64::MAX), ["a"]);
    assert_eq!(cache.drain(), ["never"]);
}

#[test]
fn order_spans_the_shards() {
    let names: Vec<String> = (0..500).map(|name| name.to_string()).collect();
    let cache = SessionCache::new(STOCK_3_0);
    for (turn, name) in names.iter().enumerate() {
        cache.add(key(name), name.as_str(), turn as i64 / 100, 0);
    }
    assert!((0..SHARDS).all(|at| cache.lock(at).len() > 0), "500 sessions and an idle shard");
    assert_eq!(cache.snapshot(), names);
    assert_eq!(cache.expire(3), names[..300]);
    assert_eq!(cache.drain(), names[300..]);
    assert!(cache.is_empty());
}

#[test]
fn an_empty_shard_keeps_little_memory() {
    let cache = SessionCache::new(STOCK_3_0);
    for name in 0..(KEPT_SLOTS * SHARDS * 2) as u32 {
        cache.add(SessionKey::new(0, &name.to_le_bytes()).unwrap(), name, 0, 0);
    }
    cache.expire(1);
    assert!((0..SHARDS).all(|at| cache.lock(at).capacity() <= KEPT_SLOTS));
}

#[test]
fn a_held_lock_is_seen() {
    let cache = cache(STOCK_3_0, &[("a", 10)]);
    assert!(!cache.any_lock_held());
    let inside = cache.lock(SHARDS - 1);
    assert!(cache.any_lock_held());
    drop(inside);
    assert!(!cache.any_lock_held());
}

#[test]
fn a_panic_of_the_handle_leaves_the_cache_whole() {
    #[derive(Clone)]
    struct Unequal;
    impl PartialEq for Unequal {
        fn eq(&self, _: &Self) -> bool {
            panic!("on purpose");
        }
    }
    let cache = SessionCache::new(STOCK_3_0);
    cache.add(key("a"), Unequal, 10, 0);
    let attempt = std::panic::AssertUnwindSafe(|| cache.add(key("a"), Unequal, 20, 0));
    assert!(std::panic::catch_unwind(attempt).is_err());
    assert!(!cache.any_lock_held());
    assert_eq!((cache.len(), cache.get(&key("a")).is_some(), cache.drain().len()), (1, true, 1));
}

/// A handle that looks at the cache's locks whenever one of it is dropped.
#[derive(Clone)]
struct Watcher(Rc<Watch>, Rc<DropWatch>);
struct Watch {
    cache: OnceCell<Weak<SessionCache<Watcher>>>,
    drops: Cell<u32>,
    under_lock: Cell<u32>,
}
struct DropWatch(Rc<Watch>);

impl PartialEq for Watcher {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.1, &other.1)
    }
}

impl Watcher {
    fn new(watch: &Rc<Watch>) -> Watcher {
        Watcher(watch.clone(), Rc::new(DropWatch(watch.clone())))
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.0.look();
    }
}

impl Drop for DropWatch {
    fn drop(&mut self) {
        self.0.look();
    }
}

impl Watch {
    fn look(&self) {
        let cache = self.cache.get().and_then(Weak::upgrade);
        self.drops.set(self.drops.get() + 1);
        self.under_lock.set(self.under_lock.get() + u32::from(cache.is_some_and(|it| it.any_lock_held())));
    }
}

#[test]
fn no_handle_is_dropped_under_a_lock() {
    for rules in [STOCK_1_1, STOCK_3_0, STOCK_3_5] {
        let watch = Rc::new(Watch { cache: OnceCell::new(), drops: Cell::new(0), under_lock: Cell::new(0) });
        let cache = Rc::new(SessionCache::new(rules));
        assert!(watch.cache.set(Rc::downgrade(&cache)).is_ok());

        let again = Watcher::new(&watch);
        cache.add(key("a"), again.clone(), 10, 0);
        cache.add(key("a"), again, 10, 0);
        cache.add(key("a"), Watcher::new(&watch), 10, 0);
        for name in ["b", "c", "d"] {
            cache.add(key(name), Watcher::new(&watch), 20, 3);
        }
        drop(cache.get(&key("d")));
        drop(cache.remove(&key("d")));
        drop(cache.snapshot());
        for name in ["e", "f"] {
            cache.add(key(name), Watcher::new(&watch), 5, 0);
        }
        drop(cache.expire(6));
        drop(cache.drain());
        assert!(watch.drops.get() > 16, "{}", watch.drops.get());
        assert_eq!(watch.under_lock.get(), 0);
    }
}
