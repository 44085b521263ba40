//! Relays between two regions on this machine, over a Redis of their own:
//!
//!     relay-bench COMMAND LIBRARY HANDSHAKE_LOAD PAGE
//!
//! Writes a page with what was measured. QUICK=1 measures less.

mod delay;
mod flood;
mod handshakes;
mod place;

use std::env;
use std::fmt::Write as _;
use std::process::Command;

/// What is measured with.
pub struct Tools {
    pub command: String,
    pub library: String,
    pub load: String,
    pub is_quick: bool,
}

/// A line of the page.
pub struct Line {
    pub what: String,
    pub measured: String,
    /// What is to be reached, and whether it was.
    pub target: Option<(String, bool)>,
}

impl Line {
    pub fn new(what: &str, measured: String, target: Option<(&str, bool)>) -> Line {
        Line { what: what.to_owned(), measured, target: target.map(|(target, is)| (target.to_owned(), is)) }
    }
}

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [command, library, load, page] = &arguments[..] else {
        eprintln!("usage: relay-bench COMMAND LIBRARY HANDSHAKE_LOAD PAGE");
        std::process::exit(2);
    };
    let tools = Tools {
        command: command.clone(),
        library: library.clone(),
        load: load.clone(),
        is_quick: env::var_os("QUICK").is_some(),
    };
    let mut lines = flood::measure(&tools);
    lines.extend(delay::measure(&tools));
    lines.extend(handshakes::measure(&tools));
    std::fs::write(page, text(&lines)).expect("the page can be written");
    print!("{}", text(&lines));
}

fn text(lines: &[Line]) -> String {
    let mut text = String::from(
        "# Benchmarks of the fleet\n\nTwo regions on one machine, each with its relay, and a Redis between them: everything that is measured here shares two cores.\n\
         Written by `make bench-relay`; not to be edited by hand. [The fleet](fleet.md) says what follows from it.\n\n| | |\n|---|---|\n",
    );
    for (name, value) in machine() {
        let _ = writeln!(text, "| {name} | {value} |");
    }
    text += "\n| | measured | target | |\n|---|---|---|---|\n";
    for line in lines {
        let (target, reached) = match &line.target {
            Some((target, true)) => (target.as_str(), "reached"),
            Some((target, false)) => (target.as_str(), "**not reached**"),
            None => ("", ""),
        };
        let _ = writeln!(text, "| {} | {} | {target} | {reached} |", line.what, line.measured);
    }
    text
}

fn machine() -> Vec<(&'static str, String)> {
    let said = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().map(|output| output.stdout).unwrap_or_default();
        String::from_utf8_lossy(&output).trim().to_owned()
    };
    let file = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let processor = file("/proc/cpuinfo");
    let processor = processor.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let redis = said("redis-server", &["--version"]);
    let redis = redis.split("v=").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or_default();
    vec![
        ("date", said("date", &["-u", "+%Y-%m-%d"])),
        ("processor", format!("{}, {} cores", processor.trim_start_matches(['\t', ' ', ':']), said("nproc", &[]))),
        ("kernel", said("uname", &["-sr"])),
        ("server", format!("Redis {redis}, without persistence")),
        ("source", said("git", &["describe", "--always", "--dirty"])),
        ("load average at the end", file("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned()),
    ]
}
