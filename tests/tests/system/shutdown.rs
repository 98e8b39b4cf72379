//! The end: workers together, then the agent, then the master; and what is done where one does
//! not go.

use std::thread;

use serde_json::json;

use crate::load::client::{Client, Outcome};
use crate::stage::{CONT, Config, INT, KILL, STOP, Stage, TERM, send_signal, until_stopped};

#[test]
fn a_worker_that_ignores_term_is_killed_and_the_exit_code_is_6() {
    let stage = Stage::new();
    let (master, agent, workers) = stage.up_with(&Config::strict(2));
    workers[0].ignore(TERM);
    master.signal(TERM);
    workers[0].event("drain");
    workers[0].event("signal");
    workers[0].event("gone");
    agent.event("gone");
    let (code, said) = master.finish();
    assert_eq!(code, 6, "{said}");
    assert!(said.contains("worker 0 did not go and is killed"), "{said}");
}

#[test]
fn an_agent_that_ignores_term_is_killed_and_the_exit_code_is_6() {
    let stage = Stage::new();
    let (mut master, agent, _workers) = stage.up_with(&Config::strict(1));
    agent.ignore(TERM);
    master.signal(TERM);
    agent.event("signal");
    agent.event("gone");
    assert_eq!(master.wait(), 6);
}

#[test]
fn processes_that_need_term_are_no_reason_for_another_exit_code() {
    let stage = Stage::new();
    let (mut master, ..) = stage.up_with(&Config::strict(2));
    master.signal(TERM);
    assert_eq!(master.wait(), 0);
}

#[test]
fn a_kill_before_the_shutdown_is_no_reason_for_another_exit_code() {
    let stage = Stage::new();
    let (mut master, agent, workers) = stage.up_with(&Config::strict(1));
    workers[0].ignore(TERM);
    workers[0].fail("broken");
    workers[0].event("signal");
    workers[0].event("gone");
    let next = stage.next_child("worker");
    next.up();
    master.knows_ready(next.pid);
    master.signal(TERM);
    next.event("drain");
    next.exit(0);
    agent.exit(0);
    assert_eq!(master.wait(), 0);
}

#[test]
fn a_failed_boot_stays_a_failed_boot_though_one_had_to_be_killed() {
    let stage = Stage::new();
    stage.write(&Config::strict(2));
    let master = stage.begin(&["start"]);
    stage.next_child("agent").up();
    let workers = stage.next_workers(2);
    workers[0].ignore(TERM);
    workers[1].exit(1);
    let (code, said) = master.finish();
    assert_eq!(code, 3, "{said}");
}

#[test]
fn the_second_int_kills() {
    let stage = Stage::new();
    let (mut master, agent, workers) = stage.up_with(&Config::patient(2));
    for worker in &workers {
        worker.ignore(TERM);
    }
    master.signal(INT);
    for worker in &workers {
        worker.event("drain");
    }
    master.signal(INT);
    for child in workers.iter().chain([&agent]) {
        child.event("gone");
    }
    assert_eq!(master.wait(), 6);
}

#[test]
fn a_second_term_does_not_hurry() {
    let stage = Stage::new();
    let (mut master, agent, workers) = stage.up_with(&Config::patient(1));
    for _ in 0..3 {
        master.signal(TERM);
    }
    workers[0].event("drain");
    workers[0].settle();
    // What comes after it shows that the signals were taken in.
    assert_eq!(stage.status()["stage"], "stopping");
    workers[0].exit(0);
    agent.event("drain");
    agent.exit(0);
    assert_eq!(master.wait(), 0);
}

#[test]
fn stop_ends_it_and_answers_when_all_are_gone() {
    let stage = Stage::new();
    let (mut master, agent, workers) = stage.up_with(&Config::patient(2));
    let stop = stage.begin(&["stop"]);
    for worker in &workers {
        worker.event("drain");
        worker.exit(0);
    }
    agent.event("drain");
    agent.exit(0);
    let (code, said) = stop.finish();
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("stopped"), "{said}");
    assert_eq!(master.wait(), 0);
    let (code, said) = stage.command(&["stop"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("no master is running"), "{said}");
}

#[test]
fn stop_now_kills() {
    let stage = Stage::new();
    let (mut master, agent, workers) = stage.up_with(&Config::patient(1));
    workers[0].ignore(TERM);
    let (code, said) = stage.command(&["stop", "--now"]);
    assert_eq!(code, 0, "{said}");
    workers[0].event("gone");
    agent.event("gone");
    assert_eq!(master.wait(), 6);
}

#[test]
fn a_request_of_three_seconds_is_answered_though_term_came() {
    let stage = Stage::new();
    let (mut master, agent, workers) = stage.serve(&Config::serving(1));
    let path = stage.path("http.sock");
    let asking = thread::spawn(move || Client::new(&path).close("/?ms=3000"));
    workers[0].event("asked");
    master.signal(TERM);
    workers[0].event("drain");
    assert_eq!(asking.join().unwrap(), Outcome::Ok);
    agent.event("drain");
    agent.exit(0);
    assert_eq!(master.wait(), 0);
}

#[test]
fn a_worker_whose_ready_crosses_the_term_finishes_its_requests() {
    let stage = Stage::new();
    stage.write(&Config::patient(1));
    let mut master = stage.begin(&["start"]);
    let agent = stage.next_child("agent");
    agent.up();
    let worker = stage.next_child("worker");
    worker.join();
    worker.act(json!({ "do": "serve" })).unwrap();
    // What it says now reaches a master that has TERM waiting as well.
    master.signal(STOP);
    until_stopped(master.pid());
    worker.ready();
    let path = stage.path("http.sock");
    let asking = thread::spawn(move || Client::new(&path).close("/?ms=2000"));
    worker.event("asked");
    master.signal(TERM);
    master.signal(CONT);
    worker.event("drain");
    assert_eq!(asking.join().unwrap(), Outcome::Ok);
    agent.event("drain");
    agent.exit(0);
    assert_eq!(master.wait(), 0);
}

#[test]
fn a_worker_that_crashes_while_it_drains_is_not_started_again() {
    let stage = Stage::new();
    let (mut master, agent, workers) = stage.up_with(&Config::patient(2));
    master.signal(TERM);
    workers[0].event("drain");
    send_signal(workers[0].pid, KILL);
    workers[1].event("drain");
    workers[1].exit(3);
    agent.event("drain");
    send_signal(agent.pid, KILL);
    assert_eq!(master.wait(), 0);
    assert!(!stage.has_newborn("worker") && !stage.has_newborn("agent"));
}

#[test]
fn an_agent_that_crashes_while_the_workers_drain_is_not_started_again() {
    let stage = Stage::new();
    let (mut master, agent, workers) = stage.up_with(&Config::patient(1));
    master.signal(TERM);
    workers[0].event("drain");
    send_signal(agent.pid, KILL);
    agent.event("gone");
    workers[0].settle();
    workers[0].exit(0);
    assert_eq!(master.wait(), 0);
    assert!(!stage.has_newborn("agent"));
}

#[test]
fn term_before_the_agent_is_ready_ends_it() {
    let stage = Stage::new();
    stage.write(&Config::strict(2));
    let mut master = stage.begin(&["start"]);
    let agent = stage.next_child("agent");
    master.signal(TERM);
    agent.event("gone");
    assert_eq!(master.wait(), 0);
    assert!(!stage.has_newborn("worker"));
}

#[test]
fn term_while_workers_start_ends_them() {
    let stage = Stage::new();
    stage.write(&Config::patient(2));
    let mut master = stage.begin(&["start"]);
    let agent = stage.next_child("agent");
    agent.up();
    let workers = stage.next_workers(2);
    workers[0].up();
    master.knows_ready(workers[0].pid);
    master.signal(TERM);
    // One that works may finish, one that never got ready has nothing to finish.
    workers[1].event("gone");
    workers[0].event("drain");
    workers[0].exit(0);
    agent.event("drain");
    agent.exit(0);
    assert_eq!(master.wait(), 0);
}

#[test]
fn a_failing_worker_during_the_shutdown_changes_nothing() {
    let stage = Stage::new();
    let (mut master, agent, workers) = stage.up_with(&Config::patient(1));
    master.signal(TERM);
    workers[0].event("drain");
    workers[0]
        .act(json!({ "do": "failing", "text": "late" }))
        .unwrap();
    workers[0].settle();
    workers[0].exit(1);
    agent.event("drain");
    agent.exit(0);
    assert_eq!(master.wait(), 0);
    assert!(!stage.has_newborn("worker"));
}

#[test]
fn a_shutdown_during_a_reload_ends_both() {
    let stage = Stage::new();
    let (mut master, agent, workers) = stage.up_with(&Config::patient(1));
    let reload = stage.begin(&["reload"]);
    let new = stage.next_child("worker");
    master.signal(TERM);
    let (code, said) = reload.finish();
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("the master is shutting down"), "{said}");
    new.event("gone");
    workers[0].event("drain");
    workers[0].exit(0);
    agent.event("drain");
    agent.exit(0);
    assert_eq!(master.wait(), 0);
}
