//! The ways in which a server can be had: behind sentinels, as a cluster, over a socket, and as a user who may do little.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use super::redis::WATCHED;
use super::{Fleet, Folder, Redis, are_well, eventually, is_put_off};

/// A master with its replica, and three sentinels: the first is the fleet's server.
struct Watched {
    fleet: Fleet,
    others: Vec<Redis>,
    master: Redis,
    replica: Redis,
}

impl Watched {
    fn start() -> Watched {
        Watched::guarded(None, false)
    }

    /// With a password of the servers, and perhaps of the sentinels.
    fn guarded(password: Option<&str>, are_sentinels: bool) -> Watched {
        let options = password.into_iter().flat_map(|word| ["--requirepass", word, "--masterauth", word]);
        // Otherwise a master waits for further replicas before it serves the first.
        let options: Vec<&str> = ["--repl-diskless-sync-delay", "0"].into_iter().chain(options).collect();
        let mut master = Redis::start(&options);
        let port = master.port.to_string();
        let mut replica = Redis::start(&[&options[..], &["--replicaof", "127.0.0.1", &port]].concat());
        for server in [&mut master, &mut replica] {
            server.password = password.map(str::to_owned);
        }
        eventually("the replica follows", || {
            replica.say(&["INFO", "replication"]).contains("master_link_status:up")
        });
        let lines = password.map(|word| format!("sentinel auth-pass {WATCHED} {word}"));
        let own = password.filter(|_| are_sentinels).map(|word| format!("requirepass {word}"));
        let lines: Vec<String> = lines.into_iter().chain(own).collect();
        let mut others: Vec<Redis> = (0..3).map(|_| Redis::sentinel(&master, &lines)).collect();
        for sentinel in &mut others {
            sentinel.password = password.filter(|_| are_sentinels).map(str::to_owned);
            eventually("the sentinels know each other and the replica", || {
                sentinel.say(&["SENTINEL", "CKQUORUM", WATCHED]).starts_with("+OK 3")
                    && sentinel.say(&["SENTINEL", "REPLICAS", WATCHED]).contains(&replica.port.to_string())
            });
        }
        let mut fleet = Fleet::with(others.remove(0));
        let urls = others.iter().flat_map(|sentinel| ["--redis".to_owned(), sentinel.url()]);
        fleet.options = urls.chain(["--sentinel".to_owned(), WATCHED.to_owned()]).collect();
        Watched { fleet, others, master, replica }
    }

    fn will_be_replaced(&self) {
        eventually("the replica is the master", || {
            self.replica.say(&["INFO", "replication"]).contains("role:master")
        });
    }
}

#[test]
fn sentinels_replace_a_master_that_was_killed() {
    let mut watched = Watched::start();
    let (one, other) = (watched.fleet.machine("one"), watched.fleet.machine("other"));
    (0..500).for_each(|number| one.put(number));
    eventually("all arrive", || other.count(0..500) == 500);
    watched.master.kill();
    (500..1000).for_each(|number| one.put(number));
    one.remove(1);
    watched.will_be_replaced();
    eventually("what was made meanwhile arrives", || other.count(500..1000) == 500 && !other.has(1));
    assert!(!one.has(1) && one.count(2..1000) == 998 && other.count(2..1000) == 998);
    are_well(&one, &other, 2000);
    // The new master has it all, too.
    let third = watched.fleet.machine("third");
    eventually("the newcomer has everything", || third.count(2..1000) == 998 && !third.has(1));
}

/// As if its machine had lost its network: nobody tells that it is gone.
#[test]
fn sentinels_replace_a_master_that_answers_no_more() {
    if is_put_off("sentinels_replace_a_master_that_answers_no_more") {
        return;
    }
    let watched = Watched::start();
    let (one, other) = (watched.fleet.machine("one"), watched.fleet.machine("other"));
    are_well(&one, &other, 1);
    watched.master.pause();
    one.put(100);
    watched.will_be_replaced();
    other.will_have(100);
    are_well(&one, &other, 200);
    // When it comes back the sentinels make it a replica.
    watched.master.go_on();
    eventually("it is a replica", || watched.master.say(&["INFO", "replication"]).contains("role:slave"));
    are_well(&one, &other, 300);
}

/// Nor is a sentinel waited for. A relay that cannot get an answer ends when it is asked to.
#[test]
fn a_sentinel_that_answers_no_more_is_passed_by() {
    if is_put_off("a_sentinel_that_answers_no_more_is_passed_by") {
        return;
    }
    let mut watched = Watched::start();
    let one = watched.fleet.machine("one");
    one.put(1);
    eventually("it is sent", || watched.master.number(&["XLEN", "sesscache"]) == 1);
    watched.fleet.redis.pause();
    let mut other = watched.fleet.machine("other");
    other.will_have(1);
    watched.others[0].kill();
    watched.others[1].pause();
    watched.master.say(&["CLIENT", "KILL", "TYPE", "normal"]);
    other.put(2);
    other.will_say("records cannot be sent");
    let began = Instant::now();
    assert_eq!(other.relay.end(), 0);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

/// The password is the server's. Sentinels may want it, too, or none.
#[test]
fn sentinels_and_their_server_want_a_password() {
    for are_sentinels in [false, true] {
        let mut watched = Watched::guarded(Some("secret"), are_sentinels);
        let file = watched.fleet.folder.path("password");
        fs::write(&file, "secret\n").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        watched.fleet.options.extend(["--password-file".to_owned(), file]);
        let (one, other) = (watched.fleet.machine("one"), watched.fleet.machine("other"));
        are_well(&one, &other, 1);
    }
}

#[test]
fn sentinels_that_know_no_such_master_are_asked_again() {
    let watched = Watched::start();
    let sentinels = || watched.others.iter().chain([&watched.fleet.redis]);
    for sentinel in sentinels() {
        assert_eq!(sentinel.say(&["SENTINEL", "REMOVE", WATCHED]), "+OK\r\n");
    }
    let one = watched.fleet.machine("one");
    one.put(1);
    one.will_say("the sentinel knows no such name");
    let port = watched.master.port.to_string();
    for sentinel in sentinels() {
        // One that is busy may refuse at first.
        let watches = || {
            let answer = sentinel.say(&["SENTINEL", "MONITOR", WATCHED, "127.0.0.1", &port, "2"]);
            answer.starts_with("+OK") || answer.contains("Duplicate")
        };
        eventually("the sentinel watches the master again", watches);
    }
    one.will_say("records are sent again");
}

/// Three nodes, each with a third of the slots.
fn cluster() -> (Fleet, Vec<Redis>) {
    let mut nodes: Vec<Redis> = (0..3).map(|_| Redis::node()).collect();
    let slots = [("0", "5460"), ("5461", "10922"), ("10923", "16383")];
    for (epoch, (node, (first, last))) in nodes.iter().zip(slots).enumerate() {
        // Each an epoch of its own, as redis-cli does it, or they have to settle that first.
        assert_eq!(node.say(&["CLUSTER", "SET-CONFIG-EPOCH", &(epoch + 1).to_string()]), "+OK\r\n");
        assert_eq!(node.say(&["CLUSTER", "ADDSLOTSRANGE", first, last]), "+OK\r\n");
    }
    for node in &nodes[1..] {
        let (port, bus) = (node.port.to_string(), bus(node));
        assert_eq!(nodes[0].say(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]), "+OK\r\n");
    }
    are_joined(&nodes);
    let mut fleet = Fleet::with(nodes.remove(0));
    let urls = nodes.iter().flat_map(|node| ["--redis".to_owned(), node.url()]);
    fleet.options = urls.chain(["--cluster", "--streams", "4"].map(str::to_owned)).collect();
    (fleet, nodes)
}

fn bus(node: &Redis) -> String {
    node.say(&["CONFIG", "GET", "cluster-port"]).lines().last().unwrap().to_owned()
}

fn are_joined<'a>(nodes: impl IntoIterator<Item = &'a Redis>) {
    for node in nodes {
        eventually("the node knows the others", || {
            let info = node.say(&["CLUSTER", "INFO"]);
            info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
        });
    }
}

#[test]
fn streams_are_spread_over_a_cluster() {
    let (fleet, nodes) = cluster();
    let (one, other) = (fleet.machine("one"), fleet.machine("other"));
    (0..1000).for_each(|number| one.put(number));
    eventually("all arrive", || other.count(0..1000) == 1000);
    let keys: Vec<u64> = nodes.iter().chain([&fleet.redis]).map(|node| node.number(&["DBSIZE"])).collect();
    assert!(keys.iter().sum::<u64>() == 4 && keys.iter().filter(|keys| **keys > 0).count() > 1, "{keys:?}");
    (0..500).for_each(|number| other.remove(number));
    eventually("they are gone", || one.count(0..500) == 0);
    assert_eq!(one.count(500..1000), 500);
    are_well(&one, &other, 2000);
    let third = fleet.machine("third");
    eventually("the newcomer has everything", || third.count(0..1000) == 500);
    assert_eq!(third.count(0..500), 0);
}

/// It comes back empty, and what it held is sent to it again.
#[test]
fn a_node_of_a_cluster_is_killed_and_comes_back() {
    if is_put_off("a_node_of_a_cluster_is_killed_and_comes_back") {
        return;
    }
    let (mut fleet, mut nodes) = cluster();
    let (one, other) = (fleet.machine("one"), fleet.machine("other"));
    (0..500).for_each(|number| one.put(number));
    eventually("all arrive", || other.count(0..500) == 500);
    for round in 0..3 {
        // Each of them once: the relays' first address, too.
        let node = if round == 0 { &mut fleet.redis } else { &mut nodes[round - 1] };
        node.kill();
        let number = 1000 * (round as u64 + 1);
        (number..number + 100).for_each(|number| one.put(number));
        one.will_say("records cannot be sent");
        std::thread::sleep(Duration::from_secs(2));
        let node = if round == 0 { &mut fleet.redis } else { &mut nodes[round - 1] };
        node.begin();
        are_joined(nodes.iter().chain([&fleet.redis]));
        eventually("what was made meanwhile arrives", || other.count(number..number + 100) == 100);
        are_well(&one, &other, number + 500);
    }
    let all = || (0..500).chain(1000..1100).chain(2000..2100).chain(3000..3100);
    let third = fleet.machine("third");
    eventually("the newcomer has everything", || third.count(all()) == 800);
}

/// And a relay that cannot get an answer ends when it is asked to.
#[test]
fn a_node_of_a_cluster_answers_no_more() {
    if is_put_off("a_node_of_a_cluster_answers_no_more") {
        return;
    }
    let (fleet, nodes) = cluster();
    let (mut one, other) = (fleet.machine("one"), fleet.machine("other"));
    are_well(&one, &other, 1);
    nodes[0].pause();
    (100..200).for_each(|number| one.put(number));
    one.will_say("records cannot be sent");
    let began = Instant::now();
    assert_eq!(one.relay.end(), 0);
    assert!(began.elapsed() < Duration::from_secs(25), "{:?}", began.elapsed());
    one.relay = fleet.relay("one");
    nodes[0].go_on();
    eventually("all arrive", || other.count(100..200) == 100);
    are_well(&one, &other, 300);
}

/// The rest of the cluster makes its replica the master.
#[test]
fn a_node_of_a_cluster_is_replaced() {
    let (fleet, mut nodes) = cluster();
    let replica = Redis::node();
    let (port, bus) = (nodes[1].port.to_string(), bus(&nodes[1]));
    assert_eq!(replica.say(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]), "+OK\r\n");
    let id = nodes[1].say(&["CLUSTER", "MYID"]);
    let id = id.lines().nth(1).unwrap();
    eventually("it becomes a replica", || replica.say(&["CLUSTER", "REPLICATE", id]) == "+OK\r\n");
    eventually("it follows", || {
        let knows_all = |node: &Redis| node.say(&["CLUSTER", "INFO"]).contains("cluster_known_nodes:4");
        replica.say(&["INFO", "replication"]).contains("master_link_status:up")
            && nodes.iter().chain([&fleet.redis, &replica]).all(knows_all)
    });
    let (one, other) = (fleet.machine("one"), fleet.machine("other"));
    (0..500).for_each(|number| one.put(number));
    eventually("all arrive", || other.count(0..500) == 500);
    nodes[1].kill();
    (500..1000).for_each(|number| one.put(number));
    eventually("the replica is the master", || replica.say(&["INFO", "replication"]).contains("role:master"));
    eventually("what was made meanwhile arrives", || other.count(500..1000) == 500);
    are_well(&one, &other, 2000);
}

/// A stream moves to another node, as when nodes are added.
#[test]
fn a_stream_moves_within_a_cluster() {
    let (fleet, nodes) = cluster();
    let (one, other) = (fleet.machine("one"), fleet.machine("other"));
    // A stream to which nothing has gone is nowhere.
    (0..100).for_each(|number| one.put(number));
    eventually("all arrive", || other.count(0..100) == 100);
    let all: Vec<&Redis> = nodes.iter().chain([&fleet.redis]).collect();
    for number in 0..4 {
        let key = format!("sesscache.{number}");
        let slot = all[0].number(&["CLUSTER", "KEYSLOT", &key]).to_string();
        let holds = |node: &&&Redis| node.say(&["CLUSTER", "GETKEYSINSLOT", &slot, "9"]).contains(&key);
        let from = all.iter().find(holds).unwrap();
        let to = all.iter().find(|node| !std::ptr::eq(**node, *from)).unwrap();
        let id = |node: &Redis| node.say(&["CLUSTER", "MYID"]).lines().nth(1).unwrap().to_owned();
        let is_ok = |answer: String| assert_eq!(answer, "+OK\r\n");
        is_ok(to.say(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &id(from)]));
        is_ok(from.say(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &id(to)]));
        one.put(100 * (number + 1));
        is_ok(from.say(&["MIGRATE", "127.0.0.1", &to.port.to_string(), &key, "0", "5000"]));
        one.put(100 * (number + 1) + 1);
        for node in [to, from] {
            is_ok(node.say(&["CLUSTER", "SETSLOT", &slot, "NODE", &id(to)]));
        }
    }
    for number in 1..=4 {
        other.will_have(100 * number);
        other.will_have(100 * number + 1);
    }
    (1000..1200).for_each(|number| one.put(number));
    eventually("all arrive", || other.count(1000..1200) == 200);
    are_well(&one, &other, 2000);
}

#[test]
fn over_a_socket() {
    let folder = Folder::new();
    let socket = folder.path("socket");
    let redis = Redis::start(&["--unixsocket", &socket]);
    for scheme in ["unix", "redis+unix"] {
        let mut fleet = Fleet::new();
        fleet.redis.url = Some(format!("{scheme}://{socket}"));
        let (one, other) = (fleet.machine("one"), fleet.machine("other"));
        are_well(&one, &other, 1);
        assert_eq!(fleet.redis.number(&["DBSIZE"]), 0);
    }
    assert_eq!(redis.number(&["DBSIZE"]), 1);
}

#[test]
fn in_a_database_of_its_own() {
    let mut fleet = Fleet::new();
    fleet.redis.url = Some(format!("redis://127.0.0.1:{}/3", fleet.redis.port));
    let (one, other) = (fleet.machine("one"), fleet.machine("other"));
    are_well(&one, &other, 1);
    assert_eq!(fleet.redis.number(&["DBSIZE"]), 0);
    assert!(fleet.redis.say(&["INFO", "keyspace"]).contains("db3:keys=1,"));
}

/// What a relay may do at least, as docs/fleet.md says.
const ALLOWED: [&str; 5] = ["+xadd", "+xread", "+xrange", "+xrevrange", "+time"];

/// Has the servers know a user who may do this on these keys, and nobody else.
fn allow<'a>(servers: impl IntoIterator<Item = &'a Redis>, keys: &str, more: &[&str]) {
    for server in servers {
        let rule = ["ACL", "SETUSER", "relay", "on", ">secret", keys, "-@all"];
        let rule = [&rule[..], &ALLOWED, more].concat();
        assert_eq!(server.say(&rule), "+OK\r\n");
    }
}

fn as_user(fleet: &mut Fleet) {
    let file = fleet.folder.path("password");
    fs::write(&file, "secret").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    fleet.options.extend(["--user", "relay", "--password-file", &file].map(str::to_owned));
}

#[test]
fn as_a_user_who_may_do_no_more_than_it_takes() {
    let mut fleet = Fleet::new();
    allow([&fleet.redis], "~sesscache", &[]);
    as_user(&mut fleet);
    let (one, other) = (fleet.machine("one"), fleet.machine("other"));
    are_well(&one, &other, 1);
    // None of it is too much.
    for needed in ALLOWED {
        let refused = needed.replace('+', "-");
        fleet.redis.say(&["ACL", "SETUSER", "relay", &refused]);
        let newcomer = fleet.machine(&refused);
        newcomer.put(10);
        newcomer.will_say("no permissions to run");
        fleet.redis.say(&["ACL", "SETUSER", "relay", needed]);
        newcomer.will_say("again");
        newcomer.will_have(1);
    }
    // Neither other keys nor other commands.
    fleet.redis.say(&["ACL", "SETUSER", "relay", "resetkeys", "~another"]);
    one.put(11);
    one.will_say("no permissions to access");
}

#[test]
fn as_such_a_user_of_a_cluster() {
    let (mut fleet, nodes) = cluster();
    allow(nodes.iter().chain([&fleet.redis]), "~sesscache.*", &["+cluster|slots", "+ping"]);
    as_user(&mut fleet);
    let (one, other) = (fleet.machine("one"), fleet.machine("other"));
    (0..100).for_each(|number| one.put(number));
    eventually("all arrive", || other.count(0..100) == 100);
    are_well(&one, &other, 1000);
}

#[test]
fn as_such_a_user_behind_sentinels() {
    let mut watched = Watched::start();
    allow([&watched.master, &watched.replica], "~sesscache", &["+role"]);
    as_user(&mut watched.fleet);
    let (one, other) = (watched.fleet.machine("one"), watched.fleet.machine("other"));
    are_well(&one, &other, 1);
}
