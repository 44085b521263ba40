//! `openssl s_server`: libssl's own program, with the internal cache, with callbacks of its own, and without a cache.

use std::process::Command;

use crate::compare::{ALWAYS, CONNECTIONS, Comparison, NEVER, Outcome, Rates};
use crate::process::{Ready, Recipe, Stop};
use crate::support::openssl_program;

fn compare(name: &str, cache: &'static [&'static str], stock: Rates) -> Outcome {
    let recipe = Recipe {
        name: format!("s_server {name}"),
        command: Box::new(move |folder, address| {
            let mut openssl = Command::new(openssl_program());
            openssl.args(["s_server", "-www", "-no_ticket", "-accept", &address.to_string()]);
            openssl.arg("-cert").arg(folder.write_certificate()).args(cache);
            // It has no other way to an orderly end than to have served so many connections.
            openssl.args(["-naccept", &CONNECTIONS.to_string()]);
            openssl
        }),
        ready: Ready::Says("ACCEPT"),
        stop: Stop::ByItself,
    };
    // Its cache holds 128 sessions.
    Comparison { recipe, says: "session cache", stock, crowd: false }.run()
}

/// The counters of the context on the status page: "  101 items in the session cache" … "cache full overflows".
fn counters(page: &str) -> Vec<&str> {
    let lines = page.split('|').map(str::trim);
    lines
        .skip_while(|line| !line.contains("items in the session cache"))
        .take_while(|line| *line != "---")
        .collect()
}

fn check_counters(outcome: &Outcome) {
    let [stock, preloaded] = outcome.last_bodies.each_ref().map(|page| counters(page));
    assert!(stock.len() > 10, "the status page has counters: {stock:?}");
    assert_eq!(stock, preloaded, "counters of stock (left) and preloaded (right)");
}

#[test]
fn s_server_internal() {
    check_counters(&compare("internal", &[], ALWAYS));
}

#[test]
fn s_server_external() {
    check_counters(&compare("external callbacks", &["-ext_cache"], ALWAYS));
}

#[test]
fn s_server_off() {
    check_counters(&compare("off", &["-no_cache"], NEVER));
}
