//! The shim in front of the fake libssl.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sesscache::fuzz::shim(data));
