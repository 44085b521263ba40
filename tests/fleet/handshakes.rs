//! What a server does in its handshakes, whatever becomes of the relay: the same system calls as without one.

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

use super::redis::free_port;
use super::{Fleet, Process, eventually, exists};

fn library() -> String {
    let path = std::env::var("SESSCACHE_LIB").unwrap_or_else(|_| {
        concat!(env!("CARGO_MANIFEST_DIR"), "/target/release/libsesscache.so").to_owned()
    });
    assert!(Path::new(&path).is_file(), "{path} is missing: run make");
    path
}

/// An nginx of one process, with the library and a region of this name.
fn nginx(fleet: &Fleet, name: &str) -> (Process, u16) {
    let port = free_port();
    let path = |file: &str| fleet.folder.path(file);
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ])
        .args(["-subj", "/CN=localhost", "-keyout", &path("key.pem"), "-out", &path("cert.pem")])
        .output()
        .unwrap();
    assert!(made.status.success());
    let text = format!(
        "daemon off; master_process off; pid {name}.pid; error_log stderr warn;\n\
         events {{ worker_connections 64; }}\n\
         http {{ access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;\n\
         uwsgi_temp_path uwsgi; scgi_temp_path scgi; ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache none;\n\
         server {{ listen 127.0.0.1:{port} ssl; ssl_certificate cert.pem; ssl_certificate_key key.pem; return 200; }} }}\n"
    );
    fs::write(path(&format!("{name}.conf")), text).unwrap();
    let mut command = Command::new("nginx");
    command.args(["-p", &path(""), "-c", &format!("{name}.conf"), "-e", "stderr"]).stderr(Stdio::null());
    command.env("LD_PRELOAD", library()).env("SESSCACHE_TICKETS", "stateful");
    command.env("SESSCACHE_SHARED", format!("{}:8M", path(name))).env("SESSCACHE_KEY_FILE", path("keys"));
    let process = Process::start(command);
    eventually("nginx answers", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    (process, port)
}

/// A full handshake, and one that resumes it.
fn connect(fleet: &Fleet, port: u16, protocol: &str) {
    let session = fleet.folder.path("session.pem");
    let script = "openssl s_client -connect localhost:$1 $2 -sess_out $3 -ign_eof 2>/dev/null <<END || exit 1\nGET / HTTP/1.0\n\nEND\n\
         openssl s_client -connect localhost:$1 $2 -sess_in $3 -ign_eof 2>/dev/null <<END | grep -q Reused\nGET / HTTP/1.0\n\nEND\n";
    let run = Command::new("sh")
        .args(["-c", script, "sh", &port.to_string(), protocol, &session])
        .stdout(Stdio::null())
        .status();
    assert!(run.unwrap().success(), "{protocol}: not resumed");
}

/// The system calls of the server in some handshakes.
fn calls(fleet: &Fleet, server: &Process, port: u16) -> BTreeSet<String> {
    let trace = fleet.folder.path("trace");
    let mut command = Command::new("strace");
    command.args(["-f", "-o", &trace, "-p", &server.pid().to_string()]);
    let mut tracing = Process::start({
        command.stderr(Stdio::null());
        command
    });
    let traced =
        || fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap().contains("TracerPid:\t0\n");
    eventually("strace looks", || !traced());
    for _ in 0..3 {
        connect(fleet, port, "-tls1_2");
        connect(fleet, port, "-tls1_3");
    }
    tracing.end();
    let lines = fs::read_to_string(&trace).unwrap();
    let name = |line: &str| Some(line.split_once(' ')?.1.trim_start().split_once('(')?.0.to_owned());
    // How much memory a process has at hand depends on what was before.
    let is_memory = |name: &String| ["brk", "mmap", "munmap", "mremap", "madvise"].contains(&name.as_str());
    lines
        .lines()
        .filter_map(name)
        .filter(|name| !is_memory(name))
        .filter(|name| name.chars().all(|letter| letter.is_alphanumeric() || letter == '_'))
        .collect()
}

#[test]
fn a_server_makes_no_other_system_calls_with_a_relay_whose_redis_stands_still() {
    if !exists("strace") || !exists("nginx") {
        panic!("strace or nginx is missing: run scripts/install-deps.sh check servers");
    }
    let fleet = Fleet::new();
    let (alone, alone_port) = nginx(&fleet, "alone");
    let (server, port) = nginx(&fleet, "one");
    let other = fleet.machine("other");
    let _relay = fleet.relay("one");
    connect(&fleet, port, "-tls1_2");
    eventually("its sessions travel", || other.told().received > 0);
    fleet.redis.pause();
    let without = calls(&fleet, &alone, alone_port);
    let with = calls(&fleet, &server, port);
    assert!(with.contains("accept4") && with.contains("getrandom"), "{with:?}");
    assert_eq!(with, without);
    assert!(!with.contains("connect") && !with.contains("socket") && !with.contains("futex"), "{with:?}");
    fleet.redis.go_on();
}
