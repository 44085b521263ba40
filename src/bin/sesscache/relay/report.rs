//! Lines of a log, for people and programs: `level=… msg="…" key=value …`.

use std::fmt::{Display, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Info,
    Warn,
}

/// Writes a line to standard error.
pub(super) fn report(level: Level, message: &str, facts: &[(&str, &dyn Display)]) {
    eprintln!("{}", line(level, message, facts));
}

fn line(level: Level, message: &str, facts: &[(&str, &dyn Display)]) -> String {
    let level = match level {
        Level::Info => "info",
        Level::Warn => "warn",
    };
    let mut line = format!("level={level} msg={}", value(message));
    for (key, fact) in facts {
        let _ = write!(line, " {key}={}", value(&fact.to_string()));
    }
    line
}

/// A value, in quotes if it needs them.
fn value(text: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || "-_./:+".contains(letter);
    if !text.is_empty() && text.chars().all(plain) { text.to_owned() } else { format!("{text:?}") }
}

/// What goes wrong again and again is told when it begins, when it changes, once a minute, and when it is over.
pub(super) struct Trouble(Mutex<Option<(String, Instant)>>);

const AGAIN: Duration = Duration::from_secs(60);

impl Trouble {
    pub(super) const fn new() -> Trouble {
        Trouble(Mutex::new(None))
    }

    pub(super) fn is(&self, message: &str, why: &str, facts: &[(&str, &dyn Display)]) {
        let Ok(mut last) = self.0.lock() else { return };
        if last.as_ref().is_some_and(|(told, when)| told == why && when.elapsed() < AGAIN) {
            return;
        }
        *last = Some((why.to_owned(), Instant::now()));
        let facts: Vec<_> = facts.iter().copied().chain([("why", &why as &dyn Display)]).collect();
        report(Level::Warn, message, &facts);
    }

    pub(super) fn is_over(&self, message: &str, facts: &[(&str, &dyn Display)]) {
        if self.0.lock().is_ok_and(|mut last| last.take().is_some()) {
            report(Level::Info, message, facts);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_whatever_is_in_it() {
        let facts: [(&str, &dyn Display); 3] =
            [("n", &7), ("path", &"/run/a b"), ("why", &"a \"b\"\nlevel=info\x1b")];
        let line = line(Level::Warn, "no way", &facts);
        assert_eq!(line, r#"level=warn msg="no way" n=7 path="/run/a b" why="a \"b\"\nlevel=info\u{1b}""#);
    }
}
