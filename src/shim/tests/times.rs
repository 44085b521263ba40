//! Sessions whose time changes while they are stored.

use super::application::{Application, Event, in_both_worlds};
use super::exports;
use crate::openssl::fake::{Owned, TLS1_2_VERSION, by_release};

fn pair() -> [Owned; 2] {
    [b"first", b"other"].map(|id| Owned::new(TLS1_2_VERSION, id))
}

fn victim_of(app: &Application) -> Vec<Event> {
    app.set_size(1);
    app.events();
    app.add(&Owned::new(TLS1_2_VERSION, b"newcomer"));
    app.events().into_iter().take(1).collect()
}

#[test]
fn a_longer_life_moves_a_session_back_from_3_0_on() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let [first, second] = pair();
        app.add(&first);
        app.add(&second);
        assert_eq!(exports::set_timeout(first.handle(), 7200), 1);
        app.set_size(3);
        app.add(&Owned::new(TLS1_2_VERSION, b"newcomer"));
        let victim = by_release(
            vec![],
            vec![Event::Removed(second.handle())],
            vec![Event::Removed(second.handle())],
            vec![Event::Removed(second.handle())],
        );
        assert_eq!(app.events(), victim);
    });
}

#[test]
fn an_earlier_time_moves_a_session_to_the_front_from_3_0_on() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let [first, second] = pair();
        app.add(&first);
        app.add(&second);
        let time = second.time() - 100;
        assert_eq!(exports::set_time(second.handle(), time), time);
        let [of_old, of_new] = [&first, &second].map(|session| vec![Event::Removed(session.handle())]);
        // In batches the last one comes first.
        let expected = by_release(of_old.clone(), of_new.clone(), of_new, of_old);
        assert_eq!(victim_of(&app), expected);
    });
}

#[test]
fn the_same_time_again_puts_a_session_behind_its_equals_from_3_0_on() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let [first, second] = pair();
        second.set_time(first.time());
        app.add(&first);
        app.add(&second);
        exports::set_time(first.handle(), first.time());
        let [of_first, of_second] = [&first, &second].map(|session| vec![Event::Removed(session.handle())]);
        let expected = by_release(of_first.clone(), of_second.clone(), of_second, of_first);
        assert_eq!(victim_of(&app), expected);
    });
}

#[test]
fn a_session_made_to_expire_goes_with_the_next_flush_in_every_release() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let [first, second] = pair();
        app.add(&first);
        app.add(&second);
        exports::set_time(second.handle(), 1_000_000);
        app.flush(crate::base::clock::now());
        assert_eq!((app.events(), app.number()), (vec![Event::Removed(second.handle())], 1));
    });
}

#[test]
fn a_session_in_no_cache_just_gets_its_time() {
    in_both_worlds(|_| {
        let session = Owned::new(TLS1_2_VERSION, b"one");
        assert_eq!((exports::set_time(session.handle(), 5), session.time()), (5, 5));
        assert_eq!((exports::set_timeout(session.handle(), 6), session.timeout()), (1, 6));
        assert_eq!(session.references(), 1);
    });
}

#[test]
fn an_equal_object_that_is_not_stored_moves_nobody() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let [stored, twin] = [0, 1].map(|_| Owned::new(TLS1_2_VERSION, b"one"));
        app.add(&stored);
        exports::set_time(twin.handle(), 1_000_000);
        app.flush(crate::base::clock::now());
        assert_eq!((app.number(), app.events()), (1, vec![]));
    });
}

#[test]
fn a_negative_timeout_is_refused_from_3_0_on() {
    in_both_worlds(|_| {
        let app = Application::with_callbacks();
        let session = Owned::new(TLS1_2_VERSION, b"one");
        app.add(&session);
        assert_eq!(exports::set_timeout(session.handle(), -1), by_release(1, 0, 0, 0));
        assert_eq!(session.timeout(), by_release(-1, 3600, 3600, 3600));
    });
}

#[test]
fn a_session_is_found_in_whichever_context_has_it() {
    in_both_worlds(|_| {
        let apps = [0, 1, 2].map(|_| Application::with_callbacks());
        let sessions = [&b"a"[..], b"b", b"c"].map(|id| Owned::new(TLS1_2_VERSION, id));
        for (app, session) in apps.iter().zip(&sessions) {
            app.add(session);
        }
        exports::set_time(sessions[1].handle(), 1_000_000);
        apps.iter().for_each(|app| app.flush(crate::base::clock::now()));
        assert_eq!(apps.each_ref().map(Application::number), [1, 0, 1]);
    });
}
