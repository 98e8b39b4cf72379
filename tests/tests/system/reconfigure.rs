//! A reload that changes more than the programs: listeners, the agent, what becomes of orphans.

use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::thread;

use serde_json::json;

use crate::load::client::{Client, Outcome};
use crate::stage::{Agency, Child, Config, KILL, Stage, send_signal};

/// The name and the address of a second listener.
fn admin() -> (String, String) {
    ("admin".to_owned(), "unix:admin.sock".to_owned())
}

fn with_admin(workers: u32) -> Config {
    let mut config = Config::patient(workers);
    config.listen_too.push(admin());
    config
}

/// The names of the listeners that a process was given.
fn listeners_of(child: &Child) -> String {
    let bytes = std::fs::read(format!("/proc/{}/environ", child.pid)).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let names = text
        .split('\0')
        .find_map(|one| one.strip_prefix("LISTEN_FDNAMES="));
    names.unwrap_or_default().to_owned()
}

/// Lets the next worker take that one's place.
#[track_caller]
fn replace(stage: &Stage, old: &Child) -> Child {
    let new = stage.next_child("worker");
    assert_eq!(new.index, old.index);
    new.up();
    old.event("drain");
    old.exit(0);
    old.event("gone");
    new
}

#[test]
fn a_listener_that_is_added_is_given_to_the_new_workers() {
    let stage = Stage::new();
    let (_master, _agent, old) = stage.up_with(&Config::patient(2));
    stage.write(&with_admin(2));
    let reload = stage.begin(&["reload"]);
    for worker in &old {
        assert_eq!(listeners_of(worker), "http");
        let new = replace(&stage, worker);
        assert_eq!(listeners_of(&new), "http:admin");
    }
    let (code, said) = reload.finish();
    assert_eq!(code, 0, "{said}");
    assert!(UnixStream::connect(stage.path("admin.sock")).is_ok());
    let listeners = stage.status()["listeners"].clone();
    assert_eq!(listeners[1][0], "admin", "{listeners}");
}

#[test]
fn a_listener_that_is_removed_closes_when_the_last_worker_that_has_it_is_gone() {
    let stage = Stage::new();
    let (_master, _agent, old) = stage.up_with(&with_admin(2));
    stage.write(&Config::patient(2));
    let reload = stage.begin(&["reload"]);
    assert_eq!(listeners_of(&replace(&stage, &old[0])), "http");
    let last = stage.next_child("worker");
    last.up();
    old[1].event("drain");
    let (code, said) = reload.finish();
    assert_eq!(code, 0, "{said}");
    // Who still works may still be spoken to.
    assert!(UnixStream::connect(stage.path("admin.sock")).is_ok());
    old[1].exit(0);
    stage.until_no_file("admin.sock");
    assert!(UnixStream::connect(stage.path("http.sock")).is_ok());
}

#[test]
fn a_listener_that_comes_back_while_an_old_worker_has_it_is_the_same() {
    let stage = Stage::new();
    let (master, _agent, old) = stage.up_with(&with_admin(1));
    stage.write(&Config::patient(1));
    let reload = stage.begin(&["reload"]);
    let without = stage.next_child("worker");
    without.up();
    old[0].event("drain");
    let (code, said) = reload.finish();
    assert_eq!(code, 0, "{said}");
    // The old one takes its time.
    stage.write(&with_admin(1));
    let reload = stage.begin(&["reload"]);
    master.says("reload to generation 3 begins");
    old[0].exit(0);
    let with = replace(&stage, &without);
    assert_eq!(listeners_of(&with), "http:admin");
    let (code, said) = reload.finish();
    assert_eq!(code, 0, "{said}");
    assert!(UnixStream::connect(stage.path("admin.sock")).is_ok());
}

#[test]
fn a_listener_that_cannot_be_bound_fails_the_reload_before_anything_is_touched() {
    let stage = Stage::new();
    let (_master, agent, old) = stage.up_with(&Config::patient(1));
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut config = with_admin(1);
    config.listen_too.push(("api".to_owned(), address.clone()));
    stage.write(&config);
    let (code, said) = stage.command(&["reload"]);
    assert_eq!(code, 1, "{said}");
    let why = format!("cannot listen for `api`: {address} is in use");
    assert!(said.contains(&why), "{said}");
    assert!(!stage.path("admin.sock").exists(), "it is closed again");
    for child in old.iter().chain([&agent]) {
        child.settle();
        assert!(!child.has("drain"));
    }
    assert!(!stage.has_newborn("worker"));
}

#[test]
fn a_reload_that_fails_closes_what_it_opened() {
    let stage = Stage::new();
    let (_master, _agent, old) = stage.up_with(&Config::patient(1));
    let mut config = with_admin(1);
    config.worker = config.worker.command(&["/bin/sh", "-c", "exit 9"]);
    stage.write(&config);
    let (code, said) = stage.command(&["reload"]);
    assert_eq!(code, 1, "{said}");
    stage.until_no_file("admin.sock");
    old[0].settle();
    assert!(!old[0].has("drain"));
}

#[test]
fn who_waits_at_a_listener_that_stays_is_answered_after_the_reload() {
    let stage = Stage::new();
    let (_master, _agent, old) = stage.up_with(&Config::patient(1));
    // Nobody accepts yet.
    let path = stage.path("http.sock");
    let asking = thread::spawn(move || Client::new(&path).close("/"));
    let mut config = with_admin(1);
    // In another order, and so at another descriptor.
    let http = ("http".to_owned(), config.listen.clone());
    config.listen_too = vec![http];
    let (name, address) = admin();
    config.listen = address;
    config.listen_name = name;
    stage.write(&config);
    let reload = stage.begin(&["reload"]);
    let new = replace(&stage, &old[0]);
    assert_eq!(listeners_of(&new), "admin:http");
    let (code, said) = reload.finish();
    assert_eq!(code, 0, "{said}");
    new.act(json!({ "do": "serve" })).unwrap();
    assert_eq!(asking.join().unwrap(), Outcome::Ok);
}

fn without_agent() -> Config {
    let mut config = Config::patient(1);
    config.agency = Agency::Nobody;
    config
}

#[test]
fn an_agent_that_is_added_is_ready_before_the_first_new_worker_starts() {
    let stage = Stage::new();
    let (_master, workers) = stage.up_without_agent(&without_agent());
    let refused = workers[0].confirm("agent", "x", "anybody?").unwrap_err();
    assert!(refused.contains("there is no agent"), "{refused}");
    stage.write(&Config::patient(1));
    let reload = stage.begin(&["reload"]);
    let agent = stage.next_child("agent");
    let receipt = workers[0].confirm("agent", "x", "welcome").unwrap();
    assert_eq!(receipt, json!({ "queued": 0, "held": 1 }));
    assert!(!stage.has_newborn("worker"));
    agent.up();
    assert_eq!(agent.message("x")["text"], "welcome");
    replace(&stage, &workers[0]);
    let (code, said) = reload.finish();
    assert_eq!(code, 0, "{said}");
    // From now on it is kept as any agent is.
    send_signal(agent.pid, KILL);
    let next = stage.next_child("agent");
    assert_eq!(next.generation, 2);
    next.up();
}

#[test]
fn an_agent_that_is_added_and_dies_fails_the_reload_and_is_not_there() {
    let stage = Stage::new();
    let (_master, workers) = stage.up_without_agent(&without_agent());
    stage.write(&Config::patient(1));
    let reload = stage.begin(&["reload"]);
    stage.next_child("agent").exit(9);
    let (code, said) = reload.finish();
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("agent exited with 9"), "{said}");
    let refused = workers[0].confirm("agent", "x", "anybody?").unwrap_err();
    assert!(refused.contains("there is no agent"), "{refused}");
    assert_eq!(stage.status()["slots"].as_array().unwrap().len(), 1);
    assert!(!stage.has_newborn("agent") && !workers[0].has("drain"));
}

#[test]
fn an_agent_that_is_added_goes_again_where_the_canary_fails() {
    let stage = Stage::new();
    let (_master, workers) = stage.up_without_agent(&without_agent());
    stage.write(&Config::patient(1));
    let reload = stage.begin(&["reload"]);
    let agent = stage.next_child("agent");
    agent.up();
    stage.next_child("worker").exit(9);
    let (code, said) = reload.finish();
    assert_eq!(code, 1, "{said}");
    agent.event("drain");
    agent.exit(0);
    let refused = workers[0].confirm("agent", "x", "anybody?").unwrap_err();
    assert!(refused.contains("there is no agent"), "{refused}");
    assert!(!workers[0].has("drain"));
}

#[test]
fn an_agent_that_is_dropped_serves_until_the_last_old_worker_is_gone() {
    let stage = Stage::new();
    let (_master, agent, old) = stage.up_with(&Config::patient(1));
    stage.write(&without_agent());
    let reload = stage.begin(&["reload"]);
    let new = stage.next_child("worker");
    new.up();
    old[0].event("drain");
    let (code, said) = reload.finish();
    assert_eq!(code, 0, "{said}");
    old[0].send("agent", "x", "one more thing").unwrap();
    assert_eq!(agent.message("x")["text"], "one more thing");
    assert!(!agent.has("drain"));
    old[0].exit(0);
    agent.event("drain");
    let refused = new.confirm("agent", "x", "anybody?").unwrap_err();
    assert!(refused.contains("there is no agent"), "{refused}");
    agent.exit(0);
    agent.event("gone");
    new.settle();
    assert!(!stage.has_newborn("agent"));
}

#[test]
fn an_agent_is_as_it_was_where_a_reload_that_replaced_it_fails() {
    let stage = Stage::new();
    let mut config = Config::patient(1);
    let (_master, agent, old) = stage.up_with(&config);
    config.agent = config.agent.env("RELEASE", "2");
    config.worker = config.worker.command(&["/bin/sh", "-c", "exit 9"]);
    stage.write(&config);
    let reload = stage.begin(&["reload"]);
    agent.event("drain");
    agent.exit(0);
    let new = stage.next_child("agent");
    assert_eq!(new.generation, 2);
    new.up();
    let (code, said) = reload.finish();
    assert_eq!(code, 1, "{said}");
    new.event("drain");
    new.exit(0);
    let again = stage.next_child("agent");
    assert_eq!(again.generation, 1);
    again.up();
    old[0].settle();
    assert!(!old[0].has("drain"));
}

#[test]
fn what_becomes_of_orphans_changes_for_those_that_start_then() {
    let stage = Stage::new();
    let mut config = Config::patient(1);
    let (master, agent, old) = stage.up_with(&config);
    config.master += "orphan = \"term\"\n";
    // A program whose first process does not look after its connection, and after TERM.
    config.worker = config.worker.command(&[
        "/bin/sh",
        "-c",
        "trap 'echo told > told; exit 0' TERM; \"$CHILD\" & while :; do sleep 0.01; done",
    ]);
    config.worker = config.worker.env("CHILD", crate::stage::CHILD);
    stage.write(&config);
    let reload = stage.begin(&["reload"]);
    agent.event("drain");
    agent.exit(0);
    stage.next_child("agent").up();
    replace(&stage, &old[0]);
    let (code, said) = reload.finish();
    assert_eq!(code, 0, "{said}");
    master.signal(KILL);
    stage.until_line("told");
}

#[test]
fn another_socket_is_refused_with_the_reason() {
    let stage = Stage::new();
    let (_master, _agent, old) = stage.up_with(&Config::patient(1));
    let file = stage.path("henhouse.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("run/h.sock", "run/other.sock")).unwrap();
    let socket = stage.socket();
    let by_socket = ["reload", "--socket", socket.to_str().unwrap()];
    let (code, said) = crate::stage::Program::start(crate::stage::HENHOUSE, &by_socket).finish();
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("the socket cannot change from"), "{said}");
    assert!(said.contains("needs a new start of the master"), "{said}");
    old[0].settle();
    assert!(!old[0].has("drain"));
}
