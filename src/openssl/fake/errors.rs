//! The error queue of a thread, with its marks.

use std::cell::RefCell;

use libc::c_int;

use super::Release;

thread_local! {
    /// Each entry: the error, and how often the place behind it is marked.
    static QUEUE: RefCell<Vec<(u32, u32)>> = const { RefCell::new(Vec::new()) };
}

/// Puts an error into this thread's queue.
pub(crate) fn raise_error(code: u32) {
    QUEUE.with_borrow_mut(|queue| queue.push((code, 0)));
}

/// Empties this thread's queue, and says what was in it.
pub(crate) fn error_queue() -> Vec<u32> {
    QUEUE.take().into_iter().map(|(code, _)| code).collect()
}

/// `ERR_set_mark` by the application.
pub(crate) fn mark_errors() -> bool {
    err_set_mark() == 1
}

/// `ERR_pop_to_mark` by the application.
pub(crate) fn pop_errors() -> bool {
    err_pop_to_mark() == 1
}

/// An empty queue cannot be marked. 1.1.1 does not count the marks of a place.
pub(super) extern "C-unwind" fn err_set_mark() -> c_int {
    QUEUE.with_borrow_mut(|queue| match queue.last_mut() {
        Some((_, marks)) => {
            *marks = if Release::played().is_old() { 1 } else { *marks + 1 };
            1
        }
        None => 0,
    })
}

/// Takes out what stands behind the last mark, or everything.
pub(super) extern "C-unwind" fn err_pop_to_mark() -> c_int {
    QUEUE.with_borrow_mut(|queue| {
        while queue.last().is_some_and(|(_, marks)| *marks == 0) {
            queue.pop();
        }
        match queue.last_mut() {
            Some((_, marks)) => {
                *marks -= 1;
                1
            }
            None => 0,
        }
    })
}
