//! Valgrind's command line and its findings.

use std::collections::BTreeSet;
use std::path::Path;

use super::cc;
use super::program::Tool;

/// Valgrind with its options, to stand before a program.
pub fn words(tool: Tool, log: &Path) -> Vec<String> {
    let mut words = vec![
        "valgrind".to_owned(),
        format!("--tool={}", tool.name()),
        format!("--log-file={}", log.display()),
        "--num-callers=30".to_owned(),
        format!("--suppressions={}", cc::sources().join("valgrind.supp").display()),
    ];
    if tool == Tool::Memcheck {
        let leaks = ["--leak-check=full", "--show-leak-kinds=definite", "--errors-for-leak-kinds=definite"];
        words.extend(leaks.map(String::from));
    }
    words
}

/// One line for each distinct finding: what it is and the function that it happened in. None if the log has no summary,
/// which means that valgrind itself did not come to its end.
pub fn findings(log: &str) -> Option<BTreeSet<String>> {
    let lines: Vec<&str> = log.lines().map(without_process).collect();
    let any = lines.iter().find_map(|line| line.strip_prefix("ERROR SUMMARY: "))?;
    if any.starts_with("0 errors") {
        return Some(BTreeSet::new());
    }
    let mut findings = BTreeSet::new();
    let mut title = None;
    for line in lines {
        if let Some(place) = line.strip_prefix("   at ") {
            if let Some(title) = title.take() {
                findings.insert(format!("{title}: {}", function(place)));
            }
        } else if !line.starts_with(' ') {
            title = is_title(line).then(|| without_numbers(line)).or(title.filter(|_| !line.is_empty()));
        }
    }
    Some(findings)
}

/// The second half of a race and the tool's announcements are no findings of their own.
fn is_title(line: &str) -> bool {
    let others = [
        "This conflicts with",
        "Thread #",
        "---",
        "Lock at",
        "Locks held",
        "Required order",
        "For ",
        "Rerun",
    ];
    !line.is_empty() && !others.iter().any(|other| line.starts_with(other))
}

fn without_process(line: &str) -> &str {
    line.strip_prefix("==").and_then(|rest| rest.split_once("== ")).map_or("", |(_, text)| text)
}

/// From `0x4BBE827: OPENSSL_cleanse (in /usr/lib/…)`.
fn function(place: &str) -> &str {
    let name = place.split_once(": ").map_or(place, |(_, name)| name);
    name.rsplit_once(" (").map_or(name, |(name, _)| name)
}

/// Addresses, sizes and thread numbers differ from run to run.
fn without_numbers(line: &str) -> String {
    let is_number = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit() || c == '#');
    line.split(' ').filter(|word| !is_number(word)).collect::<Vec<_>>().join(" ")
}
