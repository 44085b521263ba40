//! `CRYPTO_EX_DATA`: indices by class, and the values that an object keeps under them.

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::Mutex;
use std::sync::atomic::{AtomicPtr, Ordering};

use libc::{c_int, c_long};

use super::world::lock;
use crate::openssl::types::{ExDup, ExFree};

pub(crate) const EX_INDEX_SSL_SESSION: c_int = 2;

/// What is called for one index when an object is copied and when it ends.
#[derive(Clone, Copy)]
struct Functions {
    dup: Option<ExDup>,
    free: Option<ExFree>,
}

/// By class; index 0 is the one that OpenSSL keeps for `app_data`.
static INDICES: Mutex<BTreeMap<c_int, Vec<Functions>>> = Mutex::new(BTreeMap::new());

/// The values of one object.
#[derive(Default)]
pub(super) struct Values(Vec<AtomicPtr<c_void>>);

impl Values {
    pub(super) fn get(&self, index: c_int) -> *mut c_void {
        let place = usize::try_from(index).ok().and_then(|index| self.0.get(index));
        place.map_or(null_mut(), |place| place.load(Ordering::Relaxed))
    }

    pub(super) fn set(&mut self, index: c_int, value: *mut c_void) {
        let Ok(index) = usize::try_from(index) else { return };
        while self.0.len() <= index {
            self.0.push(AtomicPtr::default());
        }
        self.0[index].store(value, Ordering::Relaxed);
    }
}

/// Registers an index for the application of a test.
pub(crate) fn new_index(class: c_int, free: Option<ExFree>) -> c_int {
    get_ex_new_index(class, 0, null_mut(), null_mut(), None, free)
}

pub(super) extern "C-unwind" fn get_ex_new_index(
    class: c_int,
    _argl: c_long,
    _argp: *mut c_void,
    _new: *mut c_void,
    dup: Option<ExDup>,
    free: Option<ExFree>,
) -> c_int {
    let mut indices = lock(&INDICES);
    let functions = indices.entry(class).or_insert_with(|| vec![Functions { dup: None, free: None }]);
    functions.push(Functions { dup, free });
    c_int::try_from(functions.len() - 1).expect("few indices")
}

fn functions(class: c_int) -> Vec<(c_int, Functions)> {
    (0..).zip(lock(&INDICES).get(&class).cloned().unwrap_or_default()).collect()
}

/// Calls every free function of a class, in the order of registration.
pub(super) fn free_all(class: c_int, parent: *mut c_void, value: impl Fn(c_int) -> *mut c_void) {
    for (index, functions) in functions(class) {
        if let Some(free) = functions.free {
            // SAFETY: whoever registered it takes values of this index, and the parent is alive.
            unsafe { free(parent, value(index), null_mut(), index, 0, null_mut()) };
        }
    }
}

/// The indices of a class that have a free function: nothing may stand under them once it was called.
pub(super) fn freed_indices(class: c_int) -> Vec<c_int> {
    functions(class)
        .into_iter()
        .filter(|(_, functions)| functions.free.is_some())
        .map(|(index, _)| index)
        .collect()
}

/// The values of a copy of an object, which has those already that stand `at`.
pub(super) fn copied(class: c_int, at: *mut c_void, value: impl Fn(c_int) -> *mut c_void) -> Values {
    let mut copy = Values::default();
    for (index, functions) in functions(class) {
        let mut value = value(index);
        if let Some(dup) = functions.dup {
            // SAFETY: a dup function may change the value at the place that it is given.
            unsafe { dup(at, null_mut(), (&raw mut value).cast(), index, 0, null_mut()) };
        }
        copy.set(index, value);
    }
    copy
}
