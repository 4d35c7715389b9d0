//! A damaged database.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| dwell_vault::fuzzing::salvage(bytes));
