//! A program under test: what it says, and how it ends.

use std::io::{BufRead as _, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use super::inbox::{Inbox, PATIENCE};

pub(crate) const TERM: Signal = Signal::TERM;
pub(crate) const INT: Signal = Signal::INT;
pub(crate) const HUP: Signal = Signal::HUP;
pub(crate) const KILL: Signal = Signal::KILL;
pub(crate) const STOP: Signal = Signal::STOP;
pub(crate) const CONT: Signal = Signal::CONT;
pub(crate) const ABRT: Signal = Signal::ABORT;
pub(crate) const SEGV: Signal = Signal::SEGV;
pub(crate) const TTIN: Signal = Signal::TTIN;
pub(crate) const TTOU: Signal = Signal::TTOU;

/// A program that is killed when the test is over.
pub(crate) struct Program {
    child: Child,
    said: Arc<Inbox<Said>>,
}

#[derive(Debug)]
enum Said {
    Line(String),
    /// One of its two outputs has ended.
    End,
}

impl Program {
    pub(crate) fn start(program: &str, arguments: &[&str]) -> Program {
        Program::start_with(program, arguments, &[])
    }

    pub(crate) fn start_with(
        program: &str,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Program {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .envs(environment.iter().copied())
            .stdin(Stdio::null());
        Program::run(command)
    }

    pub(crate) fn run(mut command: Command) -> Program {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = Arc::new(Inbox::new("a program's output"));
        listen(child.stdout.take().unwrap(), &said);
        listen(child.stderr.take().unwrap(), &said);
        Program { child, said }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        send_signal(self.child.id(), signal);
    }

    /// Waits for a line that contains `text`.
    #[track_caller]
    pub(crate) fn says(&self, text: &str) -> String {
        let line = self.said.take(
            text,
            |said| matches!(said, Said::Line(line) if line.contains(text)),
        );
        match line {
            Said::Line(line) => line,
            Said::End => unreachable!("a line was asked for"),
        }
    }

    /// Waits until it, a master, has taken in that this process is ready.
    #[track_caller]
    pub(crate) fn knows_ready(&self, pid: u32) {
        self.says(&format!("is ready (pid {pid},"));
    }

    /// Waits for its end: its exit code, -1 where a signal ended it.
    pub(crate) fn wait(&mut self) -> i32 {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code().unwrap_or(-1);
            }
            assert!(
                start.elapsed() < PATIENCE,
                "it does not end: {:#?}",
                self.said.take_all(|_| true)
            );
            thread::yield_now();
            thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    /// Waits for its end: its exit code, and all that it said and nobody has taken.
    pub(crate) fn finish(mut self) -> (i32, String) {
        let code = self.wait();
        let mut text = String::new();
        for _ in 0..2 {
            self.said
                .take("the end of an output", |said| matches!(said, Said::End));
        }
        for said in self.said.take_all(|_| true) {
            if let Said::Line(line) = said {
                text += &line;
                text += "\n";
            }
        }
        (code, text)
    }

    /// Waits until something listens at `socket`.
    pub(crate) fn until_socket(&self, socket: &Path) {
        let start = Instant::now();
        while std::os::unix::net::UnixStream::connect(socket).is_err() {
            assert!(
                start.elapsed() < PATIENCE,
                "nobody listens: {:#?}",
                self.said.take_all(|_| true)
            );
            thread::sleep(std::time::Duration::from_millis(5));
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if thread::panicking() {
            self.tell();
        }
        // It may have ended long ago.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Program {
    /// What it said that nobody has taken: a test that fails shows it.
    #[expect(
        clippy::print_stderr,
        reason = "that is where a test that fails explains itself"
    )]
    fn tell(&self) {
        for said in self.said.take_all(|_| true) {
            if let Said::Line(line) = said {
                eprintln!("{}: {line}", self.child.id());
            }
        }
    }
}

/// Sends a signal to a process, which may be gone.
pub(crate) fn send_signal(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    let _ = kill_process(pid, signal);
}

/// Whether there is a process with that pid.
pub(crate) fn is_alive(pid: u32) -> bool {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    test_kill_process(pid).is_ok()
}

/// Waits until there is no such process any more, or only its remains, which nobody has taken yet.
#[track_caller]
pub(crate) fn until_gone(pid: u32) {
    let start = Instant::now();
    while runs(pid) {
        assert!(start.elapsed() < PATIENCE, "{pid} is still there");
        thread::sleep(std::time::Duration::from_millis(5));
    }
}

/// Waits until that process is stopped.
#[track_caller]
pub(crate) fn until_stopped(pid: u32) {
    let start = Instant::now();
    while state(pid) != Some('T') {
        assert!(start.elapsed() < PATIENCE, "{pid} is not stopped");
        thread::sleep(std::time::Duration::from_millis(5));
    }
}

/// Whether there is such a process, and more of it than its remains.
pub(crate) fn runs(pid: u32) -> bool {
    state(pid).is_some_and(|state| !['Z', 'X'].contains(&state))
}

/// The letter by which the kernel tells what a process does.
fn state(pid: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before it may contain anything but a closing parenthesis at its end.
    stat.rsplit(") ").next()?.chars().next()
}

fn listen(output: impl Read + Send + 'static, said: &Arc<Inbox<Said>>) {
    let said = Arc::clone(said);
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            said.put(Said::Line(line));
        }
        said.put(Said::End);
    });
}
