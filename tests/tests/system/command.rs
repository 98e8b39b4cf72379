//! What the command says and the code it exits with.

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::stage::{Config, HENHOUSE, KILL, PATIENCE, Program, Stage};

#[test]
fn check_prints_what_holds_and_exits_with_0() {
    let stage = Stage::new();
    stage.write(&Config::patient(3));
    let (code, said) = stage.command(&["check"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("drain_timeout"), "{said}");
    assert!(!stage.socket().exists(), "it starts nothing");
}

#[track_caller]
fn check_refused(change: impl Fn(&mut Config), why: &str) {
    let stage = Stage::new();
    let mut config = Config::patient(1);
    change(&mut config);
    stage.write(&config);
    for verb in ["check", "start"] {
        let (code, said) = stage.command(&[verb]);
        assert_eq!(code, 78, "{verb}: {said}");
        assert!(said.contains(why), "{verb}: {said}");
        assert!(said.contains("henhouse.toml"), "{verb}: {said}");
    }
    assert!(!stage.has_newborn("agent"));
}

#[test]
fn an_unknown_key_is_refused_with_a_suggestion() {
    check_refused(
        |config| config.worker.more += "drain_timeouts = \"1s\"\n",
        "did you mean `drain_timeout`?",
    );
    check_refused(
        |config| config.master += "socet = \"x\"\n",
        "did you mean `socket`?",
    );
}

#[test]
fn a_shutdown_whose_parts_do_not_fit_is_refused() {
    check_refused(
        |config| config.master = "shutdown_timeout = \"2s\"\n".to_owned(),
        "shutdown_timeout is 2s",
    );
}

#[test]
fn a_program_that_is_not_there_is_refused() {
    check_refused(
        |config| config.agent.command = vec!["./no-such-agent".to_owned()],
        "no-such-agent",
    );
}

#[test]
fn a_number_without_a_unit_is_refused() {
    check_refused(
        |config| config.worker.more += "start_timeout = \"10\"\n",
        "write it as",
    );
}

#[test]
fn a_config_file_that_is_not_there_is_refused() {
    let stage = Stage::new();
    let (code, said) = stage.command(&["start"]);
    assert_eq!(code, 78, "{said}");
}

#[test]
fn status_tells_who_runs() {
    let stage = Stage::new();
    let (master, agent, workers) = stage.up_with(&Config::patient(2));
    let (code, said) = stage.command(&["status"]);
    assert_eq!(code, 0, "{said}");
    let house = said.lines().next().unwrap();
    assert!(house.contains("2 of 2 workers ready"), "{said}");
    for child in workers.iter().chain([&agent]) {
        assert!(said.contains(&child.pid.to_string()), "{said}");
    }
    let status = stage.status();
    assert_eq!(status["pid"], master.pid());
    assert_eq!(status["stage"], "serving");
    assert_eq!(status["slots"][0]["role"], "agent");
    assert_eq!(status["slots"][0]["processes"][0]["pid"], agent.pid);
    let worker = &status["slots"][2];
    assert_eq!(worker["index"], 1);
    assert_eq!(worker["processes"][0]["pid"], workers[1].pid);
    assert_eq!(worker["processes"][0]["state"], "ready");
    assert_eq!(worker["restarts"], 0);
}

#[test]
fn status_without_a_master_fails() {
    let stage = Stage::new();
    stage.write(&Config::patient(1));
    for verb in [&["status"][..], &["reload"], &["scale", "2"], &["logs"]] {
        let (code, said) = stage.command(verb);
        assert_eq!(code, 1, "{said}");
        assert!(said.contains("no master is running"), "{said}");
    }
}

#[test]
fn steering_while_it_boots_is_refused_and_says_why() {
    let stage = Stage::new();
    stage.write(&Config::patient(1));
    let _master = stage.begin(&["start"]);
    let _agent = stage.next_child("agent");
    for verb in [&["reload"][..], &["scale", "2"], &["restart", "agent"]] {
        let (code, said) = stage.command(verb);
        assert_eq!(code, 1, "{said}");
        assert!(said.contains("starting"), "{said}");
    }
    assert_eq!(stage.status()["stage"], "starting");
}

#[test]
fn logs_show_the_last_lines_of_one_or_all() {
    let stage = Stage::new();
    let (master, agent, workers) = stage.up_with(&Config::patient(2));
    for (child, text) in [
        (&agent, "one"),
        (&workers[0], "two"),
        (&workers[1], "three"),
    ] {
        child
            .act(serde_json::json!({ "do": "say", "text": text }))
            .unwrap();
        master.says(text);
    }
    let logs = |whose: &[&str]| {
        let (code, said) = stage.command(&[&["logs"], whose].concat());
        assert_eq!(code, 0, "{said}");
        said.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(logs(&["agent"]), ["[agent] one"]);
    assert_eq!(logs(&["worker.1"]), ["[worker 1] three"]);
    assert_eq!(
        logs(&["--lines", "2"]),
        ["[worker 0] two", "[worker 1] three"]
    );
}

#[test]
fn bench_measures_this_host_and_leaves_nothing_behind() {
    let temporary = tempfile::tempdir().unwrap();
    let mut command = Command::new(HENHOUSE);
    command
        .args(["bench", "--seconds", "0.1", "--json"])
        .env("TMPDIR", temporary.path());
    let (code, said) = Program::run(command).finish();
    assert_eq!(code, 0, "{said}");
    let figures: Value = serde_json::from_str(&said).unwrap();
    for (flood, receivers, payload) in [(0, 1, 128), (1, 1, 16384), (2, 8, 128)] {
        let flood = &figures["floods"][flood];
        assert_eq!(flood["receivers"], receivers, "{said}");
        assert_eq!(flood["payload_bytes"], payload, "{said}");
        assert!(flood["deliveries"].as_u64().unwrap() > 0, "{said}");
        assert!(
            flood["deliveries_per_second"].as_f64().unwrap() > 0.0,
            "{said}"
        );
    }
    let (ping, idle) = (&figures["ping"], &figures["idle"]);
    assert!(ping["round_trips"].as_u64().unwrap() >= 1000, "{said}");
    assert!(
        ping["p50_us"].as_f64() <= ping["p999_us"].as_f64(),
        "{said}"
    );
    assert_eq!(idle["connections"], 500, "{said}");
    assert!(idle["kib_each"].as_f64().unwrap() > 0.0, "{said}");
    let left: Vec<_> = std::fs::read_dir(temporary.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn bench_that_is_killed_leaves_nothing_behind_either() {
    let temporary = tempfile::tempdir().unwrap();
    let mut command = Command::new(HENHOUSE);
    command
        .args(["bench", "--seconds", "600"])
        .env("TMPDIR", temporary.path());
    let mut bench = Program::run(command);
    let entries = || std::fs::read_dir(temporary.path()).unwrap().count();
    until("its broker has a directory", || entries() > 0);
    bench.signal(KILL);
    bench.wait();
    until("its broker has cleared up", || entries() == 0);
}

#[track_caller]
fn until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "{what}: not yet");
        thread::sleep(Duration::from_millis(5));
    }
}
