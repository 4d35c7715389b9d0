//! A header file.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| dwell_vault::fuzzing::header(bytes));
