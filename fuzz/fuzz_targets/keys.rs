//! Session keys of any version and length.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sesscache::fuzz::keys(data));
