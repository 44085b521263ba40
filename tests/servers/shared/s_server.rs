//! Two `openssl s_server`, which know nothing of each other.

use std::process::Command;

use super::{CLIENTS, Settings, Spread, Trial, reconnections};
use crate::process::{Ready, Recipe, Stop};
use crate::support::openssl_program;

/// It has no other way to an orderly end than to have served so many connections.
fn recipe(connections: usize) -> Recipe {
    Recipe {
        name: "s_server 2 instances".to_owned(),
        command: Box::new(move |folder, address| {
            let mut openssl = Command::new(openssl_program());
            openssl.args(["s_server", "-www", "-accept", &address.to_string()]);
            openssl.arg("-cert").arg(folder.write_certificate());
            openssl.args(["-naccept", &connections.to_string()]);
            openssl
        }),
        ready: Ready::Says("ACCEPT"),
        stop: Stop::ByItself,
    }
}

#[test]
fn two_s_servers() {
    let (here, there) = (reconnections().div_ceil(2), reconnections() / 2);
    // The first connection of each client goes to the first server.
    let recipes = vec![recipe(CLIENTS.len() * (1 + here)), recipe(CLIENTS.len() * there)];
    let trial = Trial::of(recipe(0), "session cache", Spread::Missed);
    Trial { recipes, settings: Settings::file(), ..trial }.run();
}
