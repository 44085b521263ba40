//! A mapping of shared memory: the only place here that dereferences a raw pointer.

use std::ffi::c_void;
use std::fs::File;
use std::io;
use std::ptr::{NonNull, null_mut};

use rustix::mm::{MapFlags, ProtFlags};

#[cfg(not(all(test, sesscache_loom)))]
use std::sync::atomic::AtomicU64;

use super::memory::Memory;

/// Memory that this process shares with others, as words.
pub(super) struct Mapping {
    base: NonNull<u64>,
    words: usize,
}

// SAFETY: the words are reached by atomic operations alone, from whichever thread.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps a file, which is at least this long and does not shrink while it is mapped.
    pub(super) fn of_file(file: &File, bytes: u64) -> io::Result<Mapping> {
        Mapping::protected(file, bytes, ProtFlags::READ | ProtFlags::WRITE)
    }

    /// The same for one who only loads: to store anything is a fault.
    pub(super) fn to_look_at(file: &File, bytes: u64) -> io::Result<Mapping> {
        Mapping::protected(file, bytes, ProtFlags::READ)
    }

    fn protected(file: &File, bytes: u64, protection: ProtFlags) -> io::Result<Mapping> {
        let length = usize::try_from(bytes).map_err(|_| io::ErrorKind::OutOfMemory)?;
        // SAFETY: a new mapping at an address of the system's choice touches no memory of ours.
        let base = unsafe { rustix::mm::mmap(null_mut(), length, protection, MapFlags::SHARED, file, 0) }?;
        Mapping::at(base, length)
    }

    /// Maps memory that has no name: whoever is forked from this process has it too.
    pub(super) fn anonymous(bytes: u64) -> io::Result<Mapping> {
        let length = usize::try_from(bytes).map_err(|_| io::ErrorKind::OutOfMemory)?;
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: as in `protected`.
        let base = unsafe { rustix::mm::mmap_anonymous(null_mut(), length, protection, MapFlags::SHARED) }?;
        Mapping::at(base, length)
    }

    fn at(base: *mut c_void, length: usize) -> io::Result<Mapping> {
        let base = NonNull::new(base.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Mapping { base, words: length / 8 })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: this very mapping, which nobody else knows.
        let _ = unsafe { rustix::mm::munmap(self.base.as_ptr().cast::<c_void>(), self.words * 8) };
    }
}

#[cfg(not(all(test, sesscache_loom)))]
impl Memory for Mapping {
    fn words(&self) -> &[AtomicU64] {
        // SAFETY: the whole mapping, which a page boundary aligns and which stays while `self` lives. All who share the memory
        // are told to reach it by atomic words; one that does not can make us read any value, and any value is expected here.
        unsafe { std::slice::from_raw_parts(self.base.as_ptr().cast::<AtomicU64>(), self.words) }
    }

    #[cfg(target_arch = "x86_64")]
    fn prefetch(&self, at: usize) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        if let Some(word) = self.words().get(at) {
            // SAFETY: nothing is read by it, and every processor of this architecture knows it.
            unsafe { _mm_prefetch(std::ptr::from_ref(word).cast::<i8>(), _MM_HINT_T0) };
        }
    }
}

/// loom's words lie in no mapping.
#[cfg(all(test, sesscache_loom))]
impl Memory for Mapping {
    fn words(&self) -> &[super::memory::AtomicU64] {
        &[]
    }
}
