//! The application's OpenSSL error queue: what our own calls into libssl leave there is taken out again.

use super::table::Libssl;
use super::version::Version;

/// Runs `work`, then removes whatever it added to this thread's error queue.
pub(crate) fn kept<T>(libssl: &Libssl, work: impl FnOnce() -> T) -> T {
    if libssl.version < Version::V3_0 {
        // 1.1.1 keeps one mark an entry: ours would be the application's, and taking it back would lose that.
        return work();
    }
    // SAFETY: takes nothing; concerns this thread's queue only.
    unsafe { (libssl.err_set_mark)() };
    let result = work();
    // Of an empty queue nothing can be marked; then there is no mark to stop at, and all of it goes.
    // SAFETY: as above.
    unsafe { (libssl.err_pop_to_mark)() };
    result
}
