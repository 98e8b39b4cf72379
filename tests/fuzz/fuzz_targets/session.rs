//! Whatever one connection says, the broker goes on, serves others, and keeps nothing of it.
#![no_main]

#[path = "../properties/session.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| property::check(bytes));
