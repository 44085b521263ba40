//! Every interleaving of two calls with up to three preemptions. Run with `RUSTFLAGS="--cfg sesscache_loom"`, filtered to this
//! module. The cache has two shards here.

use loom::sync::Arc;
use loom::thread;

use super::*;
use crate::base::orders;

type Cache = SessionCache<&'static str>;

/// Two keys each, for two shards: the names of a test's sessions are chosen by where they must lie.
fn keys_in(shard: usize) -> impl Iterator<Item = SessionKey> {
    let all = (0..=u8::MAX).filter_map(|byte| SessionKey::new(0x0303, &[byte]));
    all.filter(move |key| shard_of(KeyHasher::of_process().hash(key)) == shard)
}

/// Every way to spread three keys over the two shards, up to their symmetry.
fn spreads() -> impl Iterator<Item = [SessionKey; 3]> {
    [[0, 0, 0], [0, 0, 1], [0, 1, 0], [0, 1, 1]].into_iter().map(|shards: [usize; 3]| {
        let nth = |at: usize| keys_in(shards[at]).nth(at).unwrap();
        [nth(0), nth(1), nth(2)]
    })
}

fn cache(capacity: Capacity, sessions: &[(SessionKey, &'static str)]) -> Arc<Cache> {
    let cache = Cache::new(Rules { order: Order::Expiry, capacity, readd: Readd::Keep });
    for &(key, name) in sessions {
        cache.add(key, name, 10, 0);
    }
    Arc::new(cache)
}

/// Runs both at once in every way; then `check` sees the cache and the two answers.
fn both<A: 'static, B: 'static>(
    cache: Arc<Cache>,
    first: impl FnOnce(&Cache) -> A + 'static,
    second: impl FnOnce(&Cache) -> B + 'static,
) -> (Arc<Cache>, A, B) {
    let other = thread::spawn({
        let cache = cache.clone();
        move || second(&cache)
    });
    let first = first(&cache);
    (cache, first, other.join().unwrap())
}

fn model(test: impl Fn([SessionKey; 3]) + Send + Sync + Copy + 'static) {
    for keys in spreads() {
        orders::check(3, move || test(keys));
    }
}

fn sorted(mut names: Vec<&'static str>) -> Vec<&'static str> {
    names.sort_unstable();
    names
}

#[test]
fn two_adds_at_capacity_keep_the_limit() {
    model(|[x, a, b]| {
        let cache = cache(Capacity::Size, &[(x, "x")]);
        let (cache, first, second) =
            both(cache, move |it| it.add(a, "a", 20, 1).evicted, move |it| it.add(b, "b", 20, 1).evicted);
        assert_eq!(cache.len(), 1);
        let all = [first, second, cache.drain()].concat();
        assert_eq!(sorted(all), ["a", "b", "x"]);
    });
}

#[test]
fn two_adds_to_an_empty_cache_see_each_other() {
    model(|[a, b, _]| {
        let cache = cache(Capacity::Size, &[]);
        let (cache, first, second) =
            both(cache, move |it| it.add(a, "a", 20, 1).evicted, move |it| it.add(b, "b", 20, 1).evicted);
        assert_eq!(cache.len(), 1);
        assert_eq!(sorted([first, second, cache.drain()].concat()), ["a", "b"]);
    });
}

#[test]
fn a_slow_add_does_not_evict_whoever_came_after_its_session_had_gone() {
    model(|[a, b, _]| {
        let cache = cache(Capacity::OneLess, &[]);
        let remove_and_add = move |it: &Cache| {
            let removed = it.remove(&a);
            it.add(b, "b", 20, 1);
            removed
        };
        let (cache, evicted, removed) = both(cache, move |it| it.add(a, "a", 20, 1).evicted, remove_and_add);
        if removed.is_some() {
            assert!(evicted.is_empty());
            assert_eq!(cache.drain(), ["b"]);
        }
    });
}

#[test]
fn two_adds_below_capacity_evict_only_what_they_must() {
    model(|[x, a, b]| {
        let cache = cache(Capacity::OneLess, &[(x, "x")]);
        let (cache, first, second) =
            both(cache, move |it| it.add(a, "a", 20, 3).evicted, move |it| it.add(b, "b", 30, 3).evicted);
        assert_eq!([first, second].concat(), ["x"]);
        assert_eq!(cache.drain(), ["a", "b"]);
    });
}

#[test]
fn newcomers_that_expire_first_stay_too() {
    model(|[x, a, b]| {
        let cache = cache(Capacity::OneLess, &[(x, "x")]);
        let (cache, first, second) =
            both(cache, move |it| it.add(a, "a", 1, 2).evicted, move |it| it.add(b, "b", 1, 2).evicted);
        assert!(!first.contains(&"a") && !second.contains(&"b"));
        assert_eq!(sorted([first, second, cache.drain()].concat()), ["a", "b", "x"]);
    });
}

#[test]
fn a_removal_makes_room_as_well_as_an_eviction() {
    model(|[x, y, a]| {
        let cache = cache(Capacity::Size, &[(x, "x"), (y, "y")]);
        let (cache, evicted, removed) =
            both(cache, move |it| it.add(a, "a", 20, 2).evicted, move |it| it.remove(&x));
        assert_eq!(evicted.into_iter().chain(removed).collect::<Vec<_>>(), ["x"]);
        assert_eq!(cache.drain(), ["y", "a"]);
    });
}

#[test]
fn a_replaced_session_comes_out_once() {
    model(|[x, ..]| {
        let cache = cache(Capacity::Size, &[(x, "old")]);
        let (cache, added, removed) = both(cache, move |it| it.add(x, "new", 20, 0), move |it| it.remove(&x));
        match (added.replaced, removed) {
            (Some("old"), Some("new")) | (None, Some("old")) => {}
            other => panic!("{other:?}"),
        }
        assert_eq!(cache.drain().len(), usize::from(removed == Some("old")));
    });
}

#[test]
fn a_replacement_is_never_a_gap() {
    model(|[x, ..]| {
        let cache = cache(Capacity::Size, &[(x, "old")]);
        let (cache, added, found) = both(cache, move |it| it.add(x, "new", 20, 1), move |it| it.get(&x));
        assert!(matches!(found, Some("old" | "new")));
        assert_eq!((added.replaced, cache.drain()), (Some("old"), vec!["new"]));
    });
}

#[test]
fn of_two_that_take_one_wins() {
    model(|[x, ..]| {
        let cache = cache(Capacity::Size, &[(x, "x")]);
        let (cache, first, second) = both(cache, move |it| it.remove(&x), move |it| it.remove(&x));
        assert_eq!(first.into_iter().chain(second).collect::<Vec<_>>(), ["x"]);
        assert!(cache.is_empty());
    });
}

#[test]
fn what_expires_is_not_removed_too() {
    model(|[x, y, _]| {
        let cache = cache(Capacity::Size, &[(x, "x"), (y, "y")]);
        let (cache, expired, removed) = both(cache, |it| it.expire(11), move |it| it.remove(&x));
        assert_eq!(sorted(expired.into_iter().chain(removed).collect()), ["x", "y"]);
        assert!(cache.is_empty());
    });
}
