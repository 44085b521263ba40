//! Key files.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sesscache::fuzz::key_file(data));
