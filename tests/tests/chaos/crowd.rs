//! A thousand workers that get ready at once, and more connections than descriptors.

use crate::stage::{Process, Stage};
use crate::talk;

const PROCESSES: usize = 16;
const EACH: usize = 63;

#[test]
fn a_thousand_that_get_ready_at_once_hear_of_each_other_in_few_words() {
    let mut stage = Stage::new(64 << 20, 512 << 20);
    let socket = stage.socket();
    let arguments = ["crowd", socket.to_str().unwrap(), &EACH.to_string()];
    let mut crowd: Vec<Process> = (0..PROCESSES).map(|_| Process::start(&arguments)).collect();
    for process in &mut crowd {
        assert_eq!(process.line(), "joined");
    }
    let all = PROCESSES * EACH;
    for process in &mut crowd {
        process.tell(&all.to_string());
    }
    let mut frames = 0;
    for process in &mut crowd {
        let line = process.line();
        let (count, _) = line.split_once(' ').unwrap();
        frames += count.parse::<usize>().unwrap();
    }
    // One for each that gets ready would be a thousand for each: a square.
    assert!(
        frames < all * all / 4,
        "{frames} egg-pids were told to {all}"
    );
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
