//! A process that says it fails: its replacement comes first, and it drains meanwhile.

use serde_json::json;

use crate::stage::{Child, Config, KILL, Stage, is_alive, send_signal};

#[test]
fn a_failing_worker_drains_while_its_replacement_starts() {
    let stage = Stage::new();
    let (_master, agent, workers) = stage.up_with(&Config::patient(2));
    workers[0].fail("the pool is empty");
    let cause = workers[0].event("drain")["cause"].to_string();
    assert!(cause.contains("the pool is empty"), "{cause}");
    let next = stage.next_child("worker");
    assert_eq!(next.index, 0);
    // The old one takes nothing new, and can still send and be spoken to.
    agent.send("app", "x", "for all").unwrap();
    workers[0].send("agent", "x", "I still can").unwrap();
    assert_eq!(agent.message("x")["text"], "I still can");
    agent.send(workers[0].pid, "x", "for you").unwrap();
    assert_eq!(workers[0].message("x")["text"], "for you");
    workers[0].settle();
    assert!(workers[0].messages("x").is_empty());
    assert_eq!(workers[1].message("x")["text"], "for all");
    next.up();
    next.message("egg-ready");
    workers[0].exit(1);
    workers[0].event("gone");
    // Its end is not one more reason to start somebody.
    assert_eq!(stage.status()["workers_ready"], 2);
    assert!(!stage.has_newborn("worker"));
}

#[test]
fn to_say_it_twice_and_to_crash_then_is_one_failure() {
    let stage = Stage::new();
    let (_master, _agent, workers) = stage.up_with(&Config::patient(1));
    workers[0].fail("once");
    workers[0].fail("twice");
    let next = stage.next_child("worker");
    send_signal(workers[0].pid, KILL);
    workers[0].event("gone");
    next.up();
    next.message("egg-ready");
    assert!(!stage.has_newborn("worker"));
    assert_eq!(stage.status()["slots"][1]["restarts"], 1);
}

#[test]
fn the_panic_hook_says_it() {
    let stage = Stage::new();
    let (_master, _agent, workers) = stage.up_with(&Config::patient(1));
    workers[0].act(json!({ "do": "panic_hook" })).unwrap();
    workers[0].order(json!({ "do": "panic", "text": "the sky is falling" }));
    let cause = workers[0].event("drain")["cause"].to_string();
    assert!(cause.contains("the sky is falling"), "{cause}");
    stage.next_child("worker").up();
    assert!(is_alive(workers[0].pid), "it drains");
}

#[test]
fn the_panic_hook_is_silent_about_a_handler() {
    let stage = Stage::new();
    let (_master, agent, workers) = stage.up_with(&Config::patient(1));
    workers[0].act(json!({ "do": "panic_hook" })).unwrap();
    let on = json!({ "do": "on", "action": "y", "how": "panic" });
    workers[0].act(on).unwrap();
    agent.send("app", "y", "").unwrap();
    workers[0].message("y");
    workers[0].settle();
    assert!(!workers[0].has("drain"));
    assert_eq!(stage.status()["workers_ready"], 1);
}

#[test]
fn a_replacement_that_never_gets_ready_is_tried_again() {
    let stage = Stage::new();
    let (_master, _agent, workers) = stage.up_with(&Config::patient(2));
    workers[1].fail("tired");
    for code in [0, 1, 3, 78, 125] {
        let next = stage.next_child("worker");
        assert_eq!(next.index, 1);
        next.join();
        next.exit(code);
    }
    let next = stage.next_child("worker");
    next.up();
    next.message("egg-ready");
    assert_eq!(stage.status()["workers_ready"], 2);
}

#[test]
fn a_replacement_that_fails_too_is_replaced() {
    let stage = Stage::new();
    let (_master, _agent, workers) = stage.up_with(&Config::patient(2));
    workers[1].fail("tired");
    let second = stage.next_child("worker");
    second.join();
    second.fail("tired as well");
    // There may be one more than two, and there is, until one of them goes.
    second.exit(1);
    let third = stage.next_child("worker");
    assert_eq!(third.index, 1);
    third.up();
    third.message("egg-ready");
}

/// How many processes the workers' slots have.
fn live(stage: &Stage) -> usize {
    let status = stage.status();
    let slots = status["slots"].as_array().unwrap().iter();
    let workers = slots.filter(|slot| slot["role"] == "worker");
    workers
        .map(|slot| slot["processes"].as_array().unwrap().len())
        .sum()
}

#[track_caller]
fn check_all_at_once(count: u32, extra: usize) {
    let stage = Stage::new();
    let (_master, _agent, workers) = stage.up_with(&Config::patient(count));
    for worker in &workers {
        worker.fail("poison");
    }
    for worker in &workers {
        worker.event("drain");
    }
    let most = workers.len() + extra;
    let mut new: Vec<Child> = (0..extra).map(|_| stage.next_child("worker")).collect();
    for worker in &workers {
        assert!(live(&stage) <= most);
        worker.exit(1);
        if new.len() < workers.len() {
            new.push(stage.next_child("worker"));
        }
    }
    for worker in &new {
        worker.up();
        worker.message("egg-ready");
    }
    let mut indexes: Vec<u32> = new.iter().map(|worker| worker.index).collect();
    indexes.sort_unstable();
    assert_eq!(indexes, (0..count).collect::<Vec<_>>());
}

#[test]
fn four_that_fail_at_once_are_replaced_with_one_more_at_a_time() {
    check_all_at_once(4, 1);
}

#[test]
fn eight_that_fail_at_once_are_replaced_with_two_more_at_a_time() {
    check_all_at_once(8, 2);
}

#[test]
fn a_failing_agent_is_stopped_then_started_and_its_messages_wait() {
    let stage = Stage::new();
    let (_master, agent, workers) = stage.up_with(&Config::patient(1));
    agent.fail("the feed is gone");
    agent.event("drain");
    let receipt = workers[0].confirm("agent", "x", "meanwhile").unwrap();
    assert_eq!(receipt, json!({ "queued": 0, "held": 1 }));
    assert!(!stage.has_newborn("agent"), "two agents at once");
    agent.exit(1);
    let next = stage.next_child("agent");
    next.up();
    assert_eq!(next.message("x")["text"], "meanwhile");
    next.message("egg-ready");
    workers[0].settle();
    assert!(!workers[0].has("drain"), "workers are not touched");
}

#[test]
fn a_worker_that_fails_during_a_reload_costs_no_slot() {
    let stage = Stage::new();
    let (_master, _agent, workers) = stage.up_with(&Config::patient(2));
    let mut reload = stage.begin(&["reload"]);
    let canary = stage.next_child("worker");
    workers[1].fail("just now");
    workers[1].event("drain");
    workers[1].exit(1);
    workers[1].event("gone");
    canary.up();
    workers[0].event("drain");
    workers[0].exit(0);
    let last = stage.up_to_generation(1, 2);
    assert_eq!(reload.wait(), 0);
    assert!(is_alive(last.pid));
}
