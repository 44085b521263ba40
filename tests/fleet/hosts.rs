//! Hosts with addresses of their own, servers that know nothing of each other, and clients that go from one to the other.
//!
//! `hosts.sh` plays it, in namespaces of its own, and notes every connection; what each should have been is said here.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::exists;

const UNSHARE: [&str; 7] = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"];
/// The script's end if it should hang: well above what it waits for by itself.
const DEADLINE: [&str; 3] = ["timeout", "--signal=KILL", "300"];
/// A session comes back so often to each host.
const ROUNDS: u32 = 10;

/// What a phase has: its name, the versions, where its sessions were made, and whether one made there is found at this host.
type Phase = (&'static str, &'static [&'static str], &'static [u32], fn(u32, u32) -> bool);

const BOTH: &[&str] = &["1.2", "1.3"];
const ALL: &[u32] = &[1, 2, 3];
const PHASES: [Phase; 10] = [
    ("alone", BOTH, ALL, |made, host| made == host),
    // Made before there were relays.
    ("early", BOTH, ALL, |_, _| true),
    ("late", BOTH, ALL, |_, _| true),
    // Made while host 3 was cut off, and those of before.
    ("cut", BOTH, ALL, |made, host| (made == 3) == (host == 3)),
    ("late-while-cut", BOTH, ALL, |_, _| true),
    ("healed", BOTH, ALL, |_, _| true),
    ("before-alert", &["1.2"], &[1], |_, _| true),
    ("after-alert", &["1.2"], &[1], |_, _| false),
    ("flushed", BOTH, ALL, |_, _| false),
    ("after", BOTH, ALL, |_, _| true),
];

#[test]
fn clients_resume_at_every_host() {
    if let Some(why) = hindrance() {
        // Past the test harness, which shows nothing of a test that passes.
        let _ = writeln!(std::io::stderr(), "fleet: hosts are not tried, because {why}");
        return;
    }
    let stage = stage();
    play(&stage);
    let mut counts = counts(&fs::read_to_string(stage.join("connections")).unwrap());
    for (phase, versions, makers, finds) in PHASES {
        for version in versions {
            for made in makers {
                for host in ALL {
                    let key = format!("{phase} {version} {made} {host}");
                    let resumed = if finds(*made, *host) { ROUNDS } else { 0 };
                    let what = format!("{phase}: TLS {version}, a session of host {made} at host {host}");
                    assert_eq!(counts.remove(&key), Some((resumed, ROUNDS)), "resumed of all: {what}");
                }
            }
        }
    }
    assert!(counts.is_empty(), "nobody has asked for that: {counts:?}");
}

/// What stands in the way of hosts of our own, if anything does.
fn hindrance() -> Option<&'static str> {
    for program in ["ip", "nginx", "redis-server", "python3"] {
        assert!(exists(program) || Path::new("/usr/sbin").join(program).exists(), "{program} is missing");
    }
    let bridge = "PATH=$PATH:/usr/sbin:/sbin; ip link add bridge type bridge && ip link add one type veth";
    let mut command = Command::new(UNSHARE[0]);
    command.args(&UNSHARE[1..]).args(["sh", "-c", bridge]);
    let is_possible = command.output().is_ok_and(|output| output.status.success());
    (!is_possible).then_some("namespaces cannot be made here: it takes root, outside of most containers")
}

/// An empty folder for what the script leaves, with the client in it.
fn stage() -> PathBuf {
    let stage = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hosts");
    let _ = fs::remove_dir_all(&stage);
    fs::create_dir_all(&stage).unwrap();
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/servers/resume_client.c");
    let mut cc = Command::new("cc");
    cc.args(["-O1", "-o"]).arg(stage.join("client")).arg(source).args(["-lssl", "-lcrypto"]);
    assert!(cc.status().unwrap().success(), "{cc:?}");
    stage
}

fn library() -> PathBuf {
    let built = concat!(env!("CARGO_MANIFEST_DIR"), "/target/release/libsesscache.so");
    let path = env::var_os("SESSCACHE_LIB").map_or(PathBuf::from(built), PathBuf::from);
    let why = "no library: run `make`, or name it in SESSCACHE_LIB";
    path.canonicalize().unwrap_or_else(|error| panic!("{}: {error}: {why}", path.display()))
}

fn play(stage: &Path) {
    let mut command = Command::new(DEADLINE[0]);
    command.args(&DEADLINE[1..]).args(UNSHARE);
    command.args(["bash", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fleet/hosts.sh")]);
    command.arg(stage).arg(env!("CARGO_BIN_EXE_sesscache")).arg(library()).arg(stage.join("client"));
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{told}(logs: {})", output.status, stage.display());
}

/// By `PHASE VERSION MADE-AT CONNECTED-TO`, how many were resumed of how many.
fn counts(connections: &str) -> BTreeMap<String, (u32, u32)> {
    let mut counts = BTreeMap::new();
    for line in connections.lines() {
        let (what, how) = line.rsplit_once(' ').unwrap();
        let (resumed, all) = counts.entry(what.to_owned()).or_insert((0, 0));
        assert!(["resumed", "full"].contains(&how), "{line}");
        *resumed += u32::from(how == "resumed");
        *all += 1;
    }
    counts
}
