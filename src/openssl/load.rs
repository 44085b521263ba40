//! Finding the real libssl: once, at the first call, never at load.
//!
//! Nearly always there is one. Where a process has two, a call is sent to the one that its caller was
//! linked with; only contexts of the first are served.

use std::ffi::{CStr, c_void};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use once_cell::race::OnceBox;

use super::host::{self, LoadedLibrary, Object};
use super::table::{Libssl, Table};
use super::types::{GetExNewIndex, SSL_METHOD};
use super::version::Version;
use crate::base::log::{self, Level};

/// The libssl that was first in this process.
pub(crate) struct Primary {
    /// Its functions, as far as it has them.
    pub(crate) table: Table,
    /// The complete set, or why its contexts are left alone.
    pub(crate) libssl: Result<Libssl, Aside>,
    /// The object it is in; `None` for a fake one in a test.
    object: Option<Object>,
}

/// Why this process is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aside {
    /// `OpenSSL_version_num` names a release that this library does not know.
    UnknownVersion(u64),
    /// A function that it takes is not there.
    MissingSymbol(&'static CStr),
}

static PRIMARY: OnceBox<Primary> = OnceBox::new();
static SEVERAL: AtomicBool = AtomicBool::new(false);
/// Tables of further libssls by the base address of their object. They live for good.
static FURTHER: Mutex<Vec<(usize, &'static Table)>> = Mutex::new(Vec::new());

impl Primary {
    /// The first libssl; `None` while the process has none.
    pub(crate) fn get() -> Option<&'static Primary> {
        PRIMARY.get().or_else(Primary::find)
    }

    /// Looked for again at each call until there is one: a plugin may bring it later.
    #[cold]
    fn find() -> Option<&'static Primary> {
        let errno = host::errno();
        let found = Primary::find_and_install();
        host::clear_dlerror();
        host::set_errno(errno);
        found
    }

    fn find_and_install() -> Option<&'static Primary> {
        let paths = host::loaded_libssls();
        let loaded = paths.iter().find_map(|path| LoadedLibrary::find(path));
        let next = host::next_symbol(c"SSL_CTX_new");
        let first = if next.is_null() { loaded?.symbol(c"SSL_CTX_new") } else { next };
        // The libcrypto is the one that this libssl needs, not whichever comes next.
        let library = Object::of(first).and_then(|object| LoadedLibrary::find(&object.path)).or(loaded);
        let find = |symbol: &CStr| match library {
            Some(library) if next.is_null() || !symbol.to_bytes().starts_with(b"SSL") => {
                library.symbol(symbol)
            }
            _ => host::next_symbol(symbol),
        };
        // SAFETY: the names are OpenSSL's and the libraries are those that provide them to this process.
        let table = unsafe { Table::load(find) };
        let object = table.ctx_new.and_then(|function| Object::of(function as *const c_void));
        if paths.len() > 1 {
            SEVERAL.store(true, Ordering::Relaxed);
        }
        Some(Primary::install(table, object))
    }

    fn install(table: Table, object: Option<Object>) -> &'static Primary {
        let libssl = complete(&table);
        PRIMARY.get_or_init(|| Box::new(Primary { table, libssl, object }))
    }

    /// Takes `table` for the real library. Unit tests put their fake here.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn install_fake(table: Table) -> &'static Primary {
        PRIMARY.get().unwrap_or_else(|| Primary::install(table, None))
    }

    /// Whether `method` belongs to another libssl than this one.
    fn is_foreign(&self, method: *const SSL_METHOD) -> bool {
        let (Some(own), false) = (&self.object, method.is_null()) else { return false };
        // A method that no loaded object holds was made at run time; only our own libssl could have.
        match Object::of(method.cast()) {
            Some(object) if object.base != own.base => {
                let foreign = further(&object).is_some();
                if foreign {
                    announce_several(&object);
                }
                foreign
            }
            _ => false,
        }
    }
}

fn complete(table: &Table) -> Result<Libssl, Aside> {
    // SAFETY: takes nothing and only reads a constant of libcrypto.
    let number = table.version_num.map_or(0, |version_num| unsafe { version_num() });
    let version = Version::known(number).ok_or(Aside::UnknownVersion(number))?;
    table.complete(version).map_err(Aside::MissingSymbol)
}

/// The functions that a call should go to which is not about a context of ours.
pub(crate) fn table() -> Option<&'static Table> {
    let primary = Primary::get()?;
    if SEVERAL.load(Ordering::Relaxed) {
        return Some(table_of_caller().unwrap_or(&primary.table));
    }
    Some(&primary.table)
}

/// The functions of the libssl that made `method`.
pub(crate) fn table_of_method(method: *const SSL_METHOD) -> Option<&'static Table> {
    let primary = Primary::get()?;
    if primary.is_foreign(method) {
        return Object::of(method.cast()).as_ref().and_then(further);
    }
    Some(&primary.table)
}

/// Whether `method` belongs to another libssl than the first.
pub(crate) fn is_foreign(method: *const SSL_METHOD) -> bool {
    Primary::get().is_some_and(|primary| primary.is_foreign(method))
}

/// The complete set of the first libssl, if its contexts are served at all.
pub(crate) fn libssl() -> Option<&'static Libssl> {
    Primary::get()?.libssl.as_ref().ok()
}

/// Whether calls can come that are about another libssl's objects.
pub(super) fn several() -> bool {
    SEVERAL.load(Ordering::Relaxed)
}

/// With several libssls: whether the one that the caller uses is not the first.
pub(super) fn caller_is_foreign() -> bool {
    let Some(primary) = PRIMARY.get() else { return false };
    several() && table_of_caller().is_some_and(|table| !std::ptr::eq(table, &raw const primary.table))
}

fn announce_several(object: &Object) {
    if !SEVERAL.swap(true, Ordering::Relaxed) {
        let path = host::display(&object.path);
        let path = path.display();
        log::write(
            Level::Warn,
            &format!("this process has a second libssl, {path}: its contexts are left alone"),
        );
    }
}

/// The table of the libssl in `object`, if it is one.
fn further(object: &Object) -> Option<&'static Table> {
    let mut known = FURTHER.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some((_, table)) = known.iter().find(|(base, _)| *base == object.base) {
        return Some(table);
    }
    let library = LoadedLibrary::find(&object.path)?;
    let first = Object::of(library.symbol(c"SSL_CTX_new"))?;
    if first.base != object.base {
        return None;
    }
    // SAFETY: this object exports SSL_CTX_new itself, so it is a libssl; the other names are OpenSSL's.
    let table = unsafe { Table::load(|symbol| library.symbol(symbol)) };
    let table: &'static Table = Box::leak(Box::new(table));
    known.push((object.base, table));
    Some(table)
}

/// The functions that the calling object would have got without us.
fn table_of_caller() -> Option<&'static Table> {
    let own = Object::of(table_of_caller as *const c_void)?;
    let caller = host::calling_object()?;
    // A libssl of the kind that calls itself through its PLT.
    if let Some(table) = further(&caller) {
        return Some(settled(&caller, table));
    }
    let needed = LoadedLibrary::find(&caller.path)?.symbol(c"SSL_CTX_new");
    let object = Object::of(needed).filter(|object| object.base != own.base)?;
    further(&object).map(|table| settled(&object, table))
}

/// The first libssl keeps the table that it has, so that it can be told from the others.
fn settled(object: &Object, table: &'static Table) -> &'static Table {
    match PRIMARY.get() {
        Some(primary) if primary.object.as_ref().is_some_and(|own| own.base == object.base) => &primary.table,
        _ => table,
    }
}

/// libcrypto's function of that name: a libcrypto may be in a process without any libssl, or there may be two.
#[cfg_attr(any(not(feature = "capi"), test), allow(dead_code, reason = "for the exported functions"))]
pub(crate) fn real_get_ex_new_index() -> Option<GetExNewIndex> {
    const NAME: &CStr = c"CRYPTO_get_ex_new_index";
    let errno = host::errno();
    let next = || host::next_symbol(NAME);
    let of_caller = || {
        let library = host::calling_object().and_then(|caller| LoadedLibrary::find(&caller.path));
        let symbol = library.map_or(std::ptr::null_mut(), |library| library.symbol(NAME));
        let own = Object::of(real_get_ex_new_index as *const c_void);
        // A caller that is linked with us leads back here.
        if Object::of(symbol) == own { std::ptr::null_mut() } else { symbol }
    };
    let alone = host::loaded_libcryptos() < 2;
    let first = if alone { next() } else { of_caller() };
    let symbol = match (first.is_null(), alone) {
        (false, _) => first,
        (true, true) => of_caller(),
        (true, false) => next(),
    };
    host::clear_dlerror();
    host::set_errno(errno);
    // SAFETY: OpenSSL's function of this name has this type in every version; NULL becomes None.
    unsafe { std::mem::transmute::<*mut c_void, Option<GetExNewIndex>>(symbol) }
}
