//! Other processes: started, heard, and ended with whoever started them.

mod usage;

use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal};
use rustix::thread::{CpuSet, sched_setaffinity};

pub(crate) use self::usage::{CallCounter, cpu_seconds, cpu_seconds_of, family, resident_bytes};
use crate::Trouble;
use crate::talk::Report;

/// The core that everybody shares where everybody shares one: not the first, which has the
/// host's interrupts.
pub(crate) const ONE_CORE: &str = "1";

/// Reports of one process that nobody has taken yet.
const REPORTS_MAX: usize = 16;

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
    /// Where its children report, if they do.
    desk: Option<Desk>,
}

impl Running {
    /// Starts `command` in a process group of its own. It reports on its standard output.
    pub(crate) fn start(command: Command) -> Result<Running, Trouble> {
        let (tell, reports) = sync_channel(REPORTS_MAX);
        Running::spawn(command, tell, reports, None)
    }

    /// Starts a `command` whose children report, at a socket in `directory` that they find in
    /// `BENCH_DESK`: what a master makes of their standard output is its own affair.
    pub(crate) fn start_master(mut command: Command, directory: &Path) -> Result<Running, Trouble> {
        let (tell, reports) = sync_channel(REPORTS_MAX);
        let desk = Desk::open(directory.join("desk"), tell.clone())?;
        command.env("BENCH_DESK", &desk.socket);
        Running::spawn(command, tell, reports, Some(desk))
    }

    fn spawn(
        mut command: Command,
        tell: SyncSender<Report>,
        reports: Receiver<Report>,
        desk: Option<Desk>,
    ) -> Result<Running, Trouble> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|error| format!("{}: {error}", command.get_program().display()))?;
        let output = child.stdout.take().ok_or("no standard output")?;
        thread::spawn(move || listen(output, &tell));
        Ok(Running {
            input: child.stdin.take(),
            child,
            reports,
            desk,
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
        // A master may have given each child a group of its own.
        for pid in family(self.child.id()) {
            if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
                // It may have ended by itself.
                let _ = rustix::process::kill_process(pid, Signal::KILL);
            }
        }
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // Whoever was born meanwhile.
            let _ = rustix::process::kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
        self.desk.take();
    }
}

/// Where the children of a master report.
#[derive(Debug)]
struct Desk {
    socket: PathBuf,
    closed: Arc<AtomicBool>,
}

impl Desk {
    fn open(socket: PathBuf, tell: SyncSender<Report>) -> Result<Desk, Trouble> {
        let listener = UnixListener::bind(&socket)?;
        let closed = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&closed);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if over.load(Ordering::Acquire) {
                    return;
                }
                let tell = tell.clone();
                thread::spawn(move || listen(stream, &tell));
            }
        });
        Ok(Desk { socket, closed })
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::Release);
        // Its thread looks when somebody comes.
        let _ = UnixStream::connect(&self.socket);
    }
}

/// Passes the reports on among the lines that come.
fn listen(from: impl Read, tell: &SyncSender<Report>) {
    for line in BufReader::new(from).lines().map_while(Result::ok) {
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
}
