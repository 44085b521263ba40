//! What we ask of the host process's C library: symbols, errno, the environment, and a word at a fork.

use std::ffi::{CStr, CString, c_void};
use std::fs::File;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::path::PathBuf;

use libc::{c_char, c_int};

// Not in the libc crate.
unsafe extern "C" {
    fn secure_getenv(name: *const c_char) -> *mut c_char;
    fn _Unwind_Backtrace(
        visit: extern "C" fn(*mut c_void, *mut c_void) -> c_int,
        argument: *mut c_void,
    ) -> c_int;
    fn _Unwind_GetIP(frame: *mut c_void) -> usize;
}

/// The next definition of `symbol` behind ours in the global scope, or NULL.
pub(super) fn next_symbol(symbol: &CStr) -> *mut c_void {
    // SAFETY: RTLD_NEXT takes any NUL-terminated name.
    unsafe { libc::dlsym(libc::RTLD_NEXT, symbol.as_ptr()) }
}

/// A library that is loaded already. Its handle is kept for good: the functions found by it are, too.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct LoadedLibrary(*mut c_void);

impl LoadedLibrary {
    /// The library of this soname or path, if the process has it.
    pub(super) fn find(name: &CStr) -> Option<LoadedLibrary> {
        // SAFETY: NOLOAD runs no constructor, and the name is NUL-terminated.
        let handle = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_LAZY | libc::RTLD_NOLOAD) };
        (!handle.is_null()).then_some(LoadedLibrary(handle))
    }

    /// A symbol of this library or of those it needs, or NULL.
    pub(super) fn symbol(self, symbol: &CStr) -> *mut c_void {
        // SAFETY: the handle came from dlopen and was never closed.
        unsafe { libc::dlsym(self.0, symbol.as_ptr()) }
    }
}

/// The loaded object that an address belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) base: usize,
    pub(super) path: CString,
}

impl Object {
    pub(super) fn of(address: *const c_void) -> Option<Object> {
        let mut info = std::mem::MaybeUninit::<libc::Dl_info>::zeroed();
        // SAFETY: dladdr only compares the address, and writes the structure it is given.
        let found = unsafe { libc::dladdr(address, info.as_mut_ptr()) };
        if found == 0 {
            return None;
        }
        // SAFETY: it was zeroed, which is a valid Dl_info, and then filled.
        let info = unsafe { info.assume_init() };
        if info.dli_fname.is_null() {
            return None;
        }
        // SAFETY: the loader's own name of the object, NUL-terminated, alive while the object is loaded.
        let path = unsafe { CStr::from_ptr(info.dli_fname) }.to_owned();
        Some(Object { base: info.dli_fbase.addr(), path })
    }
}

/// The object whose code called into this library, on this thread.
pub(super) fn calling_object() -> Option<Object> {
    let mut caller: Option<Object> = None;
    // SAFETY: the visitor gets our own Option back, during this call only.
    unsafe { _Unwind_Backtrace(visit, (&raw mut caller).cast()) };
    caller
}

/// Walks outwards to the first frame that is not our own.
extern "C" fn visit(frame: *mut c_void, argument: *mut c_void) -> c_int {
    const GO_ON: c_int = 0;
    const STOP: c_int = 4;
    // SAFETY: the unwinder's own frame.
    let address = unsafe { _Unwind_GetIP(frame) };
    // SAFETY: `calling_object` passed its Option, and waits for us.
    let Some(caller) = (unsafe { argument.cast::<Option<Object>>().as_mut() }) else { return STOP };
    let (own, here) = (Object::of(visit as *const c_void), Object::of(std::ptr::without_provenance(address)));
    *caller = here.filter(|here| own.as_ref().is_none_or(|own| own.base != here.base));
    if caller.is_some() { STOP } else { GO_ON }
}

/// The calling thread's `errno`.
pub(crate) fn errno() -> i32 {
    // SAFETY: glibc and musl answer with this thread's own, always valid, location.
    let location = unsafe { libc::__errno_location() };
    // SAFETY: as above; nothing else of this thread runs meanwhile.
    unsafe { *location }
}

/// Puts `errno` back.
pub(crate) fn set_errno(value: i32) {
    // SAFETY: as in `errno`.
    let location = unsafe { libc::__errno_location() };
    // SAFETY: as in `errno`.
    unsafe { *location = value };
}

/// An environment variable, or nothing in a privileged (setuid) program.
#[cfg(not(miri))]
pub(crate) fn secure_variable(name: &str) -> Option<String> {
    let name = CString::new(name).ok()?;
    // SAFETY: a NUL-terminated name; the answer is copied before anything else can run here.
    let value = unsafe { secure_getenv(name.as_ptr()) };
    if value.is_null() {
        return None;
    }
    // SAFETY: the environment's strings are NUL-terminated.
    Some(unsafe { CStr::from_ptr(value) }.to_string_lossy().into_owned())
}

/// Miri has no `secure_getenv`; nor is it setuid.
#[cfg(miri)]
pub(crate) fn secure_variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Writes a line, or as much of it as goes at once: a pipe that is full or that nobody reads any more costs the
/// process neither time nor its life.
pub(crate) fn write_quietly(file: &File, line: &[u8]) {
    let mut ready = libc::pollfd { fd: file.as_raw_fd(), events: libc::POLLOUT, revents: 0 };
    // SAFETY: one structure, and no waiting.
    let count = unsafe { libc::poll(&raw mut ready, 1, 0) };
    if count != 1 || ready.revents & (libc::POLLERR | libc::POLLHUP | libc::POLLNVAL) != 0 {
        return;
    }
    let Some(blocked) = BlockedSignals::new() else { return };
    let mut file = file;
    let failed = file.write(line).is_err();
    blocked.end(failed);
}

/// This thread, while neither a broken pipe nor a file at its limit may end the process.
struct BlockedSignals {
    blocked: libc::sigset_t,
    before: libc::sigset_t,
    pending: libc::sigset_t,
}

const DEADLY: [c_int; 2] = [libc::SIGPIPE, libc::SIGXFSZ];

impl BlockedSignals {
    fn new() -> Option<BlockedSignals> {
        // SAFETY: sigset_t is plain data, and all zeros is one of its values.
        let mut blocked: libc::sigset_t = unsafe { std::mem::zeroed() };
        let (mut before, mut pending) = (blocked, blocked);
        // SAFETY: a set of our own.
        unsafe { libc::sigemptyset(&raw mut blocked) };
        for signal in DEADLY {
            // SAFETY: a set of our own, and a signal that exists.
            unsafe { libc::sigaddset(&raw mut blocked, signal) };
        }
        // SAFETY: a set of our own.
        unsafe { libc::sigpending(&raw mut pending) };
        // SAFETY: two sets of our own; concerns this thread only.
        let done = unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const blocked, &raw mut before) };
        (done == 0).then_some(BlockedSignals { blocked, before, pending })
    }

    /// Takes back the signal that a failed write has left, unless there was one before, and the mask.
    fn end(mut self, failed: bool) {
        for signal in DEADLY {
            // SAFETY: a set of our own.
            if unsafe { libc::sigismember(&raw const self.pending, signal) } == 1 {
                // SAFETY: a set of our own, and a signal that exists.
                unsafe { libc::sigdelset(&raw mut self.blocked, signal) };
            }
        }
        if failed {
            let now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
            // SAFETY: our own set and time; nobody wants to know the details.
            unsafe { libc::sigtimedwait(&raw const self.blocked, std::ptr::null_mut(), &raw const now) };
        }
        // SAFETY: the mask that this thread had.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.before, std::ptr::null_mut()) };
    }
}

/// The libssls that are loaded, by the paths that the loader knows them by.
pub(super) fn loaded_libssls() -> Vec<CString> {
    loaded(b"libssl.so")
}

/// How many libcryptos are loaded.
pub(super) fn loaded_libcryptos() -> usize {
    loaded(b"libcrypto.so").len()
}

/// The paths of the loaded objects whose file name begins so.
fn loaded(name: &'static [u8]) -> Vec<CString> {
    let mut search = Search { name, paths: Vec::new() };
    // SAFETY: the visitor gets our own search back, during this call only.
    unsafe { libc::dl_iterate_phdr(Some(note_object), (&raw mut search).cast()) };
    search.paths
}

struct Search {
    name: &'static [u8],
    paths: Vec<CString>,
}

unsafe extern "C" fn note_object(info: *mut libc::dl_phdr_info, _size: usize, search: *mut c_void) -> c_int {
    // SAFETY: `loaded` passed its search, and waits for us.
    let search = unsafe { search.cast::<Search>().as_mut() };
    // SAFETY: the loader's own structure, for this call.
    let info = unsafe { info.as_ref() };
    if let (Some(search), Some(info)) = (search, info)
        && !info.dlpi_name.is_null()
    {
        // SAFETY: the loader's own name of the object, NUL-terminated.
        let path = unsafe { CStr::from_ptr(info.dlpi_name) };
        let name = path.to_bytes().rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        if name.starts_with(search.name) {
            search.paths.push(path.to_owned());
        }
    }
    0
}

/// Forgets what this thread's last failed look for a symbol has left for `dlerror`.
pub(super) fn clear_dlerror() {
    // SAFETY: takes nothing; concerns this thread only.
    unsafe { libc::dlerror() };
}

/// Has the three functions called around every `fork` from now on.
#[cfg(not(miri))]
pub(crate) fn at_fork(before: extern "C" fn(), parent: extern "C" fn(), child: extern "C" fn()) {
    // SAFETY: the functions live as long as the process: this library is never unloaded.
    let _ = unsafe { libc::pthread_atfork(Some(before), Some(parent), Some(child)) };
}

/// Miri has no `pthread_atfork`; nor does anything fork there.
#[cfg(miri)]
pub(crate) fn at_fork(_before: extern "C" fn(), _parent: extern "C" fn(), _child: extern "C" fn()) {}

/// The path of an object, for messages.
pub(super) fn display(path: &CStr) -> PathBuf {
    PathBuf::from(path.to_string_lossy().into_owned())
}
