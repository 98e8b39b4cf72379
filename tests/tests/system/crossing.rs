//! Orders that cross each other, and what happens meanwhile.

use serde_json::json;

use crate::stage::{
    CHILD, CONT, Config, HUP, KILL, STOP, Stage, TERM, TTIN, TTOU, is_alive, send_signal,
    until_stopped,
};

#[test]
fn hup_and_term_at_the_same_instant_end_it() {
    let stage = Stage::new();
    let (mut master, agent, workers) = stage.up_with(&Config::patient(1));
    master.signal(STOP);
    until_stopped(master.pid());
    master.signal(HUP);
    master.signal(TERM);
    master.signal(CONT);
    workers[0].event("drain");
    workers[0].exit(0);
    agent.event("drain");
    agent.exit(0);
    assert_eq!(master.wait(), 0);
}

#[test]
fn a_storm_of_signals_leaves_a_house_that_is_whole() {
    let stage = Stage::new();
    let (master, agent, _workers) = stage.serve(&Config::serving(2));
    for _ in 0..100 {
        for signal in [HUP, TTIN, TTOU] {
            master.signal(signal);
        }
    }
    // Behind whatever came of that.
    let (code, said) = stage.command(&["reload"]);
    assert_eq!(code, 0, "{said}");
    let (code, said) = stage.command(&["scale", "2"]);
    assert_eq!(code, 0, "{said}");
    let status = stage.status();
    assert_eq!(status["workers_ready"], 2, "{status:#}");
    assert_eq!(status["slots"].as_array().unwrap().len(), 3, "{status:#}");
    agent.settle();
    assert!(!agent.has("drain") && is_alive(agent.pid));
}

#[test]
fn hup_before_all_are_ready_changes_nothing() {
    let stage = Stage::new();
    stage.write(&Config::patient(1));
    let master = stage.begin(&["start"]);
    let agent = stage.next_child("agent");
    master.signal(HUP);
    master.says("no reload: the master is still starting");
    agent.up();
    let worker = stage.next_child("worker");
    worker.up();
    worker.message("egg-ready");
    assert_eq!(worker.generation, 1);
}

#[test]
fn an_agent_that_dies_while_workers_boot_ends_the_boot() {
    let stage = Stage::new();
    stage.write(&Config::strict(2));
    let master = stage.begin(&["start"]);
    let agent = stage.next_child("agent");
    agent.up();
    let workers = stage.next_workers(2);
    workers[0].up();
    agent
        .act(json!({ "do": "say", "text": "no feed" }))
        .unwrap();
    agent.exit(9);
    let (code, said) = master.finish();
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("start failed: agent exited with 9"), "{said}");
    assert!(said.contains("no feed"), "{said}");
    for worker in &workers {
        worker.event("gone");
    }
}

#[test]
fn a_reload_fills_a_slot_that_waits_for_its_next_try() {
    let stage = Stage::new();
    let program = "exec \"$HENHOUSE_TEST_CHILD\"\n";
    stage.deploy("worker.sh", program);
    let mut config = Config::patient(2);
    config.worker = config
        .worker
        .command(&["/bin/sh", "worker.sh"])
        .env("HENHOUSE_TEST_CHILD", CHILD);
    for time in ["\"10ms\"", "\"50ms\""] {
        config.worker.more = config.worker.more.replace(time, "\"1h\"");
    }
    let (master, _agent, old) = stage.up_with(&config);
    stage.deploy("worker.sh", "exit 9\n");
    send_signal(old[0].pid, KILL);
    master.says("exited with 9");
    stage.deploy("worker.sh", program);
    let reload = stage.begin(&["reload"]);
    // The empty slot is first: there a canary harms nobody.
    let canary = stage.next_child("worker");
    assert_eq!((canary.index, canary.generation), (0, 2));
    canary.up();
    let last = stage.next_child("worker");
    assert_eq!(last.index, 1);
    last.up();
    old[1].event("drain");
    old[1].exit(0);
    let (code, said) = reload.finish();
    assert_eq!(code, 0, "{said}");
}
