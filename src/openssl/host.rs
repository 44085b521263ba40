//! What we ask of the host process's C library: symbols, errno, the environment, and a word at a fork.

use std::ffi::{CStr, CString, c_void};
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
