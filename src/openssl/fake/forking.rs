//! Children of this process, for what must be true in one.

/// Forks, runs `work` in the child, and says whether it returned true there. A child that hangs is ended by its
/// own alarm.
pub(crate) fn in_child(work: impl FnOnce() -> bool) -> bool {
    // SAFETY: the child runs `work` on its only thread and leaves without running anything else.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "fork failed: {}", std::io::Error::last_os_error());
    if child == 0 {
        // SAFETY: takes a number.
        unsafe { libc::alarm(60) };
        let good = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_or(false);
        // SAFETY: ends this process, which is the child.
        unsafe { libc::_exit(i32::from(!good)) };
    }
    let mut status = 0;
    // SAFETY: the child made above, and a place for its end.
    let ended = unsafe { libc::waitpid(child, &raw mut status, 0) };
    ended == child && libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0
}

/// Ends a child that was started and not waited for yet.
pub(crate) fn kill(child: libc::pid_t) {
    // SAFETY: a child of ours that nobody has waited for: its number is still its own.
    unsafe { libc::kill(child, libc::SIGKILL) };
}
