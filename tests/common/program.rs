//! A C test program and what its first line asks for.
//!
//! `/* test: valgrind=memcheck | env=NAME=VALUE */`; the keys are those of [`Program`].

use std::fs;
use std::path::{Path, PathBuf};

use super::sanitizer::Sanitizer;

/// The valgrind tool that a program is also run under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    Memcheck,
    Helgrind,
    Drd,
}

impl Tool {
    pub fn name(self) -> &'static str {
        match self {
            Tool::Memcheck => "memcheck",
            Tool::Helgrind => "helgrind",
            Tool::Drd => "drd",
        }
    }
}

/// One file of `c_tests/`.
#[derive(Clone, Debug)]
pub struct Program {
    pub name: String,
    pub source: PathBuf,
    /// `valgrind=TOOL`, may be repeated.
    pub tools: Vec<Tool>,
    /// `env=NAME=VALUE`, may be repeated; set in every way.
    pub env: Vec<(String, String)>,
    /// `only=linked`: uses `sesscache_*`, so there is nothing to compare with; it judges itself.
    pub only_linked: bool,
    /// `libs=none`: not linked with libssl (it comes by dlopen).
    pub without_libssl: bool,
    /// `with=FILE.c`: a shared object that the program is linked with, before libssl.
    pub companion: Option<PathBuf>,
    /// `plugin=FILE.c`: a shared object linked with libssl; the program gets its path as first argument.
    pub plugin: Option<PathBuf>,
    /// `second=LIBSSL`: the plugin also comes linked with that libssl, as second argument. The library serves one of the
    /// two and may say so in one line of standard error. For the system's libssl only.
    pub second: Option<String>,
    /// `leaks=yes`: loses memory in libssl alone as well (a callback that jumps out, an unloaded plugin).
    pub leaks: bool,
    /// `sanitize=none`: does what no sanitizer's runtime can follow; the program says why.
    pub unsanitized: bool,
    /// `sanitize=thread`: also for the thread sanitizer, as all are whose name says that they are about threads.
    pub threaded: bool,
    /// `differs=N,…`: states known differences, by their numbers in `docs/openssl-behaviour.md` (see `differs.rs`).
    pub differs: Vec<u32>,
}

/// Every program of `folder`, by name.
pub fn discover(folder: &Path) -> Result<Vec<Program>, String> {
    let entries =
        fs::read_dir(folder).map_err(|error| format!("cannot read {}: {error}", folder.display()))?;
    let mut programs = Vec::new();
    for entry in entries.flatten() {
        let path = entry.path();
        if matches!(path.extension().and_then(|e| e.to_str()), Some("c" | "cc")) {
            programs.push(read(path)?);
        }
    }
    programs.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(programs)
}

/// The program that must notice a mutant, from the mutant's first line `/* mutant: PROGRAM */`.
pub fn named_by_mutant<'a>(mutant: &Path, programs: &'a [Program]) -> Result<&'a Program, String> {
    let text =
        fs::read_to_string(mutant).map_err(|error| format!("cannot read {}: {error}", mutant.display()))?;
    let line = text.lines().next().unwrap_or_default();
    let name = line.strip_prefix("/* mutant:").and_then(|rest| rest.strip_suffix("*/")).map(str::trim);
    let found = programs.iter().find(|program| Some(program.name.as_str()) == name);
    found.ok_or_else(|| format!("{}: the first line names no program", mutant.display()))
}

fn read(source: PathBuf) -> Result<Program, String> {
    let text =
        fs::read_to_string(&source).map_err(|error| format!("cannot read {}: {error}", source.display()))?;
    let name = source.file_stem().and_then(|n| n.to_str()).unwrap_or_default().to_owned();
    let folder = source.parent().unwrap_or(Path::new(".")).to_owned();
    let mut program = Program {
        name,
        source,
        tools: Vec::new(),
        env: Vec::new(),
        only_linked: false,
        without_libssl: false,
        companion: None,
        plugin: None,
        second: None,
        leaks: false,
        unsanitized: false,
        threaded: false,
        differs: Vec::new(),
    };
    for word in directives(text.lines().next().unwrap_or_default()) {
        program.apply(word, &folder)?;
    }
    Ok(program)
}

fn directives(line: &str) -> impl Iterator<Item = &str> {
    let inner = line.strip_prefix("/* test:").and_then(|rest| rest.strip_suffix("*/")).unwrap_or_default();
    inner.split('|').map(str::trim).filter(|word| !word.is_empty())
}

impl Program {
    pub fn goes_with(&self, sanitizer: Sanitizer) -> bool {
        let of_threads = self.threaded || self.name.starts_with("threads");
        !self.unsanitized && (sanitizer == Sanitizer::Address || of_threads)
    }

    fn apply(&mut self, word: &str, folder: &Path) -> Result<(), String> {
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        match (key, value) {
            ("valgrind", "memcheck") => self.tools.push(Tool::Memcheck),
            ("valgrind", "helgrind") => self.tools.push(Tool::Helgrind),
            ("valgrind", "drd") => self.tools.push(Tool::Drd),
            ("only", "linked") => self.only_linked = true,
            ("libs", "none") => self.without_libssl = true,
            ("with", file) => self.companion = Some(folder.join(file)),
            ("plugin", file) => self.plugin = Some(folder.join(file)),
            ("leaks", "yes") => self.leaks = true,
            ("sanitize", "none") => self.unsanitized = true,
            ("sanitize", "thread") => self.threaded = true,
            ("differs", items) => {
                let numbers: Result<Vec<u32>, _> = items.split(',').map(str::parse).collect();
                self.differs =
                    numbers.map_err(|error| format!("{}: `{word}`: {error}", self.source.display()))?;
            }
            ("second", libssl) => self.second = Some(libssl.to_owned()),
            ("env", setting) => {
                let (name, value) = setting.split_once('=').unwrap_or((setting, ""));
                self.env.push((name.to_owned(), value.to_owned()));
            }
            _ => return Err(format!("{}: unknown directive `{word}`", self.source.display())),
        }
        Ok(())
    }
}
