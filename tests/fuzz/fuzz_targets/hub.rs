//! A program of joins, sends, drains and deaths against the model of what is promised.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| henhouse::fuzzing::play(bytes));
