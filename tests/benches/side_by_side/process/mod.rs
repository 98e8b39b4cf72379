//! Other processes: started, watched, and ended with whoever started them.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use rustix::thread::{CpuSet, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};

use crate::Trouble;
use crate::client::Report;

/// The core that everybody shares where everybody shares one: not the first, which has the
/// host's interrupts.
pub(crate) const ONE_CORE: &str = "1";

/// Reports of one process that nobody has taken yet.
const REPORTS_MAX: usize = 16;

/// The time in nanoseconds, by the clock that all processes share.
pub(crate) fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec.unsigned_abs() * 1_000_000_000 + now.tv_nsec.unsigned_abs()
}

/// Turns this process into `program`, on one core.
pub(crate) fn become_pinned(cpu: &str, program: &str, arguments: &[&str]) -> Result<(), Trouble> {
    let mut set = CpuSet::new();
    set.set(cpu.parse()?);
    sched_setaffinity(None, &set)?;
    Err(Command::new(program).args(arguments).exec().into())
}

/// A command for `program`, pinned or free.
pub(crate) fn command(program: &Path, pinned: bool) -> io::Result<Command> {
    if !pinned {
        return Ok(Command::new(program));
    }
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["pinned", ONE_CORE]).arg(program);
    Ok(command)
}

/// A command for this program as something else.
pub(crate) fn own_command(word: &str, order: &str, pinned: bool) -> io::Result<Command> {
    let mut command = command(&std::env::current_exe()?, pinned)?;
    command.args([word, order]);
    Ok(command)
}

/// A running process; killed with its children when this is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    input: Option<ChildStdin>,
    reports: Receiver<Report>,
}

impl Running {
    /// Starts `command` in a process group of its own.
    pub(crate) fn start(mut command: Command) -> Result<Running, Trouble> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|error| format!("{}: {error}", command.get_program().display()))?;
        let output = child.stdout.take().ok_or("no standard output")?;
        let (tell, reports) = sync_channel(REPORTS_MAX);
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let Some(report) = line.strip_prefix("@ ") else {
                    // What a client of this program died of; servers say much else.
                    if line.starts_with("client: ") {
                        println!("    {line}");
                    }
                    continue;
                };
                // Nobody listens any more where the process has been given up.
                if serde_json::from_str(report).is_ok_and(|report| tell.send(report).is_err()) {
                    return;
                }
            }
        });
        Ok(Running {
            input: child.stdin.take(),
            child,
            reports,
        })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The word that a client waits for.
    pub(crate) fn go(&mut self) -> io::Result<()> {
        self.input
            .as_mut()
            .map_or(Ok(()), |input| input.write_all(b"go\n"))
    }

    /// The next report.
    pub(crate) fn report(&mut self, within: Duration) -> Result<Report, Trouble> {
        self.reports
            .recv_timeout(within)
            .map_err(|error| match error {
                RecvTimeoutError::Timeout => format!("no report within {within:?}").into(),
                RecvTimeoutError::Disconnected => "a client ended without a report".into(),
            })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(group) = pid {
            // It may have ended by itself.
            let _ = rustix::process::kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

/// Seconds of processor that a process has used, all its threads.
pub(crate) fn cpu_seconds(pid: u32) -> Result<f64, Trouble> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // Behind the name, which may contain anything: state is field 3, utime 14, stime 15.
    let (_, fields) = stat.rsplit_once(')').ok_or("no name in stat")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
    Ok(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
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

/// Counts the system calls of a process by the kernel's own tracepoint, which slows it far less
/// than a debugger would.
#[derive(Debug)]
pub(crate) struct CallCounter(Child);

impl CallCounter {
    /// `None` where this host has no perf, or does not let us.
    pub(crate) fn start(pid: u32) -> Option<CallCounter> {
        let mut child = Command::new("perf")
            .args([
                "stat",
                "-x",
                ",",
                "-e",
                "raw_syscalls:sys_enter",
                "-p",
                &pid.to_string(),
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
