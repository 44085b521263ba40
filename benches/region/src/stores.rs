//! The stores, as a TLS server would use each: one request, one answer, by the fastest ordinary way.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;

use heed::types::Bytes;
use heed::{Database, Env, EnvFlags, EnvOpenOptions};

use crate::servers::{Address, Folder, Server, Stream, Way};

/// A TLS session id.
pub type Id = [u8; 32];

/// A session's lifetime in seconds, longer than any run.
const LIFETIME: u32 = 24 * 3600;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Region,
    Lmdb,
    Redis(Way),
    Memcached(Way),
}

impl Kind {
    pub const ALL: [Kind; 6] = [
        Kind::Region,
        Kind::Lmdb,
        Kind::Redis(Way::Tcp),
        Kind::Redis(Way::Unix),
        Kind::Memcached(Way::Tcp),
        Kind::Memcached(Way::Unix),
    ];

    pub fn name(self) -> &'static str {
        match self {
            Kind::Region => "region",
            Kind::Lmdb => "lmdb",
            Kind::Redis(Way::Tcp) => "redis",
            Kind::Redis(Way::Unix) => "redis-unix",
            Kind::Memcached(Way::Tcp) => "memcached",
            Kind::Memcached(Way::Unix) => "memcached-unix",
        }
    }
}

/// One process's way into a store. An error ends the benchmark: what fails is not fast.
pub trait Store {
    fn put(&mut self, id: &Id, session: &[u8]);
    /// False if there is none.
    fn get(&mut self, id: &Id, into: &mut Vec<u8>) -> bool;
    /// Gets and removes: of several processes that ask at once, one succeeds.
    fn take(&mut self, id: &Id, into: &mut Vec<u8>) -> bool;
}

/// A store that runs.
pub enum Backend {
    Region(Box<sesscache::tools::Region>),
    Lmdb(Folder, usize),
    Redis(Server),
    Memcached(Server),
}

impl Backend {
    /// For so many sessions, and a tenth more.
    pub fn start(kind: Kind, sessions: u64) -> Result<Backend, String> {
        match kind {
            Kind::Region => region(sessions * 576).map(|region| Backend::Region(Box::new(region))),
            Kind::Lmdb => {
                let map = usize::try_from(sessions * 1024 + (64 << 20)).map_err(|error| error.to_string())?;
                Ok(Backend::Lmdb(Folder::new()?, map))
            }
            Kind::Redis(way) => Server::start("redis-server", way, |folder, address| {
                let place = match address {
                    Address::Tcp(port) => format!("--bind 127.0.0.1 --port {port}"),
                    Address::Unix(socket) => format!("--port 0 --unixsocket {}", socket.display()),
                };
                // Nothing is written to a disk: the space at the end makes an empty word, which means never.
                format!("--appendonly no --loglevel warning --dir {} {place} --save ", folder.display())
            })
            .map(Backend::Redis),
            Kind::Memcached(way) => Server::start("memcached", way, |_, address| {
                let place = match address {
                    Address::Tcp(port) => format!("-l 127.0.0.1 -p {port}"),
                    Address::Unix(socket) => format!("-s {}", socket.display()),
                };
                format!("{place} -m {} -t 2 -u root", sessions * 1024 / (1 << 20) + 64)
            })
            .map(Backend::Memcached),
        }
    }

    /// In the process that will use it, after the fork.
    pub fn connect(&self) -> Box<dyn Store + '_> {
        match self {
            Backend::Region(region) => Box::new(InRegion(region)),
            Backend::Lmdb(folder, map) => Box::new(InLmdb::open(folder.path(), *map)),
            Backend::Redis(server) => Box::new(InRedis::connect(&server.address)),
            Backend::Memcached(server) => Box::new(InMemcached::connect(&server.address)),
        }
    }
}

/// Memory that forked processes inherit, of at least the size that a region must have.
pub fn region(bytes: u64) -> Result<sesscache::tools::Region, String> {
    let place = format!("anon:{}", bytes.max(1 << 20));
    sesscache::tools::Region::open(|name| (name == "SESSCACHE_SHARED").then(|| place.clone()))
}

struct InRegion<'a>(&'a sesscache::tools::Region);

impl Store for InRegion<'_> {
    fn put(&mut self, id: &Id, session: &[u8]) {
        assert!(self.0.put(id, session, i64::from(LIFETIME), false), "the region refuses a session");
    }

    fn get(&mut self, id: &Id, into: &mut Vec<u8>) -> bool {
        self.0.get(id, false).map(|session| *into = session).is_some()
    }

    fn take(&mut self, id: &Id, into: &mut Vec<u8>) -> bool {
        self.0.get(id, true).map(|session| *into = session).is_some()
    }
}

struct InLmdb {
    environment: Env,
    database: Database<Bytes, Bytes>,
}

impl InLmdb {
    /// On a tmpfs and without any syncing.
    fn open(folder: &Path, map: usize) -> InLmdb {
        let flags = EnvFlags::NO_SYNC | EnvFlags::WRITE_MAP | EnvFlags::NO_MEM_INIT | EnvFlags::NO_READ_AHEAD;
        let mut options = EnvOpenOptions::new();
        options.map_size(map);
        // SAFETY: durability is not wanted, and no lock is left out. Nobody else touches the folder.
        let environment = unsafe { options.flags(flags).open(folder) }.expect("LMDB opens");
        let mut writing = environment.write_txn().expect("LMDB writes");
        let database = environment.create_database(&mut writing, None).expect("LMDB has a database");
        writing.commit().expect("LMDB commits");
        InLmdb { environment, database }
    }
}

impl Store for InLmdb {
    fn put(&mut self, id: &Id, session: &[u8]) {
        let mut writing = self.environment.write_txn().expect("LMDB writes");
        self.database.put(&mut writing, id, session).expect("LMDB puts");
        writing.commit().expect("LMDB commits");
    }

    fn get(&mut self, id: &Id, into: &mut Vec<u8>) -> bool {
        let reading = self.environment.read_txn().expect("LMDB reads");
        let Some(found) = self.database.get(&reading, id).expect("LMDB gets") else { return false };
        found.clone_into(into);
        true
    }

    fn take(&mut self, id: &Id, into: &mut Vec<u8>) -> bool {
        let mut writing = self.environment.write_txn().expect("LMDB writes");
        let Some(found) = self.database.get(&writing, id).expect("LMDB gets") else { return false };
        found.clone_into(into);
        self.database.delete(&mut writing, id).expect("LMDB deletes");
        writing.commit().expect("LMDB commits");
        true
    }
}

struct InRedis(redis::Connection);

impl InRedis {
    fn connect(address: &Address) -> InRedis {
        let address = match address {
            Address::Tcp(port) => format!("redis://127.0.0.1:{port}"),
            Address::Unix(socket) => format!("unix://{}", socket.display()),
        };
        let client = redis::Client::open(address).expect("an address for Redis");
        InRedis(client.get_connection().expect("Redis answers"))
    }

    fn ask(&mut self, command: &str, id: &Id, into: &mut Vec<u8>) -> bool {
        let found: Option<Vec<u8>> = redis::cmd(command).arg(id).query(&mut self.0).expect("Redis answers");
        found.map(|session| *into = session).is_some()
    }
}

impl Store for InRedis {
    fn put(&mut self, id: &Id, session: &[u8]) {
        let mut command = redis::cmd("SET");
        command.arg(id).arg(session).arg("EX").arg(LIFETIME);
        command.query::<()>(&mut self.0).expect("Redis stores");
    }

    fn get(&mut self, id: &Id, into: &mut Vec<u8>) -> bool {
        self.ask("GET", id, into)
    }

    fn take(&mut self, id: &Id, into: &mut Vec<u8>) -> bool {
        self.ask("GETDEL", id, into)
    }
}

/// memcached's text protocol, by hand: the client at hand asks for the server's version before each request.
struct InMemcached {
    stream: BufReader<Box<dyn Stream>>,
    request: Vec<u8>,
    line: String,
}

impl InMemcached {
    fn connect(address: &Address) -> InMemcached {
        let stream = address.connect().expect("memcached answers");
        InMemcached { stream: BufReader::new(stream), request: Vec::new(), line: String::new() }
    }

    /// Keys are text there.
    fn begin(&mut self, command: &str, id: &Id) {
        self.request.clear();
        self.request.extend(command.as_bytes());
        self.request.extend(id.iter().flat_map(|byte| {
            const DIGITS: &[u8; 16] = b"0123456789abcdef";
            [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]
        }));
    }

    fn send(&mut self) {
        self.request.extend(b"\r\n");
        self.stream.get_mut().write_all(&self.request).expect("memcached listens");
    }

    fn answer(&mut self) -> &str {
        self.line.clear();
        self.stream.read_line(&mut self.line).expect("memcached answers");
        self.line.trim_end()
    }
}

impl Store for InMemcached {
    fn put(&mut self, id: &Id, session: &[u8]) {
        self.begin("set ", id);
        write!(self.request, " 0 {LIFETIME} {}\r\n", session.len()).expect("memory");
        self.request.extend(session);
        self.send();
        assert_eq!(self.answer(), "STORED", "memcached refuses a session");
    }

    fn get(&mut self, id: &Id, into: &mut Vec<u8>) -> bool {
        self.begin("get ", id);
        self.send();
        let answer = self.answer();
        if answer == "END" {
            return false;
        }
        let length = answer.rsplit(' ').next().and_then(|length| length.parse().ok());
        into.resize(length.expect("a length in memcached's answer"), 0);
        self.stream.read_exact(into).expect("memcached answers");
        assert_eq!(self.answer(), "", "memcached ends a value");
        assert_eq!(self.answer(), "END", "memcached ends an answer");
        true
    }

    /// There is no such command: it is a get, and the delete that succeeds.
    fn take(&mut self, id: &Id, into: &mut Vec<u8>) -> bool {
        if !self.get(id, into) {
            return false;
        }
        self.begin("delete ", id);
        self.send();
        self.answer() == "DELETED"
    }
}
