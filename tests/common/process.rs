//! A child process with a time limit, ended by its process group.

use std::io::Read;
use std::mem::MaybeUninit;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What a child left behind.
pub struct Outcome {
    pub stdout: String,
    pub stderr: String,
    status: ExitStatus,
    overdue: Option<Duration>,
}

impl Outcome {
    pub fn success(&self) -> bool {
        self.overdue.is_none() && self.status.success()
    }

    /// How it ended, for a message.
    pub fn ending(&self) -> String {
        if let Some(limit) = self.overdue {
            return format!("was still running after {} s and was killed", limit.as_secs());
        }
        match (self.status.code(), self.status.signal()) {
            (Some(code), _) => format!("ended with status {code}"),
            (None, Some(signal)) => format!("was ended by signal {signal}"),
            (None, None) => "ended in an unknown way".to_owned(),
        }
    }
}

/// Runs `command` to its end, or kills it and its children once `limit` has passed.
pub fn run(command: &mut Command, limit: Duration) -> Result<Outcome, String> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|error| format!("cannot start {command:?}: {error}"))?;
    let stdout = collect(child.stdout.take());
    let stderr = collect(child.stderr.take());
    let in_time = ended_within(child.id(), limit);
    // The child is not reaped yet, so its group id still belongs to it. What it left running ends here too.
    kill_group(child.id());
    let status = child.wait().map_err(|error| format!("cannot wait for {command:?}: {error}"))?;
    Ok(Outcome {
        stdout: joined(stdout),
        stderr: joined(stderr),
        status,
        overdue: (!in_time).then_some(limit),
    })
}

/// Waits in another thread, leaving the child a zombie: its process id cannot be given away before it is reaped.
fn ended_within(pid: u32, limit: Duration) -> bool {
    let (ended, wait) = mpsc::channel();
    thread::spawn(move || {
        let mut info = MaybeUninit::uninit();
        // SAFETY: waitid writes a siginfo_t at the address, which holds room for one.
        unsafe { libc::waitid(libc::P_PID, pid, info.as_mut_ptr(), libc::WEXITED | libc::WNOWAIT) };
        // The receiver is gone once the limit has passed.
        let _ = ended.send(());
    });
    wait.recv_timeout(limit).is_ok()
}

fn kill_group(pid: u32) {
    if let Ok(group) = libc::pid_t::try_from(pid) {
        // SAFETY: kill takes numbers only.
        unsafe { libc::kill(-group, libc::SIGKILL) };
    }
}

fn collect(stream: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            // A stream that breaks off ends the text there, which the comparison shows.
            let _ = stream.read_to_end(&mut bytes);
        }
        bytes
    })
}

fn joined(reader: JoinHandle<Vec<u8>>) -> String {
    String::from_utf8_lossy(&reader.join().unwrap_or_default()).into_owned()
}
