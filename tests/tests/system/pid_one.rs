//! The master as process 1, as in a container: it has strangers to bury as well.

use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::stage::{Child, Config, HENHOUSE, PATIENCE, Program, Stage, TERM, send_signal, skip};

/// What makes a namespace in which the next program is process 1.
const UNSHARE: [&str; 4] = ["--pid", "--fork", "--mount-proc", "--kill-child"];

/// A master that is process 1, and how it is called from here.
fn start(stage: &Stage) -> Option<(Program, u32)> {
    let tried = Command::new("unshare").args(UNSHARE).arg("true").output();
    match tried {
        Ok(output) if output.status.success() => {}
        Ok(output) => {
            skip(String::from_utf8_lossy(&output.stderr).trim());
            return None;
        }
        Err(error) => {
            skip(&format!("unshare: {error}"));
            return None;
        }
    }
    let config = stage.write(&Config::patient(1));
    let mut command = Command::new("unshare");
    command.args(UNSHARE).arg(HENHOUSE).args(["start", "-c"]);
    command.arg(config).stdin(Stdio::null());
    let unshare = Program::run(command);
    let start = Instant::now();
    let master = loop {
        if let [(master, _)] = children_of(unshare.pid())[..] {
            break master;
        }
        assert!(start.elapsed() < PATIENCE, "unshare has no child");
        thread::sleep(Duration::from_millis(5));
    };
    Some((unshare, master))
}

/// The children of a process, and the state of each.
fn children_of(parent: u32) -> Vec<(u32, char)> {
    let child = |entry: std::fs::DirEntry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let mut fields = stat.rsplit(") ").next()?.split(' ');
        let state = fields.next()?.chars().next()?;
        (fields.next()?.parse() == Ok(parent)).then_some((pid, state))
    };
    let all = std::fs::read_dir("/proc").unwrap();
    all.flatten().filter_map(child).collect()
}

/// Waits until that process has so many children, none of which is dead.
#[track_caller]
fn until_children(parent: u32, count: usize) {
    let start = Instant::now();
    loop {
        let children = children_of(parent);
        if children.len() == count && children.iter().all(|&(_, state)| state != 'Z') {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "its children: {children:?}");
        thread::sleep(Duration::from_millis(5));
    }
}

fn up(stage: &Stage) -> (Child, Child) {
    let agent = stage.next_child("agent");
    agent.up();
    let worker = stage.next_child("worker");
    worker.up();
    worker.message("egg-ready");
    (agent, worker)
}

#[test]
fn as_process_1_it_buries_the_orphans_of_others_and_ends_in_order_by_term() {
    let stage = Stage::new();
    let Some((mut unshare, master)) = start(&stage) else {
        return;
    };
    let (agent, worker) = up(&stage);
    until_children(master, 2);
    // Its child has a child, and ends before it: that one is the master's then.
    for round in 0..3 {
        let script = format!("(sleep 0.1; echo over > orphan{round}) & exit 0");
        let orphan = json!({ "do": "spawn", "command": ["setsid", "sh", "-c", script] });
        worker.act(orphan).unwrap();
        stage.until_line(&format!("orphan{round}"));
    }
    until_children(master, 2);
    // Two children, and both are its own: it is not confused about who is who.
    worker.settle();
    agent.settle();
    assert_eq!(stage.status()["workers_ready"], 1);
    send_signal(master, TERM);
    worker.event("drain");
    worker.exit(0);
    agent.event("drain");
    agent.exit(0);
    assert_eq!(unshare.wait(), 0);
    assert!(!stage.socket().exists());
}

#[test]
fn as_process_1_it_replaces_the_dead_and_leaves_no_zombie() {
    let stage = Stage::new();
    let Some((_unshare, master)) = start(&stage) else {
        return;
    };
    let (_agent, mut worker) = up(&stage);
    for code in [0, 3, 7] {
        worker.exit(code);
        worker = stage.next_child("worker");
        worker.up();
        worker.message("egg-ready");
        until_children(master, 2);
    }
}

#[test]
fn when_process_1_is_killed_its_whole_house_is_gone() {
    let stage = Stage::new();
    let Some((_unshare, master)) = start(&stage) else {
        return;
    };
    let (agent, worker) = up(&stage);
    send_signal(master, crate::stage::KILL);
    for child in [&agent, &worker] {
        child.event("gone");
    }
}
