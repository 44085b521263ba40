//! Servers of two processes in Python, Ruby and Perl, forked after the context was made, and a cluster of Debian's Node.

use std::path::PathBuf;
use std::process::Command;

use super::{Between, Settings, Spread, Trial};
use crate::process::{Ready, Recipe, Stop};
use crate::support::{find_program, run_tool, system_program};

pub(super) fn script(name: &str) -> String {
    format!("{}/tests/servers/shared/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn recipe(name: &str, program: impl Fn() -> Command + 'static, file: &'static str) -> Recipe {
    Recipe {
        name: name.to_owned(),
        command: Box::new(move |folder, address| {
            let mut command = program();
            command.arg(script(file)).arg(folder.write_certificate());
            command.args([address.ip().to_string(), address.port().to_string(), "2".to_owned()]);
            command
        }),
        ready: Ready::Says("ready"),
        stop: Stop::Signal(libc::SIGTERM),
    }
}

fn interpreter(name: &'static str, flag: &'static str) -> impl Fn() -> Command + 'static {
    move || {
        let mut command = Command::new(system_program(name));
        command.arg(flag);
        command
    }
}

#[test]
fn python_prefork() {
    let python = recipe("python prefork", interpreter("python3", "-I"), "prefork.py");
    Trial::of(python, "python worker", Spread::Named).run();
    let restarted = recipe("python prefork, after a restart", interpreter("python3", "-I"), "prefork.py");
    let trial = Trial::of(restarted, "python worker", Spread::Named);
    Trial { settings: Settings::file(), between: Between::Restart, ..trial }.run();
}

#[test]
fn ruby_prefork() {
    let ruby = recipe("ruby prefork", interpreter("ruby", "-w"), "prefork.rb");
    Trial::of(ruby, "ruby worker", Spread::Named).run();
}

#[test]
fn perl_prefork() {
    let perl = recipe("perl prefork", interpreter("perl", "-w"), "prefork.pl");
    Trial::of(perl, "perl worker", Spread::Named).run();
}

/// Debian's own, which uses the system's libssl; it is unpacked beside whatever node may be installed.
fn debian_node() -> Command {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/third-party/debian-node.sh");
    let printed = run_tool(Command::new(find_program("bash")).arg(script));
    let folder = PathBuf::from(printed.trim());
    let mut node = Command::new(folder.join("node"));
    node.env("LD_LIBRARY_PATH", folder);
    node
}

/// The workers are programs of their own, so they have nothing but a file in common.
#[test]
fn node_cluster() {
    let trial = Trial::of(recipe("node cluster", debian_node, "cluster.js"), "node worker", Spread::Named);
    Trial { settings: Settings::file(), ..trial }.run();
}
