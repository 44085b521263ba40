//! The only thing that runs when the library is loaded, and it does something only if `SESSCACHE_SHARED` is set.

/// Run by the loader. An early caller of a set-up that would otherwise be made at the first use.
#[used]
// SAFETY: the loader calls what stands in this section as functions without a result; more arguments than it takes harm none.
#[unsafe(link_section = ".init_array")]
static AT_LOAD: extern "C" fn() = at_load;

extern "C" fn at_load() {
    crate::shim::process::at_load();
}
