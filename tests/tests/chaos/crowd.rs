//! A thousand workers that get ready at once, and more connections than descriptors.

use std::time::Instant;

use crate::stage::{Process, Stage};
use crate::talk;

const PROCESSES: usize = 16;
const EACH: usize = 63;

/// For how long the broker gathers news, and what one worker has in them at most: a pid, a
/// connection and an index, with a tag and a length for all three.
const GATHER_MS: usize = 50;
const MEMBER_BYTES_MAX: usize = 16;

#[test]
fn a_thousand_that_get_ready_at_once_hear_of_each_other_in_few_words() {
    let mut stage = Stage::lenient(64 << 20, 512 << 20);
    let socket = stage.socket();
    let arguments = ["crowd", socket.to_str().unwrap(), &EACH.to_string()];
    let mut crowd: Vec<Process> = (0..PROCESSES).map(|_| Process::start(&arguments)).collect();
    for process in &mut crowd {
        assert_eq!(process.line(), "joined");
    }
    let all = PROCESSES * EACH;
    let begun = Instant::now();
    for process in &mut crowd {
        process.tell(&all.to_string());
    }
    // Of all that each one heard until it knew everybody: frames, and bytes.
    let (mut frames_max, mut bytes_max) = (0, 0);
    for process in &mut crowd {
        let line = process.line();
        let (frames, bytes) = line.split_once(' ').unwrap();
        frames_max = frames_max.max(frames.parse().unwrap());
        bytes_max = bytes_max.max(bytes.parse().unwrap());
    }
    // They are gathered, so that the time that all of this takes says how many there may be, and
    // not the number of those who get ready: a slow machine tells the same in more words.
    let gathered = 2 + begun.elapsed().as_millis() as usize / GATHER_MS;
    assert!(
        frames_max <= gathered,
        "one was told {frames_max} egg-pids in the time of {gathered}"
    );
    assert!(
        bytes_max <= gathered * all * MEMBER_BYTES_MAX,
        "one was told {bytes_max} bytes of egg-pids about {all}, {gathered} times"
    );
    let mut out = std::io::stderr();
    let report = format!(
        "each of {all} was told at most {frames_max} egg-pids of {bytes_max} bytes in all, where \
         one for each would be {all}"
    );
    std::io::Write::write_all(&mut out, format!("{report}\n").as_bytes()).unwrap();
    for process in &mut crowd {
        process.kill();
    }
    stage.wait_for(|status| status["connections"] == serde_json::json!([]));
}

#[test]
fn where_descriptors_run_out_accepting_waits_and_those_who_are_in_go_on() {
    let mut stage = Stage::with_descriptors(40);
    let mut inside: Vec<talk::Member> = (0..20).map(|_| talk::Member::worker(&stage)).collect();
    let outside: Vec<_> = (0..30).map(|_| talk::connect_and_hello(&stage)).collect();
    inside[0].echo();
    // Some of those outside are in by now and some are not; those who leave make room for them.
    inside.truncate(1);
    for stream in outside {
        talk::welcome(&stream);
        inside[0].echo();
    }
    stage.wait_for(|status| status["connections"].as_array().unwrap().len() == 1);
}
