//! Settings out of arbitrary texts.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sesscache::fuzz::settings(data));
