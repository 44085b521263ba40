//! Who has to go when a cache is full, and how the application hears of it; how a flush goes.

use std::sync::{Arc, Mutex};

use super::application::{Application, Event, in_both_worlds};
use super::exports;
use crate::openssl::fake::{FakeSession, Owned, TLS1_2_VERSION, by_release};
use crate::openssl::number::*;

/// Sessions of these ids, each expiring that many seconds after the first.
fn sessions<const N: usize>(later: [i64; N]) -> [Owned; N] {
    let mut number = 0u8;
    later.map(|seconds| {
        number += 1;
        let session = Owned::new(TLS1_2_VERSION, &[b's', number]);
        session.set_timeout(3600 + seconds);
        session
    })
}

/// The sessions that the remove callback was given, as their places in `all`.
fn removed(app: &Application, all: &[Owned]) -> Vec<usize> {
    let place =
        |session: FakeSession| all.iter().position(|other| other.handle() == session).expect("one of them");
    let events = app.events().into_iter();
    events
        .map(|event| if let Event::Removed(session) = event { place(session) } else { panic!("{event:?}") })
        .collect()
}

#[test]
fn a_cache_keeps_as_many_as_its_release_does() {
    in_both_worlds(|_| {
        for size in 1..6 {
            let app = Application::new();
            app.set_size(i64::try_from(size).expect("small"));
            sessions([0; 8]).iter().for_each(|session| assert_eq!(app.add(session), 1));
            let kept = exports::capacity(size);
            assert_eq!(app.number(), i64::try_from(kept).expect("small"), "of size {size}");
            assert_eq!(app.ctrl(CTRL_SESS_CACHE_FULL, 0), i64::try_from(8 - kept).expect("small"));
        }
    });
}

#[test]
fn a_size_of_zero_is_no_limit() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        app.set_size(0);
        sessions([0; 50]).iter().for_each(|session| assert_eq!(app.add(session), 1));
        assert_eq!((app.number(), app.events().len()), (50, 0));
    });
}

#[test]
fn a_smaller_size_waits_for_the_next_session() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let all = sessions([0; 6]);
        all[..5].iter().for_each(|session| assert_eq!(app.add(session), 1));
        app.set_size(3);
        assert_eq!((app.number(), app.events().len()), (5, 0));
        app.add(&all[5]);
        assert_eq!(app.number(), i64::try_from(exports::capacity(3)).expect("small"));
        assert_eq!(
            removed(&app, &all),
            by_release(vec![0, 1, 2], vec![0, 1, 2, 3], vec![0, 1, 2, 3], vec![3, 2, 1, 0])
        );
    });
}

#[test]
fn the_first_to_expire_goes_first_and_before_3_0_the_first_that_came() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        app.set_size(4);
        let all = sessions([30, 10, 20, 10, 0, 40]);
        all.iter().for_each(|session| assert_eq!(app.add(session), 1));
        let expected = by_release(vec![0, 1], vec![1, 3, 4], vec![1, 3, 4], vec![1, 3, 4]);
        assert_eq!(removed(&app, &all), expected);
    });
}

#[test]
fn the_newcomer_stays_even_if_it_expires_first() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        app.set_size(1);
        let all = sessions([30, 10]);
        all.iter().for_each(|session| assert_eq!(app.add(session), 1));
        assert_eq!(removed(&app, &all), [0]);
        assert!(app.lookup(&all[1].id()).is_some());
    });
}

#[test]
fn a_victim_is_marked_and_let_go_of() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        app.set_size(1);
        app.in_remove(|_, session| assert!(session.is_marked() && session.references() == 2));
        let all = sessions([0, 0]);
        all.iter().for_each(|session| assert_eq!(app.add(session), 1));
        assert_eq!(removed(&app, &all), [0]);
        assert_eq!(all[0].references(), 1);
        app.end();
    });
}

#[test]
fn a_victim_without_an_id_stays_and_saves_all_behind_it() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        app.set_size(2);
        let nameless = Owned::new(TLS1_2_VERSION, b"");
        nameless.set_timeout(1);
        app.add(&nameless);
        sessions([0; 4]).iter().for_each(|session| assert_eq!(app.add(session), 1));
        assert_eq!((app.number(), app.events().len()), (5, 0));
    });
}

#[test]
fn adding_it_again_moves_a_session_behind_its_equals_in_3_0_alone() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let all = sessions([0, 0, 0]);
        app.set_size(3);
        [0, 1, 0, 2].into_iter().for_each(|at| {
            app.add(&all[at]);
        });
        assert_eq!(removed(&app, &all), by_release(vec![], vec![1], vec![0], vec![0]));
    });
}

#[test]
fn a_flush_of_everything_goes_in_the_order_of_the_release() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let all = sessions([30, 10, 20, 10]);
        all.iter().for_each(|session| assert_eq!(app.add(session), 1));
        app.flush(0);
        // 1.1.1 has no order that anybody could rely on.
        let expected = by_release(vec![0, 1, 2, 3], vec![1, 3, 2, 0], vec![1, 3, 2, 0], vec![0, 2, 3, 1]);
        let mut order = removed(&app, &all);
        if by_release(true, false, false, false) {
            order.sort_unstable();
        }
        assert_eq!((order, app.number()), (expected, 0));
        assert!(all.iter().all(|session| session.is_marked() && session.references() == 1));
    });
}

/// libssl's own removal leaves such a one alone; its flush does not.
#[test]
fn a_flush_marks_what_has_no_id_too() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let session = Owned::new(TLS1_2_VERSION, b"");
        assert_eq!(app.add(&session), 1);
        app.flush(0);
        assert_eq!(app.number(), 0);
        assert!(session.is_marked());
        assert!(session.id().is_empty());
    });
}

#[test]
fn a_flush_for_a_time_takes_what_had_expired_before_that_second() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let all = sessions([0, 10, 20]);
        all.iter().for_each(|session| assert_eq!(app.add(session), 1));
        let second = all[1].time() + all[1].timeout();
        app.flush(second);
        assert_eq!(removed(&app, &all), [0], "one that expires in that very second stays");
        app.flush(second + 1);
        assert_eq!((removed(&app, &all), app.number()), (vec![1], 1));
        assert_eq!(app.ctrl(CTRL_SESS_CACHE_FULL, 0), 0);
    });
}

#[test]
fn a_flush_for_a_negative_time_means_what_the_release_says() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        app.add(&Owned::new(TLS1_2_VERSION, b"one"));
        app.flush(-1);
        assert_eq!(app.number(), by_release(1, 1, 0, 0));
        assert_eq!(app.events().len(), by_release(0, 0, 1, 1));
    });
}

/// How many are still counted, and how many references there are, when each of three is told of.
#[test]
fn a_flush_unlinks_and_lets_go_when_the_release_does() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let all = Arc::new(sessions([0, 10, 20]));
        all.iter().for_each(|session| assert_eq!(app.add(session), 1));
        let seen = Arc::new(Mutex::new(vec![]));
        let (noting, watched) = (Arc::clone(&seen), Arc::clone(&all));
        app.in_remove(move |context, _| {
            let references = watched.iter().map(|session| session.references()).sum::<i64>();
            noting.lock().expect("notes").push((exports::ctrl(context, CTRL_SESS_NUMBER, 0), references));
        });
        app.flush(0);
        let in_turn = vec![(2, 6), (1, 5), (0, 4)];
        let all_together = vec![(0, 6), (0, 5), (0, 4)];
        let freed_at_the_end = vec![(2, 6), (1, 6), (0, 6)];
        let expected = by_release(in_turn, freed_at_the_end.clone(), freed_at_the_end, all_together);
        assert_eq!(*seen.lock().expect("notes"), expected);
        assert!(all.iter().all(|session| session.references() == 1));
    });
}

/// The counter as the callback of each victim sees it.
#[test]
fn a_victim_is_counted_when_the_release_counts_it() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let seen = Arc::new(Mutex::new(vec![]));
        let noting = Arc::clone(&seen);
        app.in_remove(move |context, _| {
            noting.lock().expect("notes").push(exports::ctrl(context, CTRL_SESS_CACHE_FULL, 0));
        });
        let all = sessions([0; 6]);
        all[..5].iter().for_each(|session| assert_eq!(app.add(session), 1));
        app.set_size(3);
        app.add(&all[5]);
        let expected = by_release(vec![0, 1, 2], vec![0, 1, 2, 3], vec![0, 1, 2, 3], vec![4, 4, 4, 4]);
        assert_eq!(*seen.lock().expect("notes"), expected);
    });
}
