//! The shared region under hostile memory.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sesscache::fuzz::region(data));
