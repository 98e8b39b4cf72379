//! More and fewer workers, and the restart of one.

use crate::stage::{Child, Config, KILL, Program, Stage, TTIN, TTOU, is_alive, send_signal};

fn up(workers: u32) -> (Stage, Program, Child, Vec<Child>) {
    let stage = Stage::new();
    let (master, agent, workers) = stage.up_with(&Config::patient(workers));
    (stage, master, agent, workers)
}

#[test]
fn scale_up_starts_the_next_indexes_and_answers_when_they_are_ready() {
    let (stage, _master, agent, _workers) = up(1);
    let scale = stage.begin(&["scale", "3"]);
    let new = stage.next_workers(2);
    assert_eq!([new[0].index, new[1].index], [1, 2]);
    for worker in &new {
        worker.up();
        worker.message("egg-ready");
    }
    let (code, said) = scale.finish();
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("3 workers are ready"), "{said}");
    agent.send("app", "x", "all").unwrap();
    for worker in &new {
        worker.message("x");
    }
}

#[test]
fn scale_down_drains_the_highest_indexes_and_answers_when_they_are_gone() {
    let (stage, _master, agent, workers) = up(3);
    let scale = stage.begin(&["scale", "-2"]);
    for worker in &workers[1..] {
        let cause = worker.event("drain")["cause"].to_string();
        assert!(cause.contains("fewer workers"), "{cause}");
    }
    agent.send("app", "x", "all").unwrap();
    workers[0].message("x");
    for worker in &workers[1..] {
        worker.settle();
        assert!(worker.messages("x").is_empty());
        worker.exit(0);
    }
    let (code, said) = scale.finish();
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("1 workers are ready"), "{said}");
    assert!(is_alive(workers[0].pid));
    assert_eq!(stage.status()["workers_wanted"], 1);
}

#[test]
fn ttin_is_one_more_and_ttou_one_fewer() {
    let (stage, master, _agent, _workers) = up(1);
    master.signal(TTIN);
    let second = stage.next_child("worker");
    assert_eq!(second.index, 1);
    second.up();
    master.knows_ready(second.pid);
    master.signal(TTOU);
    second.event("drain");
    second.exit(0);
    second.event("gone");
    // There is always one.
    master.signal(TTOU);
    master.says("the number of workers must be from 1 to");
}

#[test]
fn there_are_at_least_one_and_at_most_512() {
    let (stage, _master, ..) = up(1);
    for count in ["0", "-1", "513"] {
        let (code, said) = stage.command(&["scale", count]);
        assert_eq!(code, 1, "{said}");
        assert!(said.contains("from 1 to 512"), "{said}");
    }
    let (code, said) = stage.command(&["scale", "many"]);
    assert_eq!(code, 2, "{said}");
}

#[test]
fn scale_down_while_a_new_one_starts_ends_that_one() {
    let (stage, _master, _agent, _workers) = up(1);
    let more = stage.begin(&["scale", "2"]);
    let second = stage.next_child("worker");
    let fewer = stage.begin(&["scale", "1"]);
    second.event("gone");
    let (code, said) = more.finish();
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("another number"), "{said}");
    assert_eq!(fewer.finish().0, 0);
}

#[test]
fn scale_up_while_one_still_drains_fills_its_slot_again() {
    let (stage, _master, _agent, workers) = up(2);
    let fewer = stage.begin(&["scale", "1"]);
    workers[1].event("drain");
    let more = stage.begin(&["scale", "2"]);
    assert_eq!(fewer.finish().0, 1);
    let again = stage.next_child("worker");
    assert_eq!(again.index, 1);
    again.up();
    assert!(is_alive(workers[1].pid), "it may finish");
    workers[1].exit(0);
    assert_eq!(more.finish().0, 0);
}

#[test]
fn scale_during_a_reload_ends_with_the_right_number_of_new_ones() {
    let (stage, _master, _agent, old) = up(2);
    let mut reload = stage.begin(&["reload"]);
    let first = stage.next_child("worker");
    let mut scale = stage.begin(&["scale", "1"]);
    old[1].event("drain");
    old[1].exit(0);
    first.up();
    old[0].event("drain");
    old[0].exit(0);
    assert_eq!(reload.wait(), 0);
    assert_eq!(scale.wait(), 0);
    let status = stage.status();
    assert_eq!(status["workers_ready"], 1);
    assert_eq!(status["generation"], 2);
}

#[test]
fn what_was_scaled_to_holds_over_a_reload() {
    let (stage, _master, _agent, old) = up(1);
    let mut scale = stage.begin(&["scale", "2"]);
    let second = stage.next_child("worker");
    second.up();
    assert_eq!(scale.wait(), 0);
    let mut reload = stage.begin(&["reload"]);
    for old in [&old[0], &second] {
        let new = stage.next_child("worker");
        assert_eq!(new.index, old.index);
        new.up();
        old.event("drain");
        old.exit(0);
    }
    assert_eq!(reload.wait(), 0);
    assert_eq!(stage.status()["workers_wanted"], 2);
}

#[test]
fn restart_of_a_worker_starts_its_replacement_first() {
    let (stage, _master, _agent, workers) = up(2);
    let restart = stage.begin(&["restart", "worker.1"]);
    let new = stage.next_child("worker");
    assert_eq!((new.index, new.generation), (1, 1));
    new.join();
    workers[1].settle();
    assert!(!workers[1].has("drain"));
    new.ready();
    workers[1].event("drain");
    let (code, said) = restart.finish();
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("worker 1 restarted"), "{said}");
    assert!(is_alive(workers[0].pid));
    workers[1].exit(0);
}

#[test]
fn restart_of_a_worker_whose_replacement_fails_tells_and_keeps_it() {
    let (stage, _master, _agent, workers) = up(1);
    let restart = stage.begin(&["restart", "worker.0"]);
    let new = stage.next_child("worker");
    new.exit(5);
    let (code, said) = restart.finish();
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("exited with 5"), "{said}");
    workers[0].settle();
    assert!(!workers[0].has("drain"));
}

#[test]
fn restart_of_the_agent_stops_it_first() {
    let (stage, _master, agent, workers) = up(1);
    let restart = stage.begin(&["restart", "agent"]);
    agent.event("drain");
    workers[0].send("agent", "x", "meanwhile").unwrap();
    agent.exit(0);
    let new = stage.next_child("agent");
    new.up();
    assert_eq!(new.message("x")["text"], "meanwhile");
    let (code, said) = restart.finish();
    assert_eq!(code, 0, "{said}");
}

#[test]
fn restart_of_somebody_who_does_not_exist_says_so() {
    let (stage, _master, ..) = up(1);
    let (code, said) = stage.command(&["restart", "worker.9"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("there is no worker 9"), "{said}");
    let (code, said) = stage.command(&["restart", "worker"]);
    assert_eq!(code, 2, "{said}");
}

#[test]
fn a_worker_that_was_scaled_up_is_started_again_like_any_other() {
    let (stage, _master, _agent, _workers) = up(1);
    let mut scale = stage.begin(&["scale", "+1"]);
    let second = stage.next_child("worker");
    second.up();
    assert_eq!(scale.wait(), 0);
    send_signal(second.pid, KILL);
    let next = stage.next_child("worker");
    assert_eq!(next.index, 1);
    next.up();
    next.message("egg-ready");
}
