//! What the master says, where nobody takes it.

use std::fs::OpenOptions;
use std::process::{Child as Process, Command, Stdio};

use serde_json::json;

use crate::stage::{Child, Config, HENHOUSE, KILL, Stage, TERM, send_signal};

/// A master whose output is no business of the test's.
struct Master(Process);

impl Drop for Master {
    fn drop(&mut self) {
        // It may have ended long ago.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Master {
    fn start(stage: &Stage, stdout: Stdio, stderr: Stdio) -> Master {
        let config = stage.write(&Config::patient(1));
        let mut command = Command::new(HENHOUSE);
        command
            .args(["start", "-c"])
            .arg(config)
            .stdin(Stdio::null());
        Master(command.stdout(stdout).stderr(stderr).spawn().unwrap())
    }
}

/// Brings a house up, has much said in it, lets a worker die and come back, and ends it.
#[track_caller]
fn check_lives_and_ends(stage: &Stage, mut master: Master) {
    let agent = stage.next_child("agent");
    agent.up();
    let worker = stage.next_child("worker");
    worker.up();
    worker.message("egg-ready");
    let say = |child: &Child| {
        let text = "much to say ".repeat(1_000);
        child.act(json!({ "do": "say", "text": text })).unwrap();
    };
    // Many times what a pipe holds.
    for _ in 0..50 {
        say(&worker);
        say(&agent);
    }
    send_signal(worker.pid, KILL);
    let next = stage.next_child("worker");
    next.up();
    next.message("egg-ready");
    send_signal(master.0.id(), TERM);
    next.event("drain");
    next.exit(0);
    agent.event("drain");
    agent.exit(0);
    assert_eq!(master.0.wait().unwrap().code(), Some(0));
}

#[test]
fn a_master_whose_disk_is_full_goes_on() {
    let stage = Stage::new();
    let full = || OpenOptions::new().write(true).open("/dev/full").unwrap();
    let master = Master::start(&stage, full().into(), full().into());
    check_lives_and_ends(&stage, master);
}

#[test]
fn a_master_whose_readers_are_gone_goes_on() {
    let stage = Stage::new();
    let mut master = Master::start(&stage, Stdio::piped(), Stdio::piped());
    drop((master.0.stdout.take(), master.0.stderr.take()));
    check_lives_and_ends(&stage, master);
}

#[test]
fn a_master_whose_readers_read_nothing_goes_on() {
    let stage = Stage::new();
    let master = Master::start(&stage, Stdio::piped(), Stdio::piped());
    check_lives_and_ends(&stage, master);
}
