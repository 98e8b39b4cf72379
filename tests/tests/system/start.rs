//! How a house starts, goes on when something dies, and ends.

use crate::stage::{KILL, Stage, TERM, is_alive};
use serde_json::json;

#[test]
fn the_agent_is_first_and_workers_come_when_it_is_ready_and_egg_ready_when_all_are() {
    let stage = Stage::new();
    let _master = stage.start(2, "");
    let agent = stage.next_child("agent");
    agent.join();
    assert!(!stage.has_newborn("worker"), "workers wait for the agent");
    agent.ready();
    let workers = stage.next_workers(2);
    assert_eq!([workers[0].index, workers[1].index], [0, 1]);
    workers[0].up();
    workers[1].join();
    workers[0].settle();
    assert!(
        workers[0].messages("egg-ready").is_empty(),
        "one worker is not ready"
    );
    workers[1].ready();
    for child in workers.iter().chain([&agent]) {
        child.message("egg-ready");
        child.settle();
        assert!(
            child.messages("egg-ready").is_empty(),
            "{child:?} heard it twice"
        );
    }
}

#[test]
fn a_worker_that_is_killed_is_started_again_in_its_slot() {
    let stage = Stage::new();
    let (_master, agent, workers) = stage.up(2, "");
    crate::stage::send_signal(workers[1].pid, KILL);
    let next = stage.next_child("worker");
    assert_eq!(next.index, 1);
    assert!(next.incarnation > workers[1].incarnation);
    next.up();
    next.message("egg-ready");
    workers[0].settle();
    agent.settle();
    assert!(
        workers[0].messages("egg-ready").is_empty(),
        "it heard it before"
    );
    agent.send("app", "x", "all").unwrap();
    assert_eq!(next.message("x")["text"], "all");
}

#[test]
fn an_agent_that_is_killed_is_started_again_and_its_messages_wait() {
    let stage = Stage::new();
    let (_master, agent, workers) = stage.up(1, "");
    crate::stage::send_signal(agent.pid, KILL);
    agent.event("gone");
    let next = stage.next_child("agent");
    let receipt = workers[0]
        .confirm("agent", "x", "while you were out")
        .unwrap();
    assert_eq!(receipt, json!({ "queued": 0, "held": 1 }));
    next.up();
    assert_eq!(next.message("x")["text"], "while you were out");
    next.message("egg-ready");
    assert!(is_alive(workers[0].pid), "workers are not touched");
}

#[test]
fn term_ends_the_workers_then_the_agent_then_the_master() {
    let stage = Stage::new();
    let (mut master, agent, workers) = stage.up(2, "");
    master.signal(TERM);
    for worker in &workers {
        worker.event("drain");
    }
    // The agent serves until the workers are gone.
    workers[0].send("agent", "x", "a last word").unwrap();
    assert_eq!(agent.message("x")["text"], "a last word");
    for worker in &workers {
        worker.order(json!({ "do": "exit", "code": 0 }));
    }
    agent.event("drain");
    assert!(workers.iter().all(|worker| !is_alive(worker.pid)));
    agent.order(json!({ "do": "exit", "code": 0 }));
    assert_eq!(master.wait(), 0);
    assert!(!stage.socket().exists());
}

#[test]
fn a_worker_that_dies_while_booting_ends_everything_with_3_and_its_last_lines() {
    let stage = Stage::new();
    let master = stage.start(2, "");
    let agent = stage.next_child("agent");
    agent.up();
    let workers = stage.next_workers(2);
    workers[0].up();
    workers[1]
        .act(json!({ "do": "say", "text": "the database is not there" }))
        .unwrap();
    workers[1].order(json!({ "do": "exit", "code": 9 }));
    // A drain may be asked of the others; they end by themselves when nobody tests any more.
    let (code, said) = master.finish();
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("the database is not there"), "{said}");
    assert!(!is_alive(agent.pid) && !is_alive(workers[0].pid));
}

#[test]
fn a_program_that_does_not_exist_is_a_config_error() {
    let stage = Stage::new();
    let config = stage.configure(1, "");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(
        &config,
        text.replace(crate::stage::CHILD, "/no/such/program"),
    )
    .unwrap();
    let (code, said) = stage.command(&["start"]);
    assert_eq!(code, 78, "{said}");
    assert!(said.contains("/no/such/program"), "{said}");
}

#[test]
fn a_second_master_hears_who_holds_the_socket() {
    let stage = Stage::new();
    let (master, ..) = stage.up(1, "");
    let (code, said) = stage.command(&["start"]);
    assert_eq!(code, 75, "{said}");
    assert!(said.contains(&master.pid().to_string()), "{said}");
}

#[test]
fn when_the_master_is_killed_nobody_stays() {
    let stage = Stage::new();
    let (master, agent, workers) = stage.up(2, "");
    master.signal(KILL);
    for child in workers.iter().chain([&agent]) {
        child.event("gone");
    }
}

#[test]
fn the_broker_alone_says_egg_ready_when_those_expected_are_there() {
    let stage = Stage::new();
    let mut broker = stage.broker(&["--agent", "--workers", "1"]);
    let (_worker, worker) = stage.child("worker");
    worker.up();
    worker.settle();
    assert!(worker.messages("egg-ready").is_empty());
    let (_agent, agent) = stage.child("agent");
    agent.up();
    for child in [&worker, &agent] {
        child.message("egg-ready");
    }
    broker.signal(TERM);
    assert_eq!(broker.wait(), 0);
    assert!(!stage.socket().exists());
}
