//! The properties that the fuzzers look for, over the inputs that are kept of theirs.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../fuzz/properties/reader.rs"]
mod reader;
#[path = "../fuzz/properties/scan.rs"]
mod scan;
#[path = "../fuzz/properties/session.rs"]
mod session;

use std::panic::catch_unwind;
use std::path::Path;

/// Checks each input of one target.
#[track_caller]
fn check(target: &str, property: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let inputs = std::fs::read_dir(corpus.join(target)).unwrap();
    let mut count = 0;
    for input in inputs {
        let path = input.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let held = catch_unwind(|| property(&bytes)).is_ok();
        assert!(held, "it does not hold for {}", path.display());
        count += 1;
    }
    assert!(count > 0, "no input for {target}");
}

#[test]
fn frames_come_out_as_they_went_in() {
    check("reader", reader::check);
}

#[test]
fn what_is_let_through_can_be_read_and_names_its_true_sender() {
    check("scan", scan::check);
}

#[test]
fn whatever_one_connection_says_the_broker_goes_on_and_keeps_nothing_of_it() {
    check("session", session::check);
}

#[test]
fn every_message_of_a_program_ends_as_promised() {
    check("hub", henhouse::fuzzing::play);
}
