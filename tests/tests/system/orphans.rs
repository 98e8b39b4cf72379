//! Nobody stays: when the master is killed in whatever it does, and when a child is.

use serde_json::json;

use crate::stage::{Child, Config, KILL, Program, Stage, TERM, send_signal, until_gone};

/// Kills the master, and waits until those children are gone.
#[track_caller]
fn check_all_go(master: &Program, children: &[&Child]) {
    master.signal(KILL);
    for child in children {
        child.event("gone");
        until_gone(child.pid);
    }
}

#[test]
fn when_it_is_killed_while_the_agent_boots() {
    let stage = Stage::new();
    stage.write(&Config::patient(2));
    let master = stage.begin(&["start"]);
    let agent = stage.next_child("agent");
    check_all_go(&master, &[&agent]);
}

#[test]
fn when_it_is_killed_while_workers_boot() {
    let stage = Stage::new();
    stage.write(&Config::patient(2));
    let master = stage.begin(&["start"]);
    let agent = stage.next_child("agent");
    agent.up();
    let workers = stage.next_workers(2);
    workers[0].join();
    check_all_go(&master, &[&agent, &workers[0], &workers[1]]);
}

#[test]
fn when_it_is_killed_while_it_serves_and_though_they_ignore_term() {
    let stage = Stage::new();
    let (master, agent, workers) = stage.up_with(&Config::patient(2));
    workers[0].ignore(TERM);
    check_all_go(&master, &[&agent, &workers[0], &workers[1]]);
}

#[test]
fn when_it_is_killed_during_a_reload() {
    let stage = Stage::new();
    let (master, agent, workers) = stage.up_with(&Config::patient(2));
    let _reload = stage.begin(&["reload"]);
    let new = stage.next_child("worker");
    check_all_go(&master, &[&agent, &workers[0], &workers[1], &new]);
}

#[test]
fn when_it_is_killed_while_workers_drain() {
    let stage = Stage::new();
    let (master, agent, workers) = stage.up_with(&Config::patient(2));
    master.signal(TERM);
    for worker in &workers {
        worker.event("drain");
    }
    check_all_go(&master, &[&agent, &workers[0], &workers[1]]);
}

#[test]
fn when_it_is_killed_while_the_agent_drains() {
    let stage = Stage::new();
    let (master, agent, workers) = stage.up_with(&Config::patient(1));
    master.signal(TERM);
    workers[0].exit(0);
    agent.event("drain");
    check_all_go(&master, &[&agent]);
}

#[test]
fn with_orphan_term_the_kernel_says_term_and_they_may_finish() {
    let stage = Stage::new();
    let mut config = Config::patient(1);
    config.master += "orphan = \"term\"\n";
    // A program that does not look after its connection, and after TERM.
    config.worker = config.worker.command(&[
        "/bin/sh",
        "-c",
        "trap 'echo told > told; exit 0' TERM; echo born > born; while :; do sleep 0.01; done",
    ]);
    stage.write(&config);
    let master = stage.begin(&["start"]);
    let agent = stage.next_child("agent");
    agent.up();
    stage.until_line("born");
    master.signal(KILL);
    agent.event("gone");
    stage.until_line("told");
}

#[test]
fn a_master_that_starts_again_finds_nothing_in_its_way() {
    let stage = Stage::new();
    let (master, agent, workers) = stage.up_with(&Config::patient(1));
    check_all_go(&master, &[&agent, &workers[0]]);
    let (_master, _agent, _workers) = stage.up_with(&Config::patient(1));
}

fn sleeper(child: &Child) -> u32 {
    let order = json!({ "do": "spawn", "command": ["sleep", "1000"] });
    u32::try_from(child.act(order).unwrap().as_u64().unwrap()).unwrap()
}

#[test]
fn the_children_of_a_killed_worker_die_with_it() {
    let stage = Stage::new();
    let (_master, _agent, workers) = stage.up_with(&Config::patient(1));
    let grandchild = sleeper(&workers[0]);
    send_signal(workers[0].pid, KILL);
    until_gone(grandchild);
    stage.next_child("worker").up();
}

#[test]
fn the_children_of_a_worker_that_exits_die_with_it() {
    let stage = Stage::new();
    let (_master, _agent, workers) = stage.up_with(&Config::patient(1));
    let grandchild = sleeper(&workers[0]);
    workers[0].exit(0);
    until_gone(grandchild);
}

#[test]
fn the_children_of_a_stopped_worker_and_agent_die_at_the_end() {
    let stage = Stage::new();
    let (mut master, agent, workers) = stage.up_with(&Config::strict(1));
    let grandchildren = [sleeper(&workers[0]), sleeper(&agent)];
    master.signal(TERM);
    assert_eq!(master.wait(), 0);
    for grandchild in grandchildren {
        until_gone(grandchild);
    }
}

#[test]
fn a_grandchild_of_another_session_that_holds_the_output_delays_no_replacement() {
    let stage = Stage::new();
    let (_master, _agent, workers) = stage.up_with(&Config::patient(1));
    let order = json!({ "do": "spawn", "command": ["setsid", "sleep", "1000"] });
    let grandchild = workers[0].act(order).unwrap().as_u64().unwrap();
    // It is in its own session when it sleeps.
    let stat = format!("/proc/{grandchild}/cmdline");
    while !std::fs::read(&stat).unwrap().starts_with(b"sleep") {}
    send_signal(workers[0].pid, KILL);
    stage.next_child("worker").up();
    send_signal(u32::try_from(grandchild).unwrap(), KILL);
}
