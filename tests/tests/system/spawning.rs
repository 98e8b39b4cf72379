//! What the operating system refuses at a start: told with what to do, tried again, and no slot lost.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use rustix::process::{Resource, getrlimit, getuid};

use crate::stage::{CHILD, Child, Config, HENHOUSE, KILL, Program, Stage, send_signal, skip};

/// A user that owns nothing.
const NOBODY: u32 = 65_534;

/// Sets a limit of the master, as its own user, to so much.
fn limit(master: &Program, what: &str, user: u32) {
    let pid = master.pid().to_string();
    let mut command = Command::new("prlimit");
    command.args(["--pid", &pid, what]);
    if user != getuid().as_raw() {
        command.uid(user).gid(user);
    }
    assert!(command.status().unwrap().success());
}

/// What that limit was when this process started, and every other one.
fn before(resource: Resource) -> String {
    let current = getrlimit(resource).current;
    current.map_or("unlimited".to_owned(), |current| current.to_string())
}

/// Kills the worker, and waits until its replacement is refused with those words.
#[track_caller]
fn lose(master: &Program, worker: &Child, why: &str) {
    send_signal(worker.pid, KILL);
    let line = master.says("cannot be started");
    assert!(line.contains(why), "{line}");
    // And it goes on trying.
    master.says("cannot be started");
}

#[track_caller]
fn comes_back(stage: &Stage) {
    let next = stage.next_child("worker");
    assert_eq!(next.index, 0);
    next.up();
    next.message("egg-ready");
}

#[test]
fn a_master_without_descriptors_says_so_and_goes_on_when_it_has_some() {
    let stage = Stage::new();
    let (master, agent, workers) = stage.up_with(&Config::patient(1));
    let user = getuid().as_raw();
    limit(&master, "--nofile=20:", user);
    lose(&master, &workers[0], "raise its limit (ulimit -n");
    limit(
        &master,
        &format!("--nofile={}:", before(Resource::Nofile)),
        user,
    );
    comes_back(&stage);
    agent.settle();
    assert!(!agent.has("drain"));
}

#[test]
fn a_master_that_may_have_no_more_processes_says_so_and_goes_on_when_it_may() {
    let stage = Stage::new();
    let config = stage.write(&Config::patient(1));
    let mut command = Command::new(HENHOUSE);
    let mut user = getuid().as_raw();
    if getuid().is_root() {
        // For root there is no such limit.
        let tried = Command::new(CHILD)
            .uid(NOBODY)
            .stderr(Stdio::null())
            .status();
        if tried.is_err() {
            return skip("another user may not run what this user built");
        }
        give_to_nobody(&stage);
        user = NOBODY;
        command.uid(user).gid(user);
    }
    command
        .args(["start", "-c"])
        .arg(config)
        .stdin(Stdio::null());
    let master = Program::run(command);
    let agent = stage.next_child("agent");
    agent.up();
    let worker = stage.next_child("worker");
    worker.up();
    master.says("egg-ready");
    limit(&master, "--nproc=1:", user);
    lose(&master, &worker, "no more processes may run");
    limit(
        &master,
        &format!("--nproc={}:", before(Resource::Nproc)),
        user,
    );
    comes_back(&stage);
    agent.settle();
    assert!(!agent.has("drain"));
}

/// The test's directory, for a master of another user.
fn give_to_nobody(stage: &Stage) {
    for name in [".", "henhouse.toml"] {
        chown(stage.path(name), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    fs::set_permissions(stage.path("control.sock"), Permissions::from_mode(0o777)).unwrap();
}

#[test]
fn an_environment_that_is_too_long_fails_the_reload_and_is_named() {
    let stage = Stage::new();
    let mut config = Config::patient(1);
    let (_master, _agent, workers) = stage.up_with(&config);
    // The kernel takes 128 KiB a piece.
    config.worker = config.worker.env("LONG", &"x".repeat(200_000));
    stage.write(&config);
    let (code, said) = stage.command(&["reload"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("arguments are too long"), "{said}");
    workers[0].settle();
    assert!(!workers[0].has("drain"));
}

/// A house whose worker is a link that can be put elsewhere.
fn linked() -> (Stage, Program, Child, Vec<Child>) {
    let stage = Stage::new();
    link(&stage, CHILD);
    let mut config = Config::patient(1);
    config.worker = config.worker.command(&["./program"]);
    let (master, agent, workers) = stage.up_with(&config);
    (stage, master, agent, workers)
}

fn link(stage: &Stage, to: &str) {
    symlink(to, stage.path("new")).unwrap();
    fs::rename(stage.path("new"), stage.path("program")).unwrap();
}

fn write_program(stage: &Stage, name: &str, bytes: &[u8]) {
    fs::write(stage.path(name), bytes).unwrap();
    fs::set_permissions(stage.path(name), Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_script_whose_interpreter_is_not_there_says_that_it_is_the_interpreter() {
    let (stage, master, _agent, workers) = linked();
    write_program(&stage, "script", b"#!/no/such/interpreter\n");
    link(&stage, "script");
    lose(&master, &workers[0], "the interpreter that it names");
    link(&stage, CHILD);
    comes_back(&stage);
}

#[test]
fn a_program_of_another_machine_costs_no_slot() {
    let (stage, master, _agent, workers) = linked();
    write_program(
        &stage,
        "foreign",
        b"\x7fELF\x02\x01\x01 of another machine\n",
    );
    link(&stage, "foreign");
    send_signal(workers[0].pid, KILL);
    // Where the kernel does not know it, it is taken for a script of the shell, as execvp does.
    for _ in 0..3 {
        master.says("before it was ready");
    }
    link(&stage, CHILD);
    comes_back(&stage);
}

#[test]
fn a_directory_that_is_gone_is_told_from_a_program_that_is() {
    let stage = Stage::new();
    fs::create_dir(stage.path("home")).unwrap();
    let mut config = Config::patient(1);
    config.worker.more += "dir = \"home\"\n";
    let (master, _agent, workers) = stage.up_with(&config);
    fs::remove_dir(stage.path("home")).unwrap();
    lose(&master, &workers[0], "cannot enter its directory");
    fs::create_dir(stage.path("home")).unwrap();
    comes_back(&stage);
}
