//! Children of this program.

use std::time::{Duration, Instant};

pub(crate) struct Child(libc::pid_t);

impl Child {
    /// Forks; the child does `work` and ends without a word to anybody.
    pub(crate) fn start(work: impl FnOnce()) -> Child {
        // SAFETY: this program has one thread.
        let child = unsafe { libc::fork() };
        assert!(child >= 0, "fork: {}", std::io::Error::last_os_error());
        if child == 0 {
            let worked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_ok();
            // SAFETY: ends this process.
            unsafe { libc::_exit(i32::from(!worked)) };
        }
        Child(child)
    }

    pub(crate) fn signal(&self, signal: i32) {
        // SAFETY: a child that was not waited for yet, so the number is its own.
        assert_eq!(unsafe { libc::kill(self.0, signal) }, 0);
    }

    /// Waits for the end of one that was killed.
    pub(crate) fn reap(self) {
        let mut status = 0;
        // SAFETY: a child of ours and a place for its status.
        assert_eq!(unsafe { libc::waitpid(self.0, &raw mut status, 0) }, self.0);
        assert!(!libc::WIFEXITED(status) || libc::WEXITSTATUS(status) == 0, "a child found something wrong");
    }

    /// Waits for its good end, but not for ever.
    pub(crate) fn finish(self) {
        let until = Instant::now() + Duration::from_secs(300);
        loop {
            let mut status = 0;
            // SAFETY: a child of ours and a place for its status.
            let ended = unsafe { libc::waitpid(self.0, &raw mut status, libc::WNOHANG) };
            if ended == self.0 {
                assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0, "status {status:#x}");
                return;
            }
            if Instant::now() > until {
                self.signal(libc::SIGKILL);
                panic!("a child hangs");
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
