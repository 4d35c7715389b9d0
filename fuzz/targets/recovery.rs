//! A recovery key as typed.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| dwell_vault::fuzzing::recovery(bytes));
