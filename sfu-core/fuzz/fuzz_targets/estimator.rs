#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../bodies/estimator.rs"]
mod body;

fuzz_target!(|data: &[u8]| body::check(data));
