//! Exit 4: no worker for longer than anybody should wait.

use crate::stage::{CHILD, Config, KILL, Stage, send_signal};

/// What `give_up_after` may be at the least is 40 s with this start timeout. It waits beside the
/// other tests, and costs them nothing but its place.
#[test]
fn a_master_without_a_worker_for_too_long_ends_with_4() {
    let stage = Stage::new();
    stage.deploy("worker.sh", "exec \"$HENHOUSE_TEST_CHILD\"\n");
    let mut config = Config::patient(2);
    let more = "start_timeout = \"10s\"\n";
    config.worker = config
        .worker
        .command(&["/bin/sh", "worker.sh"])
        .env("HENHOUSE_TEST_CHILD", CHILD);
    config.worker.more += more;
    config.master = config
        .master
        .replace("give_up_after = \"0s\"", "give_up_after = \"40001ms\"");
    let (mut master, agent, workers) = stage.up_with(&config);
    stage.deploy("worker.sh", "exit 9\n");
    for worker in &workers {
        send_signal(worker.pid, KILL);
    }
    master.says("no worker has been ready for give_up_after");
    agent.event("drain");
    agent.exit(0);
    assert_eq!(master.wait(), 4);
    assert!(!stage.socket().exists());
}
