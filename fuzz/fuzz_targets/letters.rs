//! What arrives from other machines.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sesscache::fuzz::letters(data));
