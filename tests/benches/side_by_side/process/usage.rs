//! What processes use: processor, memory, system calls.

use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::Trouble;

/// Seconds of processor that a process has used, all its threads.
pub(crate) fn cpu_seconds(pid: u32) -> Result<f64, Trouble> {
    // utime is field 14, stime 15: of all threads there ever were, but in ticks of 10 ms, and a
    // client of many may have used less.
    let fields = stat(pid)?;
    let ticks: u64 = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
    let ticked = ticks as f64 / rustix::param::clock_ticks_per_second() as f64;
    Ok(ticked.max(cpu_seconds_of_threads(pid)))
}

/// In nanoseconds, of those threads that are there.
fn cpu_seconds_of_threads(pid: u32) -> f64 {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task"));
    let nanoseconds: f64 = threads
        .into_iter()
        .flatten()
        .filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok())
        .filter_map(|text| text.split(' ').next()?.parse::<f64>().ok())
        .sum();
    nanoseconds / 1e9
}

/// The same of several.
pub(crate) fn cpu_seconds_of(pids: &[u32]) -> Result<f64, Trouble> {
    pids.iter().map(|pid| cpu_seconds(*pid)).sum()
}

/// Memory of a process that is in use, in bytes.
pub(crate) fn resident_bytes(pid: u32) -> Result<f64, Trouble> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .ok_or("no VmRSS")?;
    let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib * 1024.0)
}

/// A process with all its descendants.
pub(crate) fn family(pid: u32) -> Vec<u32> {
    let all: Vec<(u32, u32)> = std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid| Some((pid, parent(pid)?)))
        .collect();
    let mut family = vec![pid];
    let mut next = 0;
    while let Some(member) = family.get(next).copied() {
        family.extend(
            all.iter()
                .filter(|(_, of)| *of == member)
                .map(|(pid, _)| pid),
        );
        next += 1;
    }
    family
}

fn parent(pid: u32) -> Option<u32> {
    stat(pid).ok()?.get(1)?.parse().ok()
}

/// What the kernel says of a process behind its name, which may contain anything: the first is
/// field 3.
fn stat(pid: u32) -> Result<Vec<String>, Trouble> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').ok_or("no name in stat")?;
    Ok(fields.split_whitespace().map(str::to_owned).collect())
}

/// Counts the system calls of some processes by the kernel's own tracepoint, which slows it far less
/// than a debugger would.
#[derive(Debug)]
pub(crate) struct CallCounter(Child);

impl CallCounter {
    /// `None` where this host has no perf, or does not let us.
    pub(crate) fn start(pids: &[u32]) -> Option<CallCounter> {
        let pids: Vec<String> = pids.iter().map(u32::to_string).collect();
        let mut child = Command::new("perf")
            .args([
                "stat",
                "-x",
                ",",
                "-e",
                "raw_syscalls:sys_enter",
                "-p",
                &pids.join(","),
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .ok()?;
        let settle = Instant::now() + Duration::from_millis(300);
        while Instant::now() < settle {
            if child.try_wait().ok()?.is_some() {
                return None;
            }
            thread::sleep(Duration::from_millis(20));
        }
        Some(CallCounter(child))
    }

    /// How many there were.
    pub(crate) fn stop(self) -> Option<f64> {
        let pid = Pid::from_raw(i32::try_from(self.0.id()).ok()?)?;
        kill_process(pid, Signal::INT).ok()?;
        let output = self.0.wait_with_output().ok()?;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        text.lines()
            .find_map(|line| line.split(',').next()?.parse().ok())
    }
}
