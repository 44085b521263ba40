//! Link arguments of the shared library: its own soname, never unloaded, nothing left undefined.

/// The ABI number in the soname. It changes when the C ABI breaks, not with the crate's version.
const ABI: u32 = 0;

fn main() {
    // Under cargo-fuzz the library calls functions that only the fuzzer's executable has.
    let fuzzing = std::env::var_os("CARGO_CFG_FUZZING").is_some();
    for argument in [
        format!("-Wl,-soname,libsesscache.so.{ABI}"),
        // Trampolines of ours sit in contexts that may outlive a dlclose.
        "-Wl,-z,nodelete".to_owned(),
        format!("-Wl,-z,{}", if fuzzing { "undefs" } else { "defs" }),
        // openssl-sys is there for its types; a NEEDED libssl would load it into every preloaded program.
        "-Wl,--as-needed".to_owned(),
    ] {
        println!("cargo::rustc-cdylib-link-arg={argument}");
    }
    println!("cargo::rerun-if-changed=build.rs");
}
