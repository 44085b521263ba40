//! Everything between two machines fails, one thing after the other.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::{Fleet, Machine, Redis, are_well, eventually, is_long};

#[test]
fn the_server_is_killed_and_comes_back_empty() {
    let mut fleet = Fleet::new();
    let (one, other) = (fleet.machine("one"), fleet.machine("other"));
    are_well(&one, &other, 1);
    fleet.redis.kill();
    (100..200).for_each(|number| one.put(number));
    one.will_say("records cannot be sent");
    std::thread::sleep(Duration::from_millis(500));
    fleet.redis.begin();
    eventually("what was made meanwhile arrives", || other.count(100..200) == 100);
    are_well(&one, &other, 300);
    one.will_say("records are sent again");
    // What the server has lost is sent to it again, for machines that come later.
    let third = fleet.machine("third");
    eventually("the newcomer has everything", || third.count((1..3).chain(100..200).chain(300..302)) == 104);
}

#[test]
fn the_server_is_paused() {
    let fleet = Fleet::new();
    let (one, other) = (fleet.machine("one"), fleet.machine("other"));
    are_well(&one, &other, 1);
    fleet.redis.pause();
    (100..200).for_each(|number| one.put(number));
    std::thread::sleep(Duration::from_secs(if is_long() { 30 } else { 6 }));
    other.put(200);
    fleet.redis.go_on();
    eventually("what was made meanwhile arrives", || other.count(100..200) == 100 && one.has(200));
    are_well(&one, &other, 300);
}

#[test]
fn the_server_is_full() {
    let fleet = Fleet::new();
    let (one, other) = (fleet.machine("one"), fleet.machine("other"));
    are_well(&one, &other, 1);
    fleet.redis.say(&["CONFIG", "SET", "maxmemory", "1"]);
    one.put(3);
    one.will_say("records cannot be sent");
    one.will_say("OOM");
    // Reading goes on.
    assert!(!other.has(3));
    fleet.redis.say(&["CONFIG", "SET", "maxmemory", "0"]);
    other.will_have(3);
    are_well(&one, &other, 4);
}

#[test]
fn the_server_wants_a_password() {
    let mut fleet = Fleet::with(Redis::start(&["--requirepass", "first"]));
    fleet.redis.password = Some("first".to_owned());
    let file = fleet.folder.path("password");
    fs::write(&file, "wrong\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    fleet.options = ["--password-file".to_owned(), file.clone()].into();
    let (one, other) = (fleet.machine("one"), fleet.machine("other"));
    one.put(1);
    one.will_say("records cannot be sent");
    fs::write(&file, "first\n").unwrap();
    one.relay.signal(libc::SIGHUP);
    other.relay.signal(libc::SIGHUP);
    other.will_have(1);
    // It is changed while they run.
    fleet.redis.say(&["CONFIG", "SET", "requirepass", "second"]);
    fleet.redis.password = Some("second".to_owned());
    fleet.redis.say(&["CLIENT", "KILL", "TYPE", "normal"]);
    one.put(2);
    std::thread::sleep(Duration::from_millis(300));
    fs::write(&file, "second").unwrap();
    one.relay.signal(libc::SIGHUP);
    other.relay.signal(libc::SIGHUP);
    other.will_have(2);
    are_well(&one, &other, 3);
    // An empty one is refused, and the former kept.
    fs::write(&file, "").unwrap();
    one.relay.signal(libc::SIGHUP);
    one.will_say("stay as they were");
    are_well(&one, &other, 5);
    let log = one.log();
    assert!(!["wrong", "first", "second"].iter().any(|password| log.contains(password)), "{log}");
}

#[test]
fn the_stream_is_deleted() {
    let fleet = Fleet::new();
    let (one, other) = (fleet.machine("one"), fleet.machine("other"));
    are_well(&one, &other, 1);
    // Nobody sends anything, and yet it is there again.
    fleet.redis.say(&["DEL", "sesscache"]);
    other.will_say("the stream is another one");
    are_well(&one, &other, 3);
    let third = fleet.machine("third");
    eventually("the newcomer has everything", || third.count(1..5) == 4);
    if is_long() {
        // All is sent once more, but not at once.
        fleet.redis.say(&["DEL", "sesscache"]);
        let fourth = fleet.machine("fourth");
        eventually("the newcomer has everything", || fourth.count(1..5) == 4);
    }
}

#[test]
fn the_stream_is_something_else() {
    let fleet = Fleet::with(Redis::start(&[]));
    fleet.redis.say(&["SET", "sesscache", "a string"]);
    let (one, other) = (fleet.machine("one"), fleet.machine("other"));
    one.put(1);
    one.will_say("WRONGTYPE");
    fleet.redis.say(&["DEL", "sesscache"]);
    other.will_have(1);
    are_well(&one, &other, 2);
}

#[test]
fn a_relay_is_killed_again_and_again() {
    let fleet = Fleet::new();
    let mut one = fleet.machine("one");
    let other = fleet.machine("other");
    let mut number = 0;
    for round in 0..if is_long() { 200 } else { 15 } {
        for _ in 0..50 {
            one.put(number);
            number += 1;
        }
        std::thread::sleep(Duration::from_millis(round * 7 % 60));
        let mut former = std::mem::replace(&mut one.relay, fleet.relay("one"));
        former.kill();
        // It may have come too early for the lock.
        if one.relay.wait_a_moment() {
            one.relay = fleet.relay("one");
        }
    }
    let number = number;
    eventually("all arrive", || other.count(0..number) == number as usize);
    are_well(&one, &other, number);
}

#[test]
fn the_region_is_made_anew() {
    let fleet = Fleet::new();
    let mut one = fleet.machine("one");
    let other = fleet.machine("other");
    are_well(&one, &other, 1);
    fs::remove_file(&one.path).unwrap();
    one.will_say("waiting for the region");
    one.region = fleet.region("one", "8M");
    one.will_have(1);
    are_well(&one, &other, 3);
}

#[test]
fn a_relay_waits_for_its_region_or_makes_it() {
    let mut fleet = Fleet::new();
    let other = fleet.machine("other");
    other.put(1);
    let waiting = fleet.relay("late");
    std::thread::sleep(Duration::from_millis(300));
    let late = Machine {
        region: fleet.region("late", "8M"),
        relay: waiting,
        path: fleet.folder.path("late"),
        log: fleet.folder.path("late.log"),
    };
    late.will_have(1);
    fleet.options = ["--size", "4M"].map(str::to_owned).into();
    let making = fleet.relay("made");
    let path = fleet.folder.path("made");
    eventually("it makes the region", || fs::metadata(&path).is_ok());
    let made = Machine {
        region: fleet.region("made", "8M"),
        relay: making,
        log: fleet.folder.path("made.log"),
        path,
    };
    made.will_have(1);
    assert_eq!(fs::metadata(&made.path).unwrap().len(), 4 << 20);
}

/// A go-between, which can be slow and cut connections.
struct Between {
    port: u16,
    delay: Arc<AtomicU64>,
    cut: Arc<AtomicBool>,
    /// Cuts after so many more bytes, in the midst of whatever they are.
    cut_after: Arc<AtomicU64>,
}

impl Between {
    fn start(to: u16) -> Between {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let between = Between {
            port,
            delay: Arc::default(),
            cut: Arc::default(),
            cut_after: Arc::new(AtomicU64::new(u64::MAX)),
        };
        let (delay, cut, after) =
            (Arc::clone(&between.delay), Arc::clone(&between.cut), Arc::clone(&between.cut_after));
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if cut.load(Ordering::Relaxed) {
                    continue;
                }
                let Ok(server) = TcpStream::connect(("127.0.0.1", to)) else { continue };
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let (delay, cut, after) = (Arc::clone(&delay), Arc::clone(&cut), Arc::clone(&after));
                    std::thread::spawn(move || pass(from, to, &delay, &cut, &after));
                }
            }
        });
        between
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, delay: &AtomicU64, cut: &AtomicBool, after: &AtomicU64) {
    let mut bytes = [0; 4096];
    let _ = from.set_read_timeout(Some(Duration::from_millis(50)));
    while !cut.load(Ordering::Relaxed) {
        let length = match from.read(&mut bytes) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
            Err(_) => break,
        };
        std::thread::sleep(Duration::from_millis(delay.load(Ordering::Relaxed)));
        let left = after.load(Ordering::Relaxed);
        let passed = length.min(usize::try_from(left).unwrap_or(usize::MAX));
        if left != u64::MAX {
            after.store(left - passed as u64, Ordering::Relaxed);
        }
        if to.write_all(&bytes[..passed]).is_err() || passed < length {
            after.store(u64::MAX, Ordering::Relaxed);
            break;
        }
    }
    let _ = from.shutdown(std::net::Shutdown::Both);
    let _ = to.shutdown(std::net::Shutdown::Both);
}

fn behind(fleet: &Fleet, between: &Between, name: &str) -> Machine {
    let mut command = fleet.relay_command(name);
    command = {
        let mut own = std::process::Command::new(command.get_program());
        let log =
            fs::File::options().create(true).append(true).open(fleet.folder.path(&format!("{name}.log")));
        own.args(["relay", "--region", &fleet.folder.path(name)]);
        own.args(["--redis", &format!("redis://127.0.0.1:{}", between.port)]).stderr(log.unwrap());
        own
    };
    Machine {
        region: fleet.region(name, "8M"),
        relay: super::Process::start(command),
        path: fleet.folder.path(name),
        log: fleet.folder.path(&format!("{name}.log")),
    }
}

#[test]
fn the_network_is_slow_cut_and_cut_in_the_midst_of_a_command() {
    let fleet = Fleet::new();
    let between = Between::start(fleet.redis.port);
    let one = behind(&fleet, &between, "one");
    let other = fleet.machine("other");
    are_well(&one, &other, 1);
    between.delay.store(100, Ordering::Relaxed);
    are_well(&one, &other, 3);
    between.delay.store(0, Ordering::Relaxed);
    between.cut.store(true, Ordering::Relaxed);
    (100..200).for_each(|number| one.put(number));
    one.will_say("records cannot be sent");
    other.put(200);
    between.cut.store(false, Ordering::Relaxed);
    eventually("both catch up", || other.count(100..200) == 100 && one.has(200));
    let mut number = 1000;
    for bytes in [1, 30, 100, 700, 5000] {
        between.cut_after.store(bytes, Ordering::Relaxed);
        (number..number + 100).for_each(|number| one.put(number));
        eventually("all arrive", || other.count(number..number + 100) == 100);
        number += 100;
    }
    between.cut_after.store(u64::MAX, Ordering::Relaxed);
    are_well(&one, &other, 5000);
}

/// A relay that is asked to end says what it still has to say.
#[test]
fn at_its_end_nothing_is_left_unsaid() {
    let fleet = Fleet::new();
    let mut one = fleet.machine("one");
    let other = fleet.machine("other");
    are_well(&one, &other, 1);
    (100..3000).for_each(|number| one.put(number));
    assert_eq!(one.relay.end(), 0);
    eventually("all arrive", || other.count(100..3000) == 2900);
}

/// Nor does it wait for a server that is not there.
#[test]
fn without_a_server_it_ends_soon() {
    let mut fleet = Fleet::new();
    let mut one = fleet.machine("one");
    one.put(1);
    fleet.redis.kill();
    one.put(2);
    one.will_say("records cannot be sent");
    let began = std::time::Instant::now();
    assert_eq!(one.relay.end(), 0);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

/// Nor for one that stands still.
#[test]
fn with_a_server_that_stands_still_it_ends_soon() {
    let fleet = Fleet::new();
    let mut one = fleet.machine("one");
    one.put(1);
    eventually("it has been sent", || one.told().sent == 1);
    fleet.redis.pause();
    one.put(2);
    one.will_say("records cannot be sent");
    let began = std::time::Instant::now();
    assert_eq!(one.relay.end(), 0);
    assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
    fleet.redis.go_on();
}

/// The new stream is read before anybody has looked whether it is the old one.
#[test]
fn the_stream_is_deleted_while_there_is_traffic() {
    let fleet = Fleet::new();
    let (one, other) = (fleet.machine("one"), fleet.machine("other"));
    (100..200).for_each(|number| one.put(number));
    eventually("all arrive", || other.count(100..200) == 100);
    // A look at the stream is due, and has to be over.
    std::thread::sleep(Duration::from_secs(6));
    fleet.redis.say(&["DEL", "sesscache"]);
    for number in 1000..1080 {
        other.put(number);
        std::thread::sleep(Duration::from_millis(100));
    }
    let third = fleet.machine("third");
    eventually("the newcomer has everything", || third.count((100..200).chain(1000..1080)) == 180);
}

/// A server took over that lacks the latest entries.
#[test]
fn the_stream_loses_its_end() {
    let fleet = Fleet::new();
    let (one, other) = (fleet.machine("one"), fleet.machine("other"));
    are_well(&one, &other, 1);
    one.put(3);
    other.will_have(3);
    let last = fleet.redis.say(&["XREVRANGE", "sesscache", "+", "-", "COUNT", "1"]);
    let id = last.lines().find(|line| line.contains('-')).unwrap().trim().to_owned();
    assert_eq!(fleet.redis.number(&["XDEL", "sesscache", &id]), 1);
    one.will_say("the stream has lost its end");
    let third = fleet.machine("third");
    third.will_have(3);
    assert!(third.has(1) && third.has(2));
    are_well(&one, &other, 10);
}

/// A server, or what pretends to be one, that answers one byte a second, and not what was asked.
#[test]
fn a_server_that_drips_does_not_keep_a_relay_from_ending() {
    let fleet = Fleet::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            std::thread::spawn(move || drip(client));
        }
    });
    let _region = fleet.region("one", "8M");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_sesscache"));
    command.args(["relay", "--region", &fleet.folder.path("one"), "--redis", &url]);
    command.stderr(std::process::Stdio::null());
    let mut relay = super::Process::start(command);
    std::thread::sleep(Duration::from_secs(2));
    assert!(relay.runs());
    let began = std::time::Instant::now();
    assert_eq!(relay.end(), 0);
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}

fn drip(mut client: TcpStream) {
    let mut answer = b"$1000000\r\n".iter().chain(std::iter::repeat(&b'x'));
    while answer.next().is_some_and(|byte| client.write_all(&[*byte]).is_ok()) {
        std::thread::sleep(Duration::from_millis(500));
    }
}
