//! An example that is running: its lines, its port, and its end by process id.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// Longer than anything takes, under valgrind and on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
    errors: Option<thread::JoinHandle<String>>,
    pub(crate) port: String,
}

impl Running {
    /// Starts it and waits for the line that names its port.
    pub(crate) fn start(command: &mut Command) -> Running {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let lines = lines_of(child.stdout.take().expect("its output"));
        let errors = text_of(child.stderr.take().expect("its errors"));
        let mut running = Running { child, lines, errors: Some(errors), port: String::new() };
        let first = running.next_line();
        running.port = first
            .as_deref()
            .and_then(|line| line.strip_prefix("port "))
            .unwrap_or_else(|| panic!("{command:?} said {first:?}"))
            .to_owned();
        running
    }

    /// The next line, or nothing at its end.
    pub(crate) fn next_line(&mut self) -> Option<String> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("silent for {} s", PATIENCE.as_secs()),
        }
    }

    /// Ends it as a service manager does. What it said from now on; it must have ended well, without complaints.
    pub(crate) fn stop(mut self) -> Vec<String> {
        let pid = libc::pid_t::try_from(self.child.id()).expect("a process id");
        // SAFETY: kill takes numbers only; the child is not waited for yet, so the number is still its own.
        unsafe { libc::kill(pid, libc::SIGTERM) };
        let mut said = Vec::new();
        // Its output ends when it does.
        while let Some(line) = self.next_line() {
            said.push(line);
        }
        let status: ExitStatus = self.child.wait().expect("its exit status");
        let errors = self.errors.take().map(|errors| errors.join().unwrap_or_default()).unwrap_or_default();
        assert!(status.success() && errors.is_empty(), "{status}\n{said:#?}\n{errors}");
        said
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // After `stop` both know that it is gone, and do nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines_of(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                return;
            }
        }
    });
    receive
}

fn text_of(mut stream: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut text = String::new();
        // A stream that breaks off ends the text there.
        let _ = stream.read_to_string(&mut text);
        text
    })
}
