//! The exported functions with hostile arguments, against libssl alone.
#![no_main]

// Its exported functions stand in front of libssl's in this executable.
use sesscache as _;

#[path = "../calls.rs"]
#[allow(dead_code, reason = "the replay uses more of it")]
mod calls;

libfuzzer_sys::fuzz_target!(|data: &[u8]| calls::calls(data));
