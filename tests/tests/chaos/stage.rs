//! A broker of its own and members for one test.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_henhouse-chaos");

/// A process that is told lines and says lines.
pub(crate) struct Process {
    pub(crate) child: Child,
    told: ChildStdin,
    said: BufReader<ChildStdout>,
}

impl Process {
    pub(crate) fn start(arguments: &[&str]) -> Process {
        Process::spawn(Command::new(PROGRAM).args(arguments))
    }

    fn spawn(command: &mut Command) -> Process {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let told = child.stdin.take().unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        Process { child, told, said }
    }

    /// Tells it a line, which it may not live to read.
    pub(crate) fn tell(&mut self, line: &str) {
        let _ = writeln!(self.told, "{line}");
    }

    /// The next line that it says.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, signal);
    }

    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

pub(crate) struct Stage {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) broker: Process,
}

impl Stage {
    pub(crate) fn new(outbox_bytes_max: usize, waiting_bytes_max: usize) -> Stage {
        Stage::start(outbox_bytes_max, waiting_bytes_max, "usual")
    }

    /// A stage whose broker wants tokens: `agent` and `worker`.
    pub(crate) fn with_tokens(outbox_bytes_max: usize, waiting_bytes_max: usize) -> Stage {
        Stage::start(outbox_bytes_max, waiting_bytes_max, "tokens")
    }

    /// A stage whose broker cuts nobody for taking nothing: on a loaded core it may be just slow.
    pub(crate) fn lenient(outbox_bytes_max: usize, waiting_bytes_max: usize) -> Stage {
        Stage::start(outbox_bytes_max, waiting_bytes_max, "lenient")
    }

    /// A stage whose broker lets messages wait, too, for one that takes nothing.
    pub(crate) fn patient(outbox_bytes_max: usize, waiting_bytes_max: usize) -> Stage {
        Stage::start(outbox_bytes_max, waiting_bytes_max, "patient")
    }

    fn start(outbox_bytes_max: usize, waiting_bytes_max: usize, manner: &str) -> Stage {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("h.sock");
        let (outbox, waiting) = (outbox_bytes_max.to_string(), waiting_bytes_max.to_string());
        let socket = socket.to_str().unwrap();
        let mut broker = Process::start(&["broker", socket, &outbox, &waiting, manner]);
        assert_eq!(broker.line(), "listening");
        Stage { directory, broker }
    }

    /// A stage whose broker may have so many descriptors.
    pub(crate) fn with_descriptors(count: usize) -> Stage {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("h.sock");
        let command = format!(
            "ulimit -n {count}; exec {PROGRAM} broker {} 1000000 8000000 usual",
            socket.display()
        );
        let mut broker = Process::spawn(Command::new("sh").args(["-c", &command]));
        assert_eq!(broker.line(), "listening");
        Stage { directory, broker }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.path("h.sock")
    }

    pub(crate) fn status(&mut self) -> Value {
        self.broker.tell("status");
        serde_json::from_str(&self.broker.line()).unwrap()
    }

    /// Asks for the status until it is as wanted.
    pub(crate) fn wait_for(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..6_000 {
            let status = self.status();
            if wanted(&status) {
                return status;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("the broker stays at {}", self.status());
    }

    /// The most memory that the broker ever had, in bytes.
    pub(crate) fn memory_bytes_max(&self) -> usize {
        let status = format!("/proc/{}/status", self.broker.child.id());
        let status = std::fs::read_to_string(status).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmHWM:"))
            .unwrap();
        line.split_whitespace()
            .nth(1)
            .unwrap()
            .parse::<usize>()
            .unwrap()
            << 10
    }

    pub(crate) fn descriptors(&self) -> usize {
        let directory = format!("/proc/{}/fd", self.broker.child.id());
        std::fs::read_dir(directory).unwrap().count()
    }

    /// Waits until the broker has as many descriptors as at its start.
    pub(crate) fn wait_for_descriptors(&self, count: usize) {
        for _ in 0..1_000 {
            if self.descriptors() == count {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!(
            "{} descriptors are open, and there were {count}",
            self.descriptors()
        );
    }
}
