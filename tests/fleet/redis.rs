//! A Redis of the tests' own.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::{Folder, Process, eventually, exists};

pub(crate) struct Redis {
    process: Option<Process>,
    pub(crate) port: u16,
    folder: Folder,
    options: Vec<String>,
    /// What goes before commands of ours.
    pub(crate) password: Option<String>,
    /// What relays are told, if it is not simply the port.
    pub(crate) url: Option<String>,
}

/// What sentinels call the server that they watch.
pub(crate) const WATCHED: &str = "fleet";

impl Redis {
    pub(crate) fn start(options: &[&str]) -> Redis {
        assert!(exists("redis-server"), "redis-server is missing: run scripts/install-deps.sh servers");
        let port = free_port();
        let options = ["--save", "", "--appendonly", "no"].iter().chain(options);
        let options = options.map(|option| (*option).to_owned()).collect();
        let mut redis =
            Redis { process: None, port, folder: Folder::new(), options, password: None, url: None };
        redis.begin();
        redis
    }

    /// A sentinel that soon notices when a server is gone, once others agree.
    /// Further lines of its configuration go to it, too.
    pub(crate) fn sentinel(master: &Redis, more: &[String]) -> Redis {
        let (port, folder) = (free_port(), Folder::new());
        let configuration = folder.path("sentinel.conf");
        let lines = [
            format!("sentinel monitor {WATCHED} 127.0.0.1 {} 2", master.port),
            format!("sentinel down-after-milliseconds {WATCHED} 1000"),
            format!("sentinel failover-timeout {WATCHED} 2000"),
        ];
        std::fs::write(&configuration, [&lines, more].concat().join("\n")).unwrap();
        let options = vec![configuration, "--sentinel".to_owned()];
        let mut redis = Redis { process: None, port, folder, options, password: None, url: None };
        redis.begin();
        redis
    }

    /// A node of a cluster that is yet to be made of it.
    pub(crate) fn node() -> Redis {
        // Its own choice, 10 000 above the port, may not exist.
        let bus = free_port().to_string();
        Redis::start(&[
            "--cluster-enabled",
            "yes",
            "--cluster-port",
            &bus,
            "--cluster-node-timeout",
            "1500",
            "--repl-diskless-sync-delay",
            "0",
            "--cluster-replica-validity-factor",
            "0",
        ])
    }

    /// Starts it (again), at the same port.
    pub(crate) fn begin(&mut self) {
        let mut command = Command::new("redis-server");
        // A file goes first.
        command.args(&self.options).args([
            "--port",
            &self.port.to_string(),
            "--bind",
            "127.0.0.1",
            "--dir",
            &self.folder.path(""),
        ]);
        command.stdout(Stdio::null());
        self.process = Some(Process::start(command));
        eventually("redis answers", || TcpStream::connect(("127.0.0.1", self.port)).is_ok());
    }

    pub(crate) fn url(&self) -> String {
        self.url.clone().unwrap_or_else(|| format!("redis://127.0.0.1:{}", self.port))
    }

    pub(crate) fn process(&self) -> &Process {
        self.process.as_ref().unwrap()
    }

    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    pub(crate) fn pause(&self) {
        self.process().signal(libc::SIGSTOP);
    }

    pub(crate) fn go_on(&self) {
        self.process().signal(libc::SIGCONT);
    }

    /// Says something to it; what it answers, at first.
    pub(crate) fn say(&self, words: &[&str]) -> String {
        // A server that becomes another's replica, or nobody's any more, cuts its connections.
        for _ in 0..3 {
            if let Ok(answer) = self.try_say(words) {
                return answer;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        self.try_say(words).unwrap()
    }

    fn try_say(&self, words: &[&str]) -> io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        let write = |stream: &mut TcpStream, words: &[&str]| {
            let mut text = format!("*{}\r\n", words.len());
            for word in words {
                text += &format!("${}\r\n{word}\r\n", word.len());
            }
            stream.write_all(text.as_bytes())?;
            let mut answer = vec![0; 1 << 16];
            let length = stream.read(&mut answer)?;
            Ok::<_, io::Error>(String::from_utf8_lossy(&answer[..length]).into_owned())
        };
        if let Some(password) = &self.password {
            assert!(write(&mut stream, &["AUTH", password])?.starts_with("+OK"));
        }
        write(&mut stream, words)
    }

    /// A number that it knows.
    pub(crate) fn number(&self, words: &[&str]) -> u64 {
        let answer = self.say(words);
        answer.trim_start_matches(':').trim().parse().unwrap_or_else(|_| panic!("{words:?}: {answer}"))
    }

    /// A line of INFO.
    pub(crate) fn info(&self, section: &str, key: &str) -> u64 {
        let answer = self.say(&["INFO", section]);
        let line = answer.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        line.unwrap_or_else(|| panic!("{key} is not in {answer}")).trim().parse().unwrap()
    }
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
