//! `sesscache doctor`: why a program or a process has no benefit of the library, and what to do about it.
//!
//! | module | what it asks |
//! |---|---|
//! | `program` | a program's file: can anything be preloaded, and is there a libssl to stand before |
//! | `process` | a running process: is the library there, in front, and does its cache work |
//! | `region` | the region: is it there, large enough, and can the workers' user reach it |
//! | `elf` | what a file says of itself |
//! | `maps` | what a process has loaded |

mod elf;
mod maps;
mod process;
mod program;
mod region;

use std::fmt::Write as _;

use crate::arguments::Doctor;
use crate::{Exit, print, say};

/// Everything that was found, in the order in which it was looked at.
#[derive(Default)]
pub(super) struct Findings(Vec<Finding>);

struct Finding {
    weight: Weight,
    what: String,
    mend: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Weight {
    Good,
    /// Worth knowing, and perhaps as it should be.
    Note,
    Bad,
}

impl Findings {
    fn add(&mut self, weight: Weight, what: impl Into<String>, mend: Option<&str>) {
        self.0.push(Finding { weight, what: what.into(), mend: mend.map(str::to_owned) });
    }

    fn good(&mut self, what: impl Into<String>) {
        self.add(Weight::Good, what, None);
    }

    fn note(&mut self, what: impl Into<String>, mend: &str) {
        self.add(Weight::Note, what, Some(mend));
    }

    fn bad(&mut self, what: impl Into<String>, mend: &str) {
        self.add(Weight::Bad, what, Some(mend));
    }

    fn are_bad(&self) -> bool {
        self.0.iter().any(|finding| finding.weight == Weight::Bad)
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for Finding { weight, what, mend } in &self.0 {
            let what = say::clean(what);
            let mark = match weight {
                Weight::Good => "good",
                Weight::Note => "note",
                Weight::Bad => "BAD ",
            };
            let _ = writeln!(text, "{mark}  {what}");
            if let Some(mend) = mend {
                let _ = writeln!(text, "      → {mend}");
            }
        }
        text
    }
}

pub(crate) fn doctor(arguments: &Doctor) -> Result<Exit, String> {
    let mut findings = Findings::default();
    match (arguments.pid, &arguments.program) {
        (Some(pid), _) => process::examine(pid, &mut findings)?,
        (None, Some(program)) => program::examine(program, &mut findings)?,
        (None, None) => return Err("name a program, or a process by --pid".to_owned()),
    }
    if let Some(region) = &arguments.region {
        region::examine(region, arguments.key_file.as_deref(), arguments.user.as_deref(), &mut findings)?;
    } else if arguments.user.is_some() {
        return Err("--user is about a region: name it by --region".to_owned());
    }
    print(&findings.text())?;
    Ok(if findings.are_bad() { Exit::Bad } else { Exit::Good })
}
