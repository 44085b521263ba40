//! The application's OpenSSL error queue: what our own calls into libssl leave there is taken out again.

use super::table::Libssl;

/// Runs `work`, then removes whatever it added to this thread's error queue.
pub(crate) fn kept<T>(libssl: &Libssl, work: impl FnOnce() -> T) -> T {
    // SAFETY: takes nothing; concerns this thread's queue only.
    let marked = unsafe { (libssl.err_set_mark)() } == 1;
    let result = work();
    if marked {
        // SAFETY: as above; the mark was set.
        unsafe { (libssl.err_pop_to_mark)() };
    }
    result
}
