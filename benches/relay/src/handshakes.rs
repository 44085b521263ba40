//! Whether servers notice a relay whose Redis stands still: two nginx with the library, one with such a relay and one with
//! none, take turns.

use std::net::TcpStream;
use std::process::{Command, Stdio};

use crate::place::{Place, Process, free_port, percentiles, wait};
use crate::{Line, Tools};

pub fn measure(tools: &Tools) -> Vec<Line> {
    let (turns, milliseconds) = if tools.is_quick { (2, 500) } else { (15, 3000) };
    let place = Place::new(tools);
    certificate(&place);
    let (without, _one) = nginx(&place, tools, "without");
    let (with, _other) = nginx(&place, tools, "with");
    let _relay = place.relay(tools, "with.region");
    load(tools, with, "1.2", 500);
    wait(|| place.relay_of("with.region").sent > 0);
    place.redis().signal(libc::SIGSTOP);
    let mut lines = Vec::new();
    for protocol in ["1.2", "1.3"] {
        let mut ratios = Vec::new();
        let mut rates = Vec::new();
        for turn in 0..=turns {
            let (first, second) = if turn % 2 == 0 { (with, without) } else { (without, with) };
            let (first, second) =
                (load(tools, first, protocol, milliseconds), load(tools, second, protocol, milliseconds));
            let (ours, theirs) = if turn % 2 == 0 { (first, second) } else { (second, first) };
            // The first turn warms up.
            if turn > 0 {
                ratios.push(ours.p99 / theirs.p99);
                rates.push(ours.rate / theirs.rate);
            }
        }
        let (p99, rate) = (percentiles(ratios).0, percentiles(rates).0);
        lines.push(Line::new(
            &format!("nginx, TLS {protocol}, resumed handshakes while Redis stands still: p99 by that without a relay, median of {turns} turns"),
            format!("{p99:.2}"),
            Some(("≤ 1.15", p99 <= 1.15)),
        ));
        lines.push(Line::new(
            &format!("nginx, TLS {protocol}, the same: handshakes a second by those without"),
            format!("{rate:.2}"),
            None,
        ));
    }
    lines
}

struct Outcome {
    p99: f64,
    rate: f64,
}

fn load(tools: &Tools, port: u16, protocol: &str, milliseconds: u32) -> Outcome {
    let mut command = Command::new(&tools.load);
    command.args([&port.to_string(), protocol, "2", &milliseconds.to_string()]);
    let output = command.output().expect("the load runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let fields: Vec<f64> =
        text.lines().last().unwrap_or_default().split('\t').filter_map(|field| field.parse().ok()).collect();
    let [resumed, full, seconds, _, p99] = fields[..] else { panic!("the load says {text:?}") };
    assert!(full == 0.0, "{full} handshakes of {resumed} were full");
    Outcome { p99, rate: resumed / seconds }
}

fn certificate(place: &Place) {
    let (key, certificate) = (place.path("key.pem"), place.path("cert.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=localhost", "-keyout", &key, "-out", &certificate])
        .output();
    assert!(made.expect("openssl").status.success());
}

fn nginx(place: &Place, tools: &Tools, name: &str) -> (u16, Process) {
    let port = free_port();
    let text = format!(
        "daemon off; worker_processes 2; pid {name}.pid; error_log stderr warn;\n\
         events {{ worker_connections 256; }}\n\
         http {{ access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;\n\
         uwsgi_temp_path uwsgi; scgi_temp_path scgi;\n\
         ssl_protocols TLSv1.2 TLSv1.3; ssl_session_tickets off; ssl_session_cache none; ssl_session_timeout 1h;\n\
         server {{ listen 127.0.0.1:{port} ssl reuseport; ssl_certificate cert.pem; ssl_certificate_key key.pem; return 200; }} }}\n"
    );
    std::fs::write(place.path(&format!("{name}.conf")), text).expect("a configuration");
    let mut command = Command::new("nginx");
    command.args(["-p", &place.path(""), "-c", &format!("{name}.conf"), "-e", "stderr"]);
    command.env("LD_PRELOAD", &tools.library).env("SESSCACHE_TICKETS", "stateful");
    command.env("SESSCACHE_SHARED", format!("{}:64M", place.path(&format!("{name}.region"))));
    command.env("SESSCACHE_KEY_FILE", place.path("keys")).stderr(Stdio::null());
    let process = Process::start(&mut command);
    wait(|| TcpStream::connect(("127.0.0.1", port)).is_ok());
    (port, process)
}
