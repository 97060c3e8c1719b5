//! Any bytes as a token, or as its claims.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| auth::fuzzing::verify(data));
