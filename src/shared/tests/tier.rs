//! The tier as the shim uses it: what is shared, with whom, for how long.

use std::iter::once;

use super::super::counters::Counter;
use super::super::region::{Published, Standing};
use super::super::scope::Owner;
use super::super::{Again, HostTier, Times};
use super::samples::{NOW, TIMES, key, of, owner, scope};
use crate::base::settings::{Place, Shared};
use crate::cache::SessionKey;

fn tier() -> HostTier {
    HostTier::open(&Shared::at(Place::Anonymous { bytes: 1 << 20 }), NOW).unwrap()
}

fn get(tier: &HostTier, at: i64) -> Option<Vec<u8>> {
    tier.get(of("a"), &key(1), at, false).map(|found| found.der.to_vec())
}

#[test]
fn a_session_is_found_as_it_was_put() {
    let tier = tier();
    let published = tier.put(&owner("a"), &key(1), b"session", TIMES, false).unwrap();
    for _ in 0..2 {
        let found = tier.get(of("a"), &key(1), NOW, false).unwrap();
        assert_eq!((&found.der[..], found.origin), (&b"session"[..], NOW));
        assert_eq!(found.again.map(|again| again.published()), Some(published));
    }
    assert_eq!((tier.counted(Counter::Published), tier.counted(Counter::Hit)), (1, 2));
}

#[test]
fn another_id_version_or_scope_is_a_miss() {
    let tier = tier();
    tier.put(&owner("a"), &key(1), b"session", TIMES, false).unwrap();
    let others = [
        ("a", key(2)),
        ("b", key(1)),
        ("a", SessionKey::new(0x0304, &[1; 32]).unwrap()),
        ("a", SessionKey::new(0x0303, &[1; 31]).unwrap()),
    ];
    for (name, key) in others {
        assert!(tier.get(of(name), &key, NOW, false).is_none());
    }
    assert_eq!((tier.counted(Counter::Unknown), tier.counted(Counter::OtherScope)), (3, 1));
    assert_eq!(tier.counted(Counter::Unopened), 0);
}

#[test]
fn a_session_is_flushed_with_either_of_its_scopes() {
    let tier = tier();
    let own = scope("a context's own");
    let private = Owner { common: None, own };
    let admits = |asked: &Owner| asked.own == own;
    for (whose, scope, is_ended) in [
        (owner("a"), scope("b"), false),
        (owner("a"), scope("a"), true),
        (owner("a"), own, true),
        (private, scope("a"), false),
        (private, own, true),
    ] {
        let published = tier.put(&whose, &key(1), b"session", TIMES, false).unwrap();
        assert_eq!(tier.locate(admits, &key(1)).unwrap().published, published);
        tier.flush(once(scope));
        assert_eq!(tier.get(admits, &key(1), NOW, false).is_none(), is_ended);
        assert_eq!(tier.standing(published) == Standing::Gone, is_ended);
    }
    assert_eq!(tier.counted(Counter::Flushed), 3);
}

#[test]
fn a_flush_of_everything_ends_the_sessions_of_every_scope() {
    let tier = tier();
    let names = ["a", "b", "c", "d"];
    for (number, name) in (0..).zip(names) {
        tier.put(&owner(name), &key(number), b"session", TIMES, false).unwrap();
    }
    tier.flush_all();
    for (number, name) in (0..).zip(names) {
        assert!(tier.get(of(name), &key(number), NOW, false).is_none());
    }
}

#[test]
fn expiry_and_the_longest_lifetime_end_a_session() {
    let tier = tier();
    tier.put(&owner("a"), &key(1), b"session", TIMES, false).unwrap();
    assert!(get(&tier, NOW + 300).is_some() && get(&tier, NOW + 301).is_none());
    // Renewed again and again, but begun too long ago.
    let renewed = Times { origin: NOW, expiry: NOW + 5000 };
    tier.put(&owner("a"), &key(1), b"session", renewed, false).unwrap();
    assert!(get(&tier, NOW + 999).is_some() && get(&tier, NOW + 1000).is_none());
    assert_eq!(tier.counted(Counter::Expired), 2);
}

#[test]
fn for_single_use_means_once() {
    let tier = tier();
    let published = tier.put(&owner("a"), &key(1), b"session", TIMES, true).unwrap();
    let found = tier.get(of("a"), &key(1), NOW, false).unwrap();
    assert!(found.again.is_none());
    assert!(get(&tier, NOW).is_none() && !tier.take_published(published));
    assert_eq!(tier.standing(published), Standing::Gone);

    let published = tier.put(&owner("a"), &key(1), b"session", TIMES, true).unwrap();
    assert!(tier.take_published(published) && !tier.take_published(published));
    assert!(get(&tier, NOW).is_none());
}

fn find(tier: &HostTier) -> Again {
    tier.get(of("a"), &key(1), NOW, false).unwrap().again.unwrap()
}

#[test]
fn what_was_found_is_found_again_in_its_time_and_scope() {
    for (expiry, last) in [(NOW + 300, NOW + 300), (NOW + 5000, NOW + 999)] {
        let tier = tier();
        tier.put(&owner("a"), &key(1), b"session", Times { origin: NOW, expiry }, false).unwrap();
        let again = find(&tier);
        assert!(tier.is_found_again(&again, of("a"), last));
        assert!(!tier.is_found_again(&again, of("a"), last + 1));
        assert!(!tier.is_found_again(&again, of("b"), NOW));
        assert_eq!(tier.counted(Counter::Hit), 2, "one by each way");
    }
}

#[test]
fn what_is_not_where_it_was_is_not_found_again() {
    let ends: [fn(&HostTier); 5] = [
        |tier| tier.remove(&key(1)),
        |tier| tier.flush(once(scope("a"))),
        |tier| assert!(tier.get(of("a"), &key(1), NOW, true).is_some()),
        |tier| assert!(tier.put(&owner("a"), &key(1), b"another", TIMES, false).is_some()),
        |tier| assert!(pass(tier, find(tier).published()) > 0),
    ];
    for end in ends {
        let tier = tier();
        tier.put(&owner("a"), &key(1), b"session", TIMES, false).unwrap();
        let again = find(&tier);
        assert!(tier.is_found_again(&again, of("a"), NOW));
        end(&tier);
        assert!(!tier.is_found_again(&again, of("a"), NOW));
    }
}

#[test]
fn a_session_for_many_uses_can_be_taken_too() {
    let tier = tier();
    tier.put(&owner("a"), &key(1), b"session", TIMES, false).unwrap();
    assert!(tier.get(of("a"), &key(1), NOW, true).is_some_and(|found| found.again.is_none()));
    assert!(tier.get(of("a"), &key(1), NOW, true).is_none());
}

#[test]
fn what_was_removed_or_flushed_is_gone_for_its_owner_too() {
    let tier = tier();
    let one = tier.put(&owner("a"), &key(1), b"one", TIMES, false).unwrap();
    let two = tier.put(&owner("a"), &key(2), b"two", TIMES, false).unwrap();
    let other = tier.put(&owner("b"), &key(3), b"other", TIMES, false).unwrap();
    tier.remove(&key(1));
    assert_eq!([one, two].map(|it| tier.standing(it)), [Standing::Gone, Standing::Stands]);
    tier.flush(once(scope("a")));
    assert_eq!(tier.standing(two), Standing::Gone);
    assert!(tier.get(of("a"), &key(2), NOW, false).is_none());
    // A scope of another cell; one of 256 shares it, so this pair was chosen.
    assert_eq!(tier.standing(other), Standing::Stands);
    assert_eq!((tier.counted(Counter::Removed), tier.counted(Counter::Flush)), (1, 1));
    let again = tier.put(&owner("a"), &key(2), b"again", TIMES, false).unwrap();
    assert_eq!(tier.standing(again), Standing::Stands);
}

#[test]
fn what_is_too_large_is_counted_and_not_shared() {
    let tier = tier();
    assert!(tier.put(&owner("a"), &key(1), &[7; (16 << 10) + 1], TIMES, false).is_none());
    assert_eq!(tier.counted(Counter::TooLarge), 1);
    let largest = [7; 16 << 10];
    tier.put(&owner("a"), &key(1), &largest, TIMES, false).unwrap();
    assert_eq!(get(&tier, NOW).unwrap(), largest);
}

/// Shares others until the ring has passed this session; how many that took.
fn pass(tier: &HostTier, first: Published) -> u32 {
    let mut later = 0;
    while tier.standing(first) == Standing::Stands {
        later += 1;
        let key = SessionKey::new(0x0303, &u32::to_le_bytes(later)).unwrap();
        tier.put(&owner("a"), &key, &[2; 300], TIMES, false).unwrap();
    }
    later
}

#[test]
fn the_oldest_is_overwritten_first_and_still_counts_for_its_owner() {
    let tier = tier();
    let first = tier.put(&owner("a"), &key(1), &[1; 300], TIMES, false).unwrap();
    let later = pass(&tier, first);
    assert_eq!(tier.standing(first), Standing::Overwritten);
    assert!(get(&tier, NOW).is_none());
    // The header takes more of this smallest of regions than of any other.
    assert!(later > 2100, "{later} sessions of 300 bytes in a MiB");
    tier.flush(once(scope("a")));
    assert_eq!(tier.standing(first), Standing::Gone);
}

/// Another process ends a session of which the ring no longer has the name.
#[test]
fn what_the_ring_has_passed_can_still_be_ended() {
    let tier = tier();
    let first = tier.put(&owner("a"), &key(1), &[1; 300], TIMES, false).unwrap();
    pass(&tier, first);
    tier.remove(&key(2));
    assert_eq!(tier.standing(first), Standing::Overwritten);
    tier.remove(&key(1));
    assert_eq!(tier.standing(first), Standing::Gone);
}

#[test]
fn what_was_ended_stays_ended_when_the_ring_has_passed_it() {
    let tier = tier();
    let [removed, passed] =
        [1, 2].map(|number| tier.put(&owner("a"), &key(number), &[1; 300], TIMES, false).unwrap());
    tier.remove(&key(1));
    pass(&tier, passed);
    assert_eq!(tier.standing(removed), Standing::Gone);
}
