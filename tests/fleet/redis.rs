//! A Redis of the tests' own.

use std::io::{Read, Write};
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
}

impl Redis {
    pub(crate) fn start(options: &[&str]) -> Redis {
        assert!(exists("redis-server"), "redis-server is missing: run scripts/install-deps.sh servers");
        let port = free_port();
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        let mut redis = Redis { process: None, port, folder: Folder::new(), options, password: None };
        redis.begin();
        redis
    }

    /// Starts it (again), at the same port.
    pub(crate) fn begin(&mut self) {
        let mut command = Command::new("redis-server");
        command.args([
            "--port",
            &self.port.to_string(),
            "--bind",
            "127.0.0.1",
            "--dir",
            &self.folder.path(""),
        ]);
        command.args(["--save", "", "--appendonly", "no"]).args(&self.options).stdout(Stdio::null());
        self.process = Some(Process::start(command));
        eventually("redis answers", || TcpStream::connect(("127.0.0.1", self.port)).is_ok());
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
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
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let write = |stream: &mut TcpStream, words: &[&str]| {
            let mut text = format!("*{}\r\n", words.len());
            for word in words {
                text += &format!("${}\r\n{word}\r\n", word.len());
            }
            stream.write_all(text.as_bytes()).unwrap();
            let mut answer = vec![0; 1 << 16];
            let length = stream.read(&mut answer).unwrap();
            String::from_utf8_lossy(&answer[..length]).into_owned()
        };
        if let Some(password) = &self.password {
            assert!(write(&mut stream, &["AUTH", password]).starts_with("+OK"));
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
