//! hitch: two workers that were forked after the context was made, as another user.

use super::{Between, Settings, Spread, Trial};
use crate::backend::Backend;
use crate::hitch::{NO_TICKETS, recipe};

#[test]
fn hitch_two_workers() {
    let backend = Backend::start("behind hitch");
    for (name, tickets) in [("hitch 2 workers", ""), ("hitch 2 workers, no tickets", NO_TICKETS)] {
        let recipe = recipe(name, backend.address, 2, tickets);
        Trial::of(recipe, "behind hitch", Spread::Missed).run();
    }
}

#[test]
fn hitch_restart() {
    let backend = Backend::start("behind hitch");
    let recipe = recipe("hitch 2 workers, after a restart", backend.address, 2, "");
    let trial = Trial::of(recipe, "behind hitch", Spread::Missed);
    Trial { settings: Settings::file(), between: Between::Restart, ..trial }.run();
}
