//! The processes of a measurement, and what they report.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use henhouse::broker::{Broker, BrokerConfig};
use henhouse_proto::Endpoint;
use rustix::thread::{CpuSet, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};

use crate::Trouble;

/// Nanoseconds, by the clock that all processes share.
pub(crate) fn now() -> u64 {
    nanoseconds(ClockId::Monotonic)
}

/// Nanoseconds of processor that this process has used, all its threads.
pub(crate) fn used() -> u64 {
    nanoseconds(ClockId::ProcessCPUTime)
}

fn nanoseconds(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs()
}

/// Puts this process, and those that it starts, on one core or on all.
pub(crate) fn pin(pinned: bool) -> Result<(), Trouble> {
    let mut set = CpuSet::new();
    // Not the first one, which has the host's interrupts.
    let cores = if pinned { 1..2 } else { 0..CpuSet::MAX_CPU };
    cores.for_each(|core| set.set(core));
    Ok(sched_setaffinity(None, &set)?)
}

/// This program as something else; killed when it is dropped.
pub(crate) struct Process {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Process {
    pub(crate) fn start(words: &[&str]) -> Result<Process, Trouble> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().ok_or("no standard output")?;
        Ok(Process {
            child,
            output: BufReader::new(output),
        })
    }

    /// The next line of numbers that it says.
    pub(crate) fn numbers(&mut self) -> Result<Vec<u64>, Trouble> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        let numbers: Result<_, _> = line.split_whitespace().map(str::parse).collect();
        numbers.map_err(|_| line.trim().into())
    }

    /// Has it end by itself, where it reads its standard input.
    pub(crate) fn end(&mut self) {
        self.child.stdin = None;
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A broker that says when it is there, and at the end what it has used.
pub(crate) fn broker(socket: &str, receivers: &str) -> Result<(), Trouble> {
    let mut config = BrokerConfig::new(Endpoint::new(Path::new(socket))?);
    config.agent = true;
    config.workers = receivers.parse()?;
    let (_handle, _events) = Broker::start(config)?;
    println!("1");
    std::io::stdin().lines().for_each(drop);
    println!("{}", used());
    Ok(())
}
