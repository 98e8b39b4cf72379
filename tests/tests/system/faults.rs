//! The ways in which a process can go wrong, in each state of its life, whatever it is written in.

use std::os::unix::fs::symlink;
use std::process::Command;

use rustix::process::Signal;
use serde_json::json;

use crate::stage::{
    ABRT, CHILD, CONT, Child, Config, KILL, Program, SEGV, STOP, Section, Stage, TERM, is_alive,
    runs, send_signal, skip,
};

/// A way to end.
#[derive(Clone, Copy, Debug)]
enum End {
    Code(i32),
    Signal(Signal, &'static str),
}

const ENDS: [End; 8] = [
    End::Code(0),
    End::Code(1),
    End::Code(3),
    End::Code(78),
    End::Code(125),
    End::Signal(KILL, "SIGKILL"),
    End::Signal(SEGV, "SIGSEGV"),
    End::Signal(ABRT, "SIGABRT"),
];

impl End {
    fn of(self, child: &Child) {
        match self {
            End::Code(code) => child.exit(code),
            End::Signal(signal, _) => {
                send_signal(child.pid, signal);
                // A Rust program takes the first SEGV for an overflow of its stack, finds that it
                // is none, and dies by the second.
                while signal == SEGV && runs(child.pid) {
                    send_signal(child.pid, signal);
                }
            }
        }
    }

    fn words(self) -> String {
        match self {
            End::Code(code) => format!("exited with {code}"),
            End::Signal(_, name) => format!("killed by {name}"),
        }
    }
}

/// A language that a child is written in, and whether it is there.
fn section(language: &str) -> Option<Section> {
    let file = |name: &str| format!("{}/children/{name}", env!("CARGO_MANIFEST_DIR"));
    let (program, script) = match language {
        "rust" => return Some(Section::child()),
        "python3" => ("python3", file("fault.py")),
        _ => ("node", file("fault.mjs")),
    };
    let there = Command::new(program).arg("--version").output().is_ok();
    if !there {
        skip(&format!("there is no {program}"));
    }
    there.then(|| Section::of(&[program, &script]))
}

fn with(mut config: Config, worker: Section) -> Config {
    let more = config.worker.more;
    config.worker = Section { more, ..worker };
    config
}

/// Starts a house whose workers are of that kind.
fn up(config: &Config) -> (Stage, Program, Child, Vec<Child>) {
    let stage = Stage::new();
    stage.write(config);
    let master = stage.begin(&["start"]);
    let agent = stage.next_child("agent");
    agent.up();
    let workers = stage.next_workers(config.workers as usize);
    for worker in &workers {
        bring_up(worker);
    }
    master.says("egg-ready");
    (stage, master, agent, workers)
}

fn bring_up(worker: &Child) {
    worker.join();
    worker.ready();
}

#[track_caller]
fn check_every_end_in_every_state(language: &str) {
    let Some(worker) = section(language) else {
        return;
    };
    let (stage, master, _agent, mut workers) = up(&with(Config::patient(2), worker));
    for end in ENDS {
        // Draining: its replacement is on the way already.
        let old = workers.pop().unwrap();
        old.fail("broken");
        old.event("drain");
        let starting = stage.next_child("worker");
        end.of(&old);
        old.event("gone");
        // Starting, before and after it has joined.
        end.of(&starting);
        master.says(&end.words());
        let joined = stage.next_child("worker");
        joined.join();
        end.of(&joined);
        // Ready.
        let ready = stage.next_child("worker");
        bring_up(&ready);
        master.knows_ready(ready.pid);
        end.of(&ready);
        let next = stage.next_child("worker");
        assert_eq!(next.index, 1);
        let last_end = stage.status()["slots"][2]["last_end"].to_string();
        assert!(last_end.contains(&end.words()), "{last_end}");
        assert!(last_end.contains("after ready"), "{last_end}");
        bring_up(&next);
        master.knows_ready(next.pid);
        workers.push(next);
    }
    assert!(is_alive(workers[0].pid));
    assert!(!stage.has_newborn("worker"));
}

#[test]
fn every_end_in_every_state_costs_no_slot() {
    check_every_end_in_every_state("rust");
}

#[test]
fn every_end_in_every_state_costs_no_slot_in_python() {
    check_every_end_in_every_state("python3");
}

#[test]
fn every_end_in_every_state_costs_no_slot_in_node() {
    check_every_end_in_every_state("node");
}

#[track_caller]
fn check_a_lost_connection(language: &str) {
    let Some(worker) = section(language) else {
        return;
    };
    let (stage, master, _agent, workers) = up(&with(Config::strict(1), worker));
    workers[0].act(json!({ "do": "cut" })).unwrap();
    master.says("lost its connection and lives on");
    let next = stage.next_child("worker");
    bring_up(&next);
    // Nobody can ask it to drain any more.
    workers[0].event("gone");
}

#[test]
fn one_that_loses_its_connection_and_lives_on_is_replaced_and_ended_in_python() {
    check_a_lost_connection("python3");
}

#[test]
fn one_that_loses_its_connection_and_lives_on_is_replaced_and_ended_in_node() {
    check_a_lost_connection("node");
}

#[test]
fn one_that_says_goodbye_unasked_is_replaced_and_may_finish() {
    let Some(worker) = section("python3") else {
        return;
    };
    let (stage, master, _agent, workers) = up(&with(Config::patient(1), worker));
    workers[0].act(json!({ "do": "goodbye" })).unwrap();
    master.says("said goodbye unasked");
    bring_up(&stage.next_child("worker"));
    assert!(is_alive(workers[0].pid));
    workers[0].exit(0);
}

#[test]
fn ready_said_twice_is_no_reason_to_replace_it() {
    let Some(worker) = section("python3") else {
        return;
    };
    let (stage, _master, agent, workers) = up(&with(Config::patient(1), worker));
    workers[0].ready();
    agent.settle();
    assert_eq!(stage.status()["workers_ready"], 1);
    assert!(!stage.has_newborn("worker"));
    assert!(is_alive(workers[0].pid));
}

#[test]
fn one_that_is_ready_and_dies_at_once_is_started_again_and_again() {
    let (stage, _master, _agent, workers) = up(&Config::patient(1));
    send_signal(workers[0].pid, KILL);
    for _ in 0..10 {
        let next = stage.next_child("worker");
        next.join();
        next.order(json!({ "do": "ready" }));
        next.exit(1);
    }
    let next = stage.next_child("worker");
    next.up();
    next.message("egg-ready");
}

#[test]
fn one_that_fails_too_often_is_retried_slowly_and_can_be_hurried() {
    let mut config = Config::patient(1);
    config.worker.more = config
        .worker
        .more
        .replace("intensity = 1000", "intensity = 3");
    config.worker.more = config
        .worker
        .more
        .replace("backoff_max = \"50ms\"", "backoff_max = \"1h\"");
    let (stage, master, _agent, workers) = up(&config);
    workers[0].exit(1);
    // The first one after that is at once, and the next in an hour.
    for _ in 0..4 {
        stage.next_child("worker").exit(1);
    }
    master.says("failed more than 3 times in a minute");
    for _ in 0..5 {
        master.says("exited with 1");
    }
    let status = stage.status();
    assert_eq!(status["workers_slow_retry"], true);
    let retry = status["slots"][1]["retry_in_seconds"].as_f64().unwrap();
    assert!(retry > 1000.0, "{status:#}");
    let restart = stage.begin(&["restart", "worker.0"]);
    let next = stage.next_child("worker");
    next.up();
    let (code, said) = restart.finish();
    assert_eq!(code, 0, "{said}");
}

#[test]
fn an_agent_that_dies_again_and_again_is_started_until_it_lives() {
    let (stage, _master, agent, workers) = up(&Config::patient(1));
    send_signal(agent.pid, KILL);
    for code in [0, 1, 78] {
        stage.next_child("agent").exit(code);
    }
    let next = stage.next_child("agent");
    next.up();
    next.message("egg-ready");
    workers[0].settle();
    assert!(!workers[0].has("drain"));
}

#[test]
fn a_worker_that_is_not_ready_in_time_ends_the_boot() {
    let stage = Stage::new();
    let mut config = Config::patient(1);
    config.worker.more += "start_timeout = \"300ms\"\n";
    stage.write(&config);
    let master = stage.begin(&["start"]);
    stage.next_child("agent").up();
    let (code, said) = master.finish();
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("worker 0 was not ready"), "{said}");
}

#[test]
fn an_agent_that_is_not_ready_in_time_ends_the_boot() {
    let stage = Stage::new();
    let mut config = Config::patient(1);
    config.agent.more += "start_timeout = \"300ms\"\n";
    stage.write(&config);
    let (code, said) = stage.begin(&["start"]).finish();
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("agent was not ready"), "{said}");
    assert!(!stage.has_newborn("worker"));
}

#[test]
fn a_replacement_that_is_not_ready_in_time_is_ended_and_tried_again() {
    let mut config = Config::patient(1);
    // Long enough for those that are to come up.
    config.worker.more += "start_timeout = \"8s\"\n";
    let (stage, master, _agent, workers) = up(&config);
    send_signal(workers[0].pid, KILL);
    let late = stage.next_child("worker");
    late.join();
    master.says("was not ready");
    late.event("drain");
    // It says so after all: too late to stay, and perhaps in time to finish what it took.
    late.order(json!({ "do": "ready" }));
    let next = stage.next_child("worker");
    next.up();
    next.message("egg-ready");
    late.exit(0);
    late.event("gone");
}

#[test]
fn a_program_that_is_removed_or_not_executable_is_tried_again_until_it_is_there() {
    let stage = Stage::new();
    let program = stage.path("program");
    let link = |to: &str| {
        let new = stage.path("new");
        symlink(to, &new).unwrap();
        std::fs::rename(new, &program).unwrap();
    };
    link(CHILD);
    let mut config = Config::patient(1);
    config.worker = config.worker.command(&["./program"]);
    let (master, _agent, mut workers) = stage.up_with(&config);
    for wrong in ["/no/such/program", "henhouse.toml", "."] {
        link(wrong);
        send_signal(workers[0].pid, KILL);
        for _ in 0..3 {
            master.says("cannot be started");
        }
        assert_eq!(stage.status()["workers_ready"], 0);
        link(CHILD);
        workers[0] = stage.next_child("worker");
        workers[0].up();
        workers[0].message("egg-ready");
    }
}

#[test]
fn a_stopped_worker_can_be_replaced_and_does_not_stay() {
    let (stage, _master, _agent, workers) = up(&Config::strict(1));
    send_signal(workers[0].pid, STOP);
    let restart = stage.begin(&["restart", "worker.0"]);
    stage.next_child("worker").up();
    assert_eq!(restart.finish().0, 0);
    // It takes no TERM, and KILL ends it in any case.
    workers[0].event("gone");
}

#[test]
fn a_master_that_was_stopped_for_a_while_blames_nobody() {
    let (stage, master, agent, workers) = up(&Config::patient(2));
    master.signal(STOP);
    send_signal(workers[0].pid, KILL);
    workers[0].event("gone");
    master.signal(CONT);
    let next = stage.next_child("worker");
    assert_eq!(next.index, 0);
    next.up();
    next.message("egg-ready");
    agent.settle();
    workers[1].settle();
    assert!(!agent.has("drain") && !workers[1].has("drain"));
}

#[track_caller]
fn check_drain(language: &str) {
    let Some(worker) = section(language) else {
        return;
    };
    let (_stage, mut master, agent, workers) = up(&with(Config::strict(2), worker));
    workers[0].ignore(TERM);
    master.signal(TERM);
    workers[0].event("drain");
    workers[1].event("drain");
    workers[1].exit(0);
    workers[0].event("signal");
    workers[0].event("gone");
    agent.exit(0);
    assert_eq!(master.wait(), 6);
}

#[test]
fn one_that_does_not_finish_in_time_is_killed_in_python() {
    check_drain("python3");
}

#[test]
fn one_that_does_not_finish_in_time_is_killed_in_node() {
    check_drain("node");
}

#[test]
fn a_program_behind_a_shell_is_the_worker_all_the_same() {
    // Behind `sh` the program is not the child itself, and its token is bound to it.
    let stage = Stage::new();
    let mut config = Config::patient(1);
    config.worker = config
        .worker
        .command(&["/bin/sh", "-c", "\"$HENHOUSE_TEST_CHILD\"; exit $?"])
        .env("HENHOUSE_TEST_CHILD", CHILD);
    let (_master, _agent, workers) = stage.up_with(&config);
    workers[0].exit(7);
    let next = stage.next_child("worker");
    let last_end = stage.status()["slots"][1]["last_end"].to_string();
    assert!(last_end.contains("exited with 7"), "{last_end}");
    next.up();
    // The whole group is meant by a signal, the shell and what it started.
    let mut restart = stage.begin(&["restart", "worker.0"]);
    let last = stage.next_child("worker");
    last.up();
    next.event("drain");
    next.exit(0);
    assert_eq!(restart.wait(), 0);
}
