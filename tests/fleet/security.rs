//! What the server, and whoever owns it, can see and do.

use std::process::Command;

use super::{Fleet, Folder, Redis, eventually};

/// Neither ids nor what is in the sessions.
#[test]
fn the_server_holds_sealed_records_only() {
    let fleet = Fleet::new();
    let (one, other) = (fleet.machine("one"), fleet.machine("other"));
    let number = u64::from_le_bytes(*b"SECRET_7");
    one.put(number);
    other.will_have(number);
    let held = fleet.redis.say(&["XRANGE", "sesscache", "-", "+"]);
    assert!(held.len() > 300 && !held.contains("SECRET_7"));
}

#[test]
fn another_fleets_records_are_no_use_here() {
    let fleet = Fleet::new();
    let (one, other) = (fleet.machine("one"), fleet.machine("other"));
    let folder = Folder::new();
    let keys = folder.path("keys");
    assert!(
        Command::new(env!("CARGO_BIN_EXE_sesscache"))
            .args(["keys", "new", &keys])
            .status()
            .unwrap()
            .success()
    );
    std::fs::rename(&keys, fleet.folder.path("keys")).unwrap();
    let stranger = fleet.machine("stranger");
    one.put(1);
    other.will_have(1);
    eventually("it has arrived", || stranger.told().received == 1);
    assert!(!stranger.has(1));
}

/// Entries that are no relay's do no harm, and stop nobody.
#[test]
fn what_is_odd_is_passed() {
    let fleet = Fleet::new();
    let (one, other) = (fleet.machine("one"), fleet.machine("other"));
    one.put(1);
    other.will_have(1);
    let long = "x".repeat(100_000);
    for entry in ["", "x", "12345678", "12345678abcdefgh", &long] {
        assert!(fleet.redis.say(&["XADD", "sesscache", "*", "v1", entry]).starts_with('$'));
        assert!(fleet.redis.say(&["XADD", "sesscache", "*", "other", entry]).starts_with('$'));
    }
    one.put(2);
    other.will_have(2);
    assert!(other.has(1));
}

fn authority(folder: &Folder) {
    let script = "cd \"$1\" && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=authority \
         -keyout ca.key -out ca.pem && for name in server client; do \
         openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=$name -keyout $name.key -out $name.csr && \
         printf 'subjectAltName=IP:127.0.0.1,DNS:localhost' >$name.ext && \
         openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile $name.ext -out $name.pem; done";
    let made = Command::new("sh").args(["-c", script, "sh", &folder.path("")]).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

#[test]
fn over_tls_with_certificates_on_both_sides() {
    let folder = Folder::new();
    authority(&folder);
    let port = super::redis::free_port().to_string();
    let [ca, cert, key] = ["ca.pem", "server.pem", "server.key"].map(|name| folder.path(name));
    let redis = Redis::start(&[
        "--tls-port",
        &port,
        "--tls-ca-cert-file",
        &ca,
        "--tls-cert-file",
        &cert,
        "--tls-key-file",
        &key,
        "--tls-auth-clients",
        "yes",
    ]);
    let mut fleet = Fleet::with(redis);
    let [ours, our_key] = ["client.pem", "client.key"].map(|name| folder.path(name));
    // Of two addresses the last one counts for a relay that is alone.
    let over_tls = |fleet: &Fleet, name: &str, options: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sesscache"));
        let url = format!("rediss://localhost:{port}");
        command.args(["relay", "--region", &fleet.folder.path(name), "--redis", &url]).args(options);
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(fleet.folder.path(&format!("{name}.log")));
        command.stderr(log.unwrap());
        super::Process::start(command)
    };
    let mut one = fleet.machine("one");
    let other = fleet.machine("other");
    one.put(1);
    other.will_have(1);
    one.relay.kill();
    let known = ["--tls-ca", &ca, "--tls-cert", &ours, "--tls-key", &our_key];
    one.relay = over_tls(&fleet, "one", &known);
    one.put(2);
    other.will_have(2);
    one.relay.kill();
    // Who does not show himself, and who trusts nobody that vouches for the server.
    for options in [&["--tls-ca", &ca][..], &["--tls-ca", &ours, "--tls-cert", &ours, "--tls-key", &our_key]]
    {
        let before = one.log().len();
        one.relay = over_tls(&fleet, "one", options);
        one.put(3);
        eventually("it says so", || one.log()[before..].contains("cannot be sent"));
        assert!(!other.has(3));
        one.relay.kill();
    }
    one.relay = over_tls(&fleet, "one", &known);
    other.will_have(3);
    fleet.options.clear();
}
