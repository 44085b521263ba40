//! A child inherits its parent's sessions, as with libssl's own cache. What another thread held at that moment is
//! given up.
//!
//! Each test is alone: a child must not wait for a lock that another test holds.

use super::application::{Application, Event, in_both_worlds_alone};
use super::exports;
use crate::openssl::fake::{Owned, TLS1_2_VERSION, blocked_up_ref, in_child};

#[test]
fn a_child_finds_what_its_parent_stored() {
    in_both_worlds_alone(|_| {
        let app = Application::with_callbacks();
        let session = Owned::new(TLS1_2_VERSION, b"one");
        app.add(&session);
        assert!(in_child(|| {
            let found = app.lookup(b"one").is_some_and(|found| found.handle() == session.handle());
            let second = Owned::new(TLS1_2_VERSION, b"two");
            found && app.add(&second) == 1 && app.number() == 2 && app.remove(&session) == 1
        }));
        assert_eq!((app.number(), app.events()), (1, vec![]), "the parent knows nothing of it");
    });
}

#[test]
fn a_child_marks_what_it_evicts() {
    in_both_worlds_alone(|_| {
        let app = Application::with_callbacks();
        let session = Owned::new(TLS1_2_VERSION, b"one");
        app.set_size(1);
        app.add(&session);
        assert!(in_child(|| {
            app.add(&Owned::new(TLS1_2_VERSION, b"two"));
            session.is_marked() && app.events() == [Event::Removed(session.handle())]
        }));
        assert!(!session.is_marked());
    });
}

#[test]
fn a_child_does_not_wait_for_a_thread_that_it_does_not_have() {
    in_both_worlds_alone(|world| {
        let (app, other) = (Application::with_callbacks(), Application::with_callbacks());
        let [held, free] = [b"held", b"free"].map(|id| Owned::new(TLS1_2_VERSION, id));
        app.add(&held);
        other.add(&free);
        let (waiting, release) = blocked_up_ref(held.handle());
        let enter = world.entrance();
        std::thread::scope(|scope| {
            let app = &app;
            let reader = scope.spawn(move || {
                enter();
                app.lookup(b"held").is_some()
            });
            // From here on the reader is under the lock of a shard.
            waiting.recv().expect("a reader");
            assert!(in_child(|| lives_on(app, &other)));
            drop(release);
            assert!(reader.join().expect("a reader"), "the parent's reader got what it wanted");
        });
        assert_eq!((app.number(), other.number()), (1, 1));
    });
}

/// What must go well in the child, with the one core lost and the other kept.
fn lives_on(app: &Application, other: &Application) -> bool {
    let lost = app.number() == 0 && app.lookup(b"held").is_none();
    let kept = other.number() == 1 && other.lookup(b"free").is_some();
    let new = Owned::new(TLS1_2_VERSION, b"held");
    let stored = app.add(&new) == 1 && app.number() == 1 && app.lookup(b"held").is_some();
    let moved = exports::set_timeout(new.handle(), 5) == 1;
    app.events();
    app.flush(0);
    lost && kept && stored && moved && app.events() == [Event::Removed(new.handle())] && new.references() == 1
}

#[test]
fn a_grandchild_is_no_different() {
    in_both_worlds_alone(|_| {
        let app = Application::with_callbacks();
        app.add(&Owned::new(TLS1_2_VERSION, b"one"));
        assert!(in_child(|| {
            app.add(&Owned::new(TLS1_2_VERSION, b"two"));
            app.number() == 2 && in_child(|| app.number() == 2 && app.lookup(b"two").is_some())
        }));
    });
}
