//! A reload: the replacement first, one at a time, and what is old stays where the new fails.

use serde_json::json;

use crate::stage::{Child, Config, HUP, KILL, Program, Stage, is_alive, send_signal};

const GOOD: &str = "exec \"$HENHOUSE_TEST_CHILD\"\n";
const BROKEN: &str = "echo 'there is no module called prices' >&2\nexit 9\n";

/// A house whose workers run a script that can be deployed anew.
fn deployed(workers: u32) -> Config {
    let mut config = Config::patient(workers);
    config.worker = config
        .worker
        .command(&["/bin/sh", "worker.sh"])
        .env("HENHOUSE_TEST_CHILD", crate::stage::CHILD);
    config
}

fn up(workers: u32) -> (Stage, Program, Child, Vec<Child>) {
    let stage = Stage::new();
    stage.deploy("worker.sh", GOOD);
    let (master, agent, workers) = stage.up_with(&deployed(workers));
    (stage, master, agent, workers)
}

/// Plays a reload to its good end: each worker in turn.
#[track_caller]
fn replace_all(stage: &Stage, old: &[Child]) -> Vec<Child> {
    let replace = |old: &Child| {
        let new = stage.next_child("worker");
        assert_eq!(new.index, old.index);
        assert!(!stage.has_newborn("worker"), "one at a time");
        new.join();
        old.settle();
        assert!(!old.has("drain"), "the new one is not ready");
        new.on("x");
        new.ready();
        old.event("drain");
        old.exit(0);
        new
    };
    old.iter().map(replace).collect()
}

#[test]
fn one_worker_at_a_time_is_replaced_and_the_old_one_drains_when_the_new_one_is_ready() {
    let (stage, _master, agent, old) = up(3);
    let reload = stage.begin(&["reload"]);
    let new = replace_all(&stage, &old);
    let (code, said) = reload.finish();
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("worker 0 replaced (1 of 3)"), "{said}");
    assert!(said.contains("3 workers replaced"), "{said}");
    assert!(new.iter().all(|worker| worker.generation == 2));
    for worker in &new {
        worker.message("egg-ready");
    }
    assert!(is_alive(agent.pid), "the agent's section did not change");
    agent.settle();
    assert!(!agent.has("drain"));
    assert_eq!(stage.status()["generation"], 2);
}

#[test]
fn a_broken_deploy_is_told_with_its_last_lines_and_the_old_ones_go_on() {
    let (stage, _master, agent, old) = up(2);
    stage.deploy("worker.sh", BROKEN);
    let (code, said) = stage.command(&["reload"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("exited with 9"), "{said}");
    assert!(said.contains("there is no module called prices"), "{said}");
    for worker in &old {
        agent.send(worker.pid, "x", "you there?").unwrap();
        worker.message("x");
        assert!(!worker.has("drain"));
    }
    assert_eq!(stage.status()["generation"], 1);
}

#[test]
fn after_a_broken_deploy_a_killed_worker_comes_back_when_the_program_is_mended() {
    let (stage, master, _agent, old) = up(2);
    stage.deploy("worker.sh", BROKEN);
    assert_eq!(stage.command(&["reload"]).0, 1);
    send_signal(old[1].pid, KILL);
    for _ in 0..3 {
        master.says("worker 1] there is no module called prices");
    }
    stage.deploy("worker.sh", GOOD);
    let next = stage.next_child("worker");
    assert_eq!((next.index, next.generation), (1, 1));
    next.up();
    next.message("egg-ready");
    assert!(is_alive(old[0].pid));
}

#[test]
fn hup_reloads_too() {
    let (stage, master, _agent, old) = up(2);
    master.signal(HUP);
    replace_all(&stage, &old);
    master.says("reload done: 2 workers replaced");
}

#[test]
fn a_reload_by_hup_that_fails_is_logged_and_the_old_ones_go_on() {
    let (stage, master, _agent, old) = up(1);
    stage.deploy("worker.sh", BROKEN);
    master.signal(HUP);
    let line = master.says("reload failed");
    assert!(line.contains("exited with 9"), "{line}");
    old[0].settle();
    assert!(!old[0].has("drain"));
}

#[test]
fn a_canary_that_dies_soon_after_it_was_ready_ends_the_reload() {
    let stage = Stage::new();
    let mut config = Config::patient(2);
    config.reload = "min_ready_for = \"1h\"\n".to_owned();
    let (_master, _agent, old) = stage.up_with(&config);
    let reload = stage.begin(&["reload"]);
    let canary = stage.next_child("worker");
    canary.up();
    canary.message("egg-ready");
    canary
        .act(json!({ "do": "say", "text": "the cache is of another version" }))
        .unwrap();
    send_signal(canary.pid, crate::stage::ABRT);
    let (code, said) = reload.finish();
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("killed by SIGABRT"), "{said}");
    assert!(said.contains("the cache is of another version"), "{said}");
    assert!(said.contains("0 of 2 workers were replaced"), "{said}");
    for worker in &old {
        worker.settle();
        assert!(!worker.has("drain"));
    }
    assert!(!stage.has_newborn("worker"));
}

#[test]
fn a_canary_that_never_gets_ready_ends_the_reload() {
    let stage = Stage::new();
    let (_master, _agent, old) = stage.up_with(&Config::strict(1));
    // The new configuration has less patience. Of the old, nobody starts any more.
    let mut config = Config::strict(1);
    config.worker.more += "start_timeout = \"300ms\"\n";
    config
        .worker
        .env
        .push(("RELEASE".to_owned(), "2".to_owned()));
    stage.write(&config);
    // The first reload's rules hold when its canary has proved itself.
    let reload = stage.begin(&["reload"]);
    let second = stage.next_child("worker");
    second.up();
    old[0].event("drain");
    old[0].exit(0);
    assert_eq!(reload.finish().0, 0);
    let reload = stage.begin(&["reload"]);
    let canary = stage.next_child("worker");
    let (code, said) = reload.finish();
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("was not ready"), "{said}");
    canary.event("gone");
    second.settle();
    assert!(!second.has("drain"));
}

#[test]
fn a_canary_that_says_it_fails_ends_the_reload() {
    let (stage, _master, _agent, old) = up(1);
    let reload = stage.begin(&["reload"]);
    let canary = stage.next_child("worker");
    canary.join();
    canary.fail("no licence");
    let (code, said) = reload.finish();
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("no licence"), "{said}");
    canary.exit(1);
    old[0].settle();
    assert!(!old[0].has("drain"));
}

#[test]
fn a_second_reload_waits_for_the_first() {
    let (stage, _master, _agent, old) = up(1);
    let first = stage.begin(&["reload"]);
    let one = stage.next_child("worker");
    let second = stage.begin(&["reload"]);
    second.says("another reload is under way");
    one.up();
    old[0].event("drain");
    old[0].exit(0);
    assert_eq!(first.finish().0, 0);
    let two = stage.next_child("worker");
    assert_eq!(two.generation, 3);
    two.up();
    one.event("drain");
    one.exit(0);
    assert_eq!(second.finish().0, 0);
}

#[test]
fn the_agent_is_replaced_where_its_section_changed_and_where_it_is_asked_for() {
    let stage = Stage::new();
    let mut config = Config::patient(1);
    let (_master, mut agent, mut workers) = stage.up_with(&config);
    for verb in [&["reload"][..], &["reload", "--agent"]] {
        config.agent = config.agent.env("RELEASE", "2");
        if verb.len() == 1 {
            stage.write(&config);
        }
        let reload = stage.begin(verb);
        agent.event("drain");
        let receipt = workers[0].confirm("agent", "x", "meanwhile").unwrap();
        assert_eq!(receipt, json!({ "queued": 0, "held": 1 }));
        assert!(!stage.has_newborn("agent"), "two agents at once");
        agent.exit(0);
        agent = stage.next_child("agent");
        agent.up();
        assert_eq!(agent.message("x")["text"], "meanwhile");
        workers = replace_all(&stage, &workers);
        let (code, said) = reload.finish();
        assert_eq!(code, 0, "{said}");
        assert!(said.contains("agent replaced"), "{said}");
    }
}

#[test]
fn a_new_agent_that_dies_ends_the_reload_and_the_old_program_comes_back() {
    let stage = Stage::new();
    stage.deploy("agent.sh", GOOD);
    let mut config = Config::patient(1);
    config.agent = config
        .agent
        .command(&["/bin/sh", "agent.sh"])
        .env("HENHOUSE_TEST_CHILD", crate::stage::CHILD);
    let (_master, agent, workers) = stage.up_with(&config);
    stage.deploy("new.sh", BROKEN);
    let old_command = std::mem::replace(
        &mut config.agent.command,
        ["/bin/sh", "new.sh"].map(str::to_owned).to_vec(),
    );
    stage.write(&config);
    let reload = stage.begin(&["reload"]);
    agent.event("drain");
    agent.exit(0);
    let (code, said) = reload.finish();
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("there is no module called prices"), "{said}");
    let again = stage.next_child("agent");
    assert_eq!(again.generation, 1, "{old_command:?}");
    again.up();
    again.message("egg-ready");
    workers[0].settle();
    assert!(!workers[0].has("drain"));
}

#[test]
fn a_config_file_that_is_wrong_changes_nothing() {
    let (stage, _master, _agent, old) = up(1);
    let mut config = deployed(1);
    config.worker.more += "drain_timout = \"1s\"\n";
    let path = stage.write(&config);
    let socket = stage.socket();
    let by_socket = ["reload", "--socket", socket.to_str().unwrap()];
    let (code, said) = Program::start(crate::stage::HENHOUSE, &by_socket).finish();
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("did you mean `drain_timeout`?"), "{said}");
    assert!(said.contains(path.to_str().unwrap()), "{said}");
    old[0].settle();
    assert!(!old[0].has("drain"));
}

#[test]
fn the_death_of_an_old_worker_during_a_reload_costs_no_slot() {
    let (stage, _master, _agent, old) = up(2);
    let reload = stage.begin(&["reload"]);
    let new = stage.next_child("worker");
    assert_eq!(new.index, 0);
    // The one that is being replaced, and the one that is not yet.
    send_signal(old[0].pid, KILL);
    old[0].event("gone");
    new.up();
    send_signal(old[1].pid, KILL);
    stage.up_to_generation(1, 2);
    let (code, said) = reload.finish();
    assert_eq!(code, 0, "{said}");
    assert_eq!(stage.status()["workers_ready"], 2);
}

#[test]
fn the_number_of_workers_in_the_file_holds_after_the_reload() {
    let (stage, _master, _agent, old) = up(2);
    stage.write(&deployed(3));
    let reload = stage.begin(&["reload"]);
    replace_all(&stage, &old);
    let third = stage.next_child("worker");
    assert_eq!((third.index, third.generation), (2, 2));
    third.up();
    third.message("egg-ready");
    assert_eq!(reload.finish().0, 0);
}
