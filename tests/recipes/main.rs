//! Each file of `docs/recipes`, carried out as it stands there, on a machine of its own (`run.sh`): the server is started as it was and
//! as the recipe says, and clients come back to its processes, and after a restart.
//!
//! What is to be done is in the fenced blocks, by the words behind their language: `file=PATH` is what a file holds, `setup`, `before`
//! and `after` are commands, `unit=NAME file=PATH` is a drop-in, whose start command is tried, too. The first line of a recipe
//! says where the server listens and how it is talked to.
//!
//! `SESSCACHE_WRITE_RECIPES=1` writes what was measured into `docs/recipes/README.md`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a test's log")]

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::{Arc, Mutex};

use libtest_mimic::{Arguments, Failed, Trial};

/// A client comes back so often in each way.
const COUNT: u32 = 20;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn recipes() -> Vec<PathBuf> {
    let files = fs::read_dir(root().join("docs/recipes")).unwrap().map(|entry| entry.unwrap().path());
    let mut recipes: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|end| end == "md") && !path.ends_with("README.md"))
        .collect();
    recipes.sort();
    recipes
}

/// A fenced block: the words behind its language, and its text.
struct Block {
    words: Vec<String>,
    text: String,
}

impl Block {
    fn value(&self, name: &str) -> Option<&str> {
        self.words.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    }

    fn is(&self, word: &str) -> bool {
        self.words.iter().any(|other| other == word)
    }
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let words = info.split_whitespace().skip(1).map(str::to_owned).collect();
        let text = lines
            .by_ref()
            .take_while(|line| !line.starts_with("```"))
            .map(|line| format!("{line}\n"))
            .collect();
        blocks.push(Block { words, text });
    }
    blocks
}

/// Of the first line: `<!-- recipe: port=443 talk=smtp -->`.
fn settings(text: &str) -> Result<BTreeMap<String, String>, Failed> {
    let first = text.lines().next().unwrap_or_default();
    let pairs = first.strip_prefix("<!-- recipe:").and_then(|rest| rest.strip_suffix("-->"));
    let pairs = pairs.ok_or("its first line does not say where the server listens")?.split_whitespace();
    Ok(pairs
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect())
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// Lays out what `run.sh` is to do.
fn stage(folder: &Path, text: &str) -> Result<(), Failed> {
    let settings = settings(text)?;
    let mut shell = format!("COUNT={COUNT}\n");
    for (name, value) in settings.iter().filter(|(name, _)| *name != "backend") {
        let _ = writeln!(shell, "{}={value}", name.to_uppercase());
    }
    write(&folder.join("settings"), &shell);
    if let Some(port) = settings.get("backend") {
        write(&folder.join("backend"), &format!("exec python3 -m http.server {port} --bind 127.0.0.1\n"));
    }
    let mut scripts: BTreeMap<&str, String> = BTreeMap::from([("setup", String::new())]);
    let mut units = String::new();
    for block in blocks(text) {
        if let Some(path) = block.value("file") {
            write(&folder.join("files").join(path.trim_start_matches('/')), &block.text);
        }
        if let Some(unit) = block.value("unit") {
            let _ = writeln!(units, "{unit}");
            if let Some(start) = start_command(&block.text) {
                scripts.insert("unit", unit_variables(unit) + start + "\n");
            }
        }
        for name in ["setup", "before", "after"] {
            if block.is(name) {
                scripts.entry(name).or_default().push_str(&block.text);
            }
        }
    }
    for (name, script) in scripts {
        write(&folder.join(name), &script);
    }
    if !units.is_empty() && Path::new("/usr/bin/systemd-analyze").exists() {
        write(&folder.join("units"), &units);
    }
    Ok(())
}

/// The command of a drop-in, which begins with the library's own.
fn start_command(unit: &str) -> Option<&str> {
    unit.lines().rev().find_map(|line| line.strip_prefix("ExecStart=")).filter(|command| !command.is_empty())
}

/// What Debian's unit sets for its command.
fn unit_variables(unit: &str) -> String {
    let service = fs::read_to_string(Path::new("/lib/systemd/system").join(unit)).unwrap_or_default();
    let settings = service.lines().filter_map(|line| line.strip_prefix("Environment="));
    let each = settings.flat_map(|line| line.trim_matches('"').split("\" \""));
    each.map(|setting| format!("export '{setting}'\n")).collect()
}

/// How many of the connections of one kind were resumed.
type Counts = BTreeMap<(String, String), (u32, u32)>;

fn counts(result: &str) -> Counts {
    let mut counts = Counts::new();
    for line in result.lines() {
        let [phase, what, resumed, all] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let sum = counts.entry((phase.to_owned(), what.to_owned())).or_default();
        *sum = (sum.0 + resumed.parse::<u32>().unwrap(), sum.1 + all.parse::<u32>().unwrap());
    }
    counts
}

fn percent(counts: &Counts, phase: &str, what: &str) -> Option<u32> {
    let (resumed, all) = counts.get(&(phase.to_owned(), what.to_owned()))?;
    Some(resumed * 100 / all)
}

struct Tools {
    installed: PathBuf,
    client: PathBuf,
    work: PathBuf,
}

fn play(tools: &Tools, recipe: &Path) -> Result<Counts, Failed> {
    let name = recipe.file_stem().unwrap().to_string_lossy().into_owned();
    let text = fs::read_to_string(recipe).unwrap();
    let folder = tools.work.join(&name);
    let _ = fs::remove_dir_all(&folder);
    stage(&folder, &text)?;
    let mut unshare = Command::new("unshare");
    unshare.args(["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "bash"]);
    unshare.arg(root().join("tests/recipes/run.sh")).arg(&folder).arg(&tools.installed).arg(&tools.client);
    let output = unshare.output().unwrap();
    if !output.status.success() {
        return Err(format!(
            "{name}: {}\n(logs: {})",
            String::from_utf8_lossy(&output.stderr),
            folder.display()
        )
        .into());
    }
    let counts = counts(&fs::read_to_string(folder.join("result")).unwrap());
    let sum = |phase| ["workers", "restart"].map(|what| percent(&counts, phase, what).unwrap_or(0));
    for phase in ["after", "unit"].into_iter().filter(|phase| folder.join(phase).exists()) {
        if sum(phase) != [100, 100] {
            return Err(format!("{name}, {phase}: not all connections were resumed: {counts:?}").into());
        }
    }
    if sum("before").iter().sum::<u32>() >= 200 {
        return Err(format!("{name}: nothing is better than before: {counts:?}").into());
    }
    Ok(counts)
}

/// What stands in the way of machines of our own, if anything does.
fn hindrance() -> Option<&'static str> {
    let possible = Command::new("unshare")
        .args(["--mount", "--net", "--pid", "--fork", "--mount-proc", "true"])
        .output();
    let is_possible = possible.is_ok_and(|output| output.status.success());
    (!is_possible).then_some("namespaces cannot be made here: it takes root, outside of most containers")
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
}

fn prepare() -> Tools {
    let work = Path::new(env!("CARGO_TARGET_TMPDIR")).join("recipes");
    let installed = work.join("installed");
    let _ = fs::remove_dir_all(&installed);
    fs::create_dir_all(&work).unwrap();
    let library = env::var("SESSCACHE_LIB")
        .unwrap_or_else(|_| root().join("target/release/libsesscache.so").display().to_string());
    let mut make = Command::new("make");
    make.env_remove("MAKEFLAGS").env_remove("MAKELEVEL").env_remove("MFLAGS").arg("-C").arg(root());
    make.args(["install", "PREFIX=/usr/local", &format!("LIB={library}")]);
    make.arg(format!("COMMAND={}", env!("CARGO_BIN_EXE_sesscache")))
        .arg(format!("DESTDIR={}", installed.display()));
    run(&mut make);
    debian_node(&installed);
    let client = work.join("resume_client");
    let source = root().join("tests/servers/resume_client.c");
    run(Command::new("cc").args(["-O1", "-o"]).arg(&client).arg(source).args(["-lssl", "-lcrypto"]));
    Tools { installed, client, work }
}

/// The machine may have another Node, with an OpenSSL of its own.
fn debian_node(installed: &Path) {
    let script = root().join("scripts/third-party/debian-node.sh");
    let output = Command::new("bash").arg(script).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let folder = String::from_utf8(output.stdout).unwrap();
    let node = format!("#!/bin/sh\nLD_LIBRARY_PATH={0} exec {0}/node \"$@\"\n", folder.trim());
    let path = installed.join("usr/local/bin/node");
    write(&path, &node);
    run(Command::new("chmod").arg("755").arg(&path));
}

fn write_table(measured: &BTreeMap<String, Counts>) {
    const BEGIN: &str = "<!-- measured -->\n";
    const END: &str = "<!-- /measured -->";
    let path = root().join("docs/recipes/README.md");
    let page = fs::read_to_string(&path).unwrap();
    let (head, rest) = page.split_once(BEGIN).unwrap();
    let (_, tail) = rest.split_once(END).unwrap();
    let mut table =
        "| recipe | processes: before | after | restart: before | after |\n|---|---|---|---|---|\n"
            .to_owned();
    for (name, counts) in measured {
        // Where there is a drop-in alone, it is what counts.
        let better = if counts.keys().any(|(phase, _)| phase == "after") { "after" } else { "unit" };
        let of = |phase, what| match percent(counts, phase, what) {
            Some(percent) => format!("{percent} %"),
            None => String::new(),
        };
        let _ = writeln!(
            table,
            "| [{name}]({name}.md) | {} | {} | {} | {} |",
            of("before", "workers"),
            of(better, "workers"),
            of("before", "restart"),
            of(better, "restart")
        );
    }
    fs::write(&path, format!("{head}{BEGIN}{table}{END}{tail}")).unwrap();
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Servers that are started while others are measured are slow to come.
    arguments.test_threads = arguments.test_threads.or(Some(2));
    if let Some(why) = hindrance().filter(|_| !arguments.list) {
        eprintln!("recipes: none is tried, because {why}");
        return ExitCode::SUCCESS;
    }
    let tools = if arguments.list { None } else { Some(Arc::new(prepare())) };
    let measured = Arc::new(Mutex::new(BTreeMap::new()));
    let trial = |recipe: PathBuf| {
        let name = recipe.file_stem().unwrap().to_string_lossy().into_owned();
        let (tools, measured) = (tools.clone(), Arc::clone(&measured));
        Trial::test(name.clone(), move || {
            let counts = play(&tools.expect("not listing"), &recipe)?;
            measured.lock().unwrap().insert(name, counts);
            Ok(())
        })
    };
    let trials = recipes().into_iter().map(trial).collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    if env::var_os("SESSCACHE_WRITE_RECIPES").is_some() && !conclusion.has_failed() {
        write_table(&measured.lock().unwrap());
    }
    conclusion.exit_code()
}
