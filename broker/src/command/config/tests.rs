//! What a config file means, and what is refused.

use std::{fs, path::PathBuf, time::Duration};

use super::{effective, load};
use crate::master::{Address, Plan};

/// A file in a directory of its own.
struct Written {
    directory: tempfile::TempDir,
    file: PathBuf,
}

fn write(text: &str) -> Written {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("henhouse.toml");
    fs::write(&file, text).unwrap();
    Written { directory, file }
}

fn good(text: &str) -> Plan {
    load(&write(text).file).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn refused(text: &str, expected: &str) {
    let error = load(&write(text).file).unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
}

const WORKER: &str = "[worker]\ncommand = [\"sh\"]\n";

#[test]
fn a_worker_is_all_that_is_needed() {
    let plan = good(WORKER);
    assert!(plan.agent.is_none());
    assert!(plan.workers >= 1);
    assert_eq!(plan.worker.rules.drain_timeout, Duration::from_secs(10));
    assert_eq!(plan.give_up_after, Some(Duration::from_secs(300)));
    assert!(plan.socket.is_absolute());
}

#[test]
fn paths_are_relative_to_the_file() {
    let written = write(
        "master = { socket = \"run/x.sock\" }\n\
         [[listen]]\nname = \"web\"\naddress = \"unix:web.sock\"\n\
         [worker]\ncommand = [\"./worker\"]\n",
    );
    let directory = written.directory.path();
    fs::copy("/bin/sh", directory.join("worker")).unwrap();
    let plan = load(&written.file).unwrap();
    assert_eq!(plan.socket, directory.join("run/x.sock"));
    assert_eq!(
        plan.listen[0].address,
        Address::Unix(directory.join("web.sock"))
    );
    let real = directory.canonicalize().unwrap();
    assert_eq!(plan.worker.program.command, real.join("worker"));
    assert_eq!(plan.worker.program.directory, real);
}

#[test]
fn an_unknown_key_is_refused_with_a_suggestion() {
    refused(&format!("{WORKER}cuont = 4\n"), "did you mean `count`?");
    refused(
        &format!("{WORKER}drain_timout = \"1s\"\n"),
        "did you mean `drain_timeout`?",
    );
    refused("[wroker]\ncommand = [\"sh\"]\n", "did you mean `worker`?");
    refused(
        &format!("{WORKER}colour = \"red\"\n"),
        "unknown field `colour`",
    );
}

#[test]
fn a_time_has_a_unit() {
    refused(
        &format!("{WORKER}drain_timeout = 10\n"),
        "invalid type: integer",
    );
    refused(
        &format!("{WORKER}drain_timeout = \"10\"\n"),
        "write it as \"10s\"",
    );
    let plan = good(&format!(
        "{WORKER}drain_timeout = \"1m 500ms\"\n[master]\nshutdown_timeout = \"2m\"\n"
    ));
    assert_eq!(
        plan.worker.rules.drain_timeout,
        Duration::from_millis(60_500)
    );
}

#[test]
fn what_cannot_work_is_refused() {
    refused("[worker]\ncommand = []\n", "[worker]: command is empty");
    refused(
        "[worker]\ncommand = [\"no-such\"]\n",
        "in [worker]: no-such: not found in PATH",
    );
    refused(
        &format!("{WORKER}[agent]\ncommand = [\"sh\"]\ncount = 2\n"),
        "there is one agent",
    );
    refused(
        &format!("{WORKER}drain_timeout = \"30s\"\n"),
        "shutdown_timeout is 25s",
    );
    refused(
        &format!("{WORKER}[master]\ngive_up_after = \"60s\"\n"),
        "give_up_after must be more than the workers' start_timeout",
    );
    refused(
        &format!(
            "{WORKER}[[listen]]\nname = \"a\"\naddress = \"127.0.0.1:1\"\nmode = \"handoff\"\n"
        ),
        "not built yet",
    );
    refused(
        &format!("{WORKER}[master]\nsocket = \"{}\"\n", "x".repeat(200)),
        "too long",
    );
}

#[test]
fn zero_means_never_where_that_makes_sense() {
    let plan = good(&format!(
        "{WORKER}watchdog = \"0s\"\n[master]\ngive_up_after = \"0s\"\n"
    ));
    assert_eq!(
        (plan.give_up_after, plan.worker.rules.watchdog),
        (None, None)
    );
}

#[test]
fn what_check_prints_is_itself_a_config_file_that_means_the_same() {
    let written = write(
        "[master]\nsocket = \"x.sock\"\norphan = \"term\"\n\
         [[listen]]\nname = \"http\"\naddress = \"127.0.0.1:0\"\n\
         [agent]\ncommand = [\"sh\", \"-c\", \"exit\"]\n\
         [worker]\ncommand = [\"sh\"]\ncount = 3\nenv = { A = \"b\" }\nintensity = 7\nage_max = \"1h\"\n\
         [reload]\nmin_ready_for = \"1s\"\n",
    );
    let plan = load(&written.file).unwrap();
    let again = good(&effective(&plan));
    let agent = |plan: &Plan| plan.agent.as_ref().map(|agent| agent.program.clone());
    assert_eq!(agent(&again), agent(&plan));
    assert_eq!(again.worker, plan.worker);
    assert_eq!((again.socket, again.listen), (plan.socket, plan.listen));
    assert_eq!(
        (again.workers, again.min_ready_for),
        (plan.workers, plan.min_ready_for)
    );
    assert_eq!(again.orphan, plan.orphan);
}

/// The file that documents the keys names each of them, and none that does not exist.
#[test]
fn the_documentation_names_exactly_the_keys_that_exist() {
    let documented: Vec<&str> = include_str!("../../../CONFIG.md")
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect();
    let source = include_str!("file.rs");
    let fields: Vec<&str> = source
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub(super) ")?.split_once(": "))
        .map(|(name, _)| name)
        .filter(|name| !name.contains(' '))
        .filter(|name| !["master", "listen", "agent", "worker", "reload"].contains(name))
        .collect();
    for field in &fields {
        assert!(documented.contains(field), "{field} is not documented");
    }
    for key in &documented {
        assert!(fields.contains(key), "{key} does not exist");
    }
}

#[test]
fn a_value_of_the_wrong_kind_is_told_with_the_right_one() {
    refused(
        "[worker]\ncommand = \"node worker.js\"\n",
        "expected a list of the program and its arguments",
    );
    refused(
        "[worker]\ncommand = [\"sh\"]\ndrain_timeout = 10\n",
        "expected a time with its unit, such as \"10s\"",
    );
    refused("[agent]\ncommand = [\"sh\"]\n", "a [worker] section");
}
