//! A whole house: how long it takes to stand, and how many visitors its workers serve.

use std::path::Path;
use std::time::Duration;

use super::{BOOT, CPU_ALL, Figures, PATIENCE, VISITS};
use crate::Trouble;
use crate::client::visitors;
use crate::peer::{House, Peer, Plan, Server, henhouse};
use crate::process::{Running, cpu_seconds_of, family, own_command};
use crate::talk::{Report, now};

/// From its start until the agent and all workers have heard that it is complete.
pub(super) fn boot(workers: usize, peer: Peer) -> Result<Option<Figures>, Trouble> {
    let directory = tempfile::tempdir()?;
    let began = now();
    let mut master = match peer {
        Peer::Node(script) => {
            script
                .start(&Plan::stand(workers), directory.path(), false)?
                .master
        }
        Peer::Server(Server::Henhouse) => of_rust(workers, directory.path())?,
        Peer::Server(_) => return Ok(None),
    };
    all_ready(&mut master, workers)?;
    let milliseconds = (now() - began) as f64 / 1e6;
    Ok(Some(Figures::from([(BOOT, milliseconds)])))
}

/// Visitors of the workers' HTTP server.
pub(super) fn serve(
    workers: usize,
    peer: Peer,
    time: Duration,
) -> Result<Option<Figures>, Trouble> {
    let Peer::Node(script) = peer else {
        return Ok(None);
    };
    let directory = tempfile::tempdir()?;
    let House { mut master, port } =
        script.start(&Plan::stand(workers), directory.path(), false)?;
    all_ready(&mut master, workers)?;
    let order = visitors::Order {
        port,
        seconds: time.as_secs_f64(),
    };
    let order = serde_json::to_string(&order)?;
    // Once to warm up: Node compiles what it runs.
    visit(&order, time)?;
    let house = family(master.pid());
    let before = cpu_seconds_of(&house)?;
    let (visits, seconds) = visit(&order, time)?;
    let cpu = cpu_seconds_of(&house)? - before;
    Ok(Some(Figures::from([
        (VISITS, visits as f64 / seconds),
        (CPU_ALL, cpu / visits as f64 * 1e6),
    ])))
}

fn visit(order: &str, time: Duration) -> Result<(u64, f64), Trouble> {
    let mut visitors = Running::start(own_command("visitors", order, false)?)?;
    match visitors.report(time + PATIENCE)? {
        Report::Visited {
            visits,
            began,
            ended,
        } => Ok((visits, (ended - began) as f64 / 1e9)),
        report => Err(format!("no visits, but {report:?}").into()),
    }
}

fn all_ready(master: &mut Running, workers: usize) -> Result<(), Trouble> {
    for _ in 0..=workers {
        match master.report(PATIENCE)? {
            Report::Ready => {}
            report => return Err(format!("not ready, but {report:?}").into()),
        }
    }
    Ok(())
}

fn of_rust(workers: usize, directory: &Path) -> Result<Running, Trouble> {
    let own = std::env::current_exe()?;
    let child = [own.as_path(), Path::new("member")];
    // Any free port: nobody comes.
    let command = henhouse::master(&child, workers, 0, directory, false)?;
    Running::start_master(command, directory)
}
