//! Frames come out as they went in however their bytes are cut, and no claim takes memory.
#![no_main]

#[path = "../properties/reader.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| property::check(bytes));
