//! Sealed records and what is in them.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| dwell_vault::fuzzing::record(bytes));
