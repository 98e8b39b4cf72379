//! What the broker lets through can be read at its receiver, and names its true sender.
#![no_main]

#[path = "../properties/scan.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| property::check(bytes));
