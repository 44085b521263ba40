//! Python's ssl module and Perl's Net::SSLeay: both load libssl by dlopen, out of sight of the global scope.

use std::process::Command;

use crate::compare::{ALWAYS, Comparison};
use crate::process::{Ready, Recipe, Stop};
use crate::support::system_program;

fn comparison(program: &'static str, flag: &'static str, script: &'static str) -> Comparison {
    let path = format!("{}/tests/servers/{script}", env!("CARGO_MANIFEST_DIR"));
    let recipe = Recipe {
        name: format!("{program} ({script})"),
        command: Box::new(move |folder, address| {
            let mut command = Command::new(system_program(program));
            command.arg(flag).arg(&path).arg(folder.write_certificate());
            command.arg(address.ip().to_string()).arg(address.port().to_string());
            command
        }),
        ready: Ready::Says("ready"),
        stop: Stop::Signal(libc::SIGTERM),
    };
    Comparison { recipe, says: "cache:", stock: ALWAYS, crowd: true }
}

/// Each answer of these scripts lists the counters of their context: they too are as without the library.
fn check_equal(pair: [&str; 2], what: &str) {
    let [stock, preloaded] = pair;
    assert!(stock.contains('='), "{what} are there: {stock}");
    assert_eq!(stock, preloaded, "{what} differ between stock (left) and preloaded (right)");
}

#[test]
fn python_ssl() {
    let outcome = comparison("python3", "-I", "python_server.py").run();
    check_equal(outcome.last_bodies.each_ref().map(String::as_str), "the context's counters");
}

/// This one has new and remove callbacks of its own, and says at the end how often they were called.
#[test]
fn perl_net_ssleay() {
    let outcome = comparison("perl", "-w", "perl_server.pl").run();
    check_equal(outcome.last_bodies.each_ref().map(String::as_str), "the context's counters");
    let at_the_end = |log: &'_ str| log.lines().last().unwrap_or_default().to_owned();
    let [stock, preloaded] = outcome.logs.each_ref().map(|log| at_the_end(log));
    check_equal([&stock, &preloaded], "the callbacks at SSL_CTX_free");
}
