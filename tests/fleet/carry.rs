//! What travels, and what does not.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use super::redis::free_port;
use super::{Fleet, eventually, id};

#[test]
fn sessions_are_found_on_the_other_machine_and_removals_reach_it() {
    let fleet = Fleet::new();
    let (one, other) = (fleet.machine("one"), fleet.machine("other"));
    one.put(1);
    other.will_have(1);
    other.put(2);
    one.will_have(2);
    other.remove(1);
    eventually("the session is gone on both", || !one.has(1) && !other.has(1));
    // Nothing goes round in circles.
    let sent = || (one.told().sent, other.told().sent);
    eventually("both have told what they sent", || sent() == (1, 2));
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(sent(), (1, 2));
    assert_eq!(fleet.redis.number(&["XLEN", "sesscache"]), 3);
}

#[test]
fn a_flush_reaches_all() {
    let fleet = Fleet::new();
    let (one, other) = (fleet.machine("one"), fleet.machine("other"));
    one.put(1);
    other.will_have(1);
    std::thread::sleep(Duration::from_millis(5));
    one.region.flush();
    eventually("it is gone on the other machine", || !other.has(1));
    std::thread::sleep(Duration::from_millis(5));
    one.put(2);
    other.will_have(2);
}

#[test]
fn sessions_for_single_use_stay_where_they_are() {
    let fleet = Fleet::new();
    let (one, other) = (fleet.machine("one"), fleet.machine("other"));
    assert!(one.region.put(&id(1), b"single", 3600, true));
    one.put(2);
    other.will_have(2);
    assert!(other.region.get(&id(1), false).is_none());
    assert!(one.region.get(&id(1), false).is_some());
}

#[test]
fn an_empty_region_is_filled_newest_first() {
    const MANY: u64 = 20_000;
    let fleet = Fleet::new();
    let one = fleet.machine("one");
    (0..MANY).for_each(|number| one.put(number));
    let sent = || one.told().sent == MANY;
    eventually("all are sent", sent);
    // It has room for all of them.
    let other = fleet.machine_of("other", "16M");
    other.will_say("the region is filled");
    assert_eq!(other.count(0..MANY), MANY as usize);
    // Into this one go the newest.
    let small = fleet.machine_of("small", "2M");
    small.will_say("the region is filled");
    assert!(small.has(MANY - 1) && small.has(MANY - 500) && !small.has(0));
    one.put(MANY);
    small.will_have(MANY);
}

#[test]
fn a_late_relay_and_one_that_was_away_miss_nothing() {
    let fleet = Fleet::new();
    let mut one = fleet.machine("one");
    let other = fleet.machine("other");
    one.put(1);
    other.will_have(1);
    assert_eq!(one.relay.end(), 0);
    (2..1000).for_each(|number| one.put(number));
    other.put(1000);
    one.relay = fleet.relay("one");
    eventually("all arrive", || other.count(1..=1000) == 1000 && one.has(1000));
    // The outbox of 8 MiB has 16384 entries, the ring more.
    assert_eq!(one.relay.end(), 0);
    (2000..19_000).for_each(|number| one.put(number));
    one.relay = fleet.relay("one");
    eventually("all arrive", || other.count(2000..19_000) == 17_000);
}

#[test]
fn several_streams_share_the_work() {
    let mut fleet = Fleet::new();
    fleet.options = ["--streams", "4"].map(str::to_owned).into();
    let (one, other) = (fleet.machine("one"), fleet.machine("other"));
    (0..1000).for_each(|number| one.put(number));
    eventually("all arrive", || other.count(0..1000) == 1000);
    let lengths: Vec<u64> =
        (0..4).map(|number| fleet.redis.number(&["XLEN", &format!("sesscache.{number}")])).collect();
    assert!(lengths.iter().all(|length| *length > 0), "{lengths:?}");
    (0..1000).for_each(|number| one.remove(number));
    eventually("all are gone", || other.count(0..1000) == 0);
}

#[test]
fn what_is_old_is_trimmed() {
    let mut fleet = Fleet::new();
    fleet.options = ["--keep", "1s"].map(str::to_owned).into();
    let one = fleet.machine("one");
    // Servers trim by the hundred.
    for round in 0..3 {
        for number in 0..200 {
            one.put(round * 1000 + number);
            std::thread::sleep(Duration::from_millis(3));
        }
        std::thread::sleep(Duration::from_millis(1100));
    }
    one.put(5000);
    eventually("the old ones are gone", || fleet.redis.number(&["XLEN", "sesscache"]) < 450);
}

#[test]
fn no_more_than_so_many_a_second() {
    let mut fleet = Fleet::new();
    fleet.options = ["--max-rate", "1000"].map(str::to_owned).into();
    let (one, other) = (fleet.machine("one"), fleet.machine("other"));
    one.put(0);
    other.will_have(0);
    let began = Instant::now();
    (1..4000).for_each(|number| one.put(number));
    eventually("all arrive", || other.count(0..4000) == 4000);
    assert!(began.elapsed() > Duration::from_millis(1500), "{:?}", began.elapsed());
}

#[test]
fn metrics_are_told_to_this_machine() {
    let mut fleet = Fleet::new();
    let port = free_port();
    fleet.options = ["--metrics".to_owned(), format!("127.0.0.1:{port}")].into();
    let mut one = fleet.machine("one");
    one.put(1);
    let ask = |path: &str| -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        Some(text)
    };
    let tells = |line: &str| ask("/metrics").is_some_and(|text| text.lines().any(|told| told == line));
    eventually("one record was sent", || tells("sesscache_relay_sent_records_total 1"));
    let text = ask("/metrics").unwrap();
    assert!(text.starts_with("HTTP/1.1 200") && text.contains("application/openmetrics-text"), "{text}");
    assert!(text.ends_with("# EOF\n") && text.contains("\nsesscache_relay_up 1\n"), "{text}");
    assert!(ask("/").unwrap().starts_with("HTTP/1.1 404"));
    // Who promises much and sends nothing is not waited for, nor believed.
    let mut dawdler = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(dawdler, "POST /metrics HTTP/1.1\r\nContent-Length: 100000000000000\r\n\r\n").unwrap();
    let mut silent = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(silent, "GET /metrics").unwrap();
    assert!(tells("sesscache_relay_sent_records_total 1"));
    assert_eq!(one.relay.end(), 0);
    assert!(fs::read_to_string(&one.log).unwrap().contains("msg=stopped sent=1"));
}

#[test]
fn two_relays_on_one_region_are_one_too_many() {
    let fleet = Fleet::new();
    let mut one = fleet.machine("one");
    one.put(1);
    eventually("it works", || one.log().contains("msg=working"));
    assert_eq!(fleet.relay("one").wait(), 1);
    assert!(one.log().contains("another relay works for"), "{}", one.log());
    assert!(one.relay.runs());
}

#[test]
fn an_operator_sees_the_relay() {
    let fleet = Fleet::new();
    let mut one = fleet.machine("one");
    one.put(1);
    let stat = || {
        let out = Command::new(env!("CARGO_BIN_EXE_sesscache")).args(["stat", &one.path]).output().unwrap();
        String::from_utf8(out.stdout).unwrap()
    };
    let line = format!("Relay, process {}: working; sent 1, brought 0, yet to send 0", one.relay.pid());
    eventually("it tells of its work", || stat().contains(&line));
    fleet.redis.pause();
    eventually("it tells of its trouble", || stat().contains("its server is out of reach"));
    fleet.redis.go_on();
    eventually("it tells of its work", || stat().contains(&line));
    assert_eq!(one.relay.end(), 0);
    let out =
        Command::new(env!("CARGO_BIN_EXE_sesscache")).args(["stat", "--format=json", &one.path]).output();
    assert!(String::from_utf8(out.unwrap().stdout).unwrap().contains("\"relay\": null"));
}
