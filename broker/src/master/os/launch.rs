//! One start of a program.

use std::{
    ffi::{OsStr, OsString},
    io,
    os::{fd::AsRawFd, unix::process::CommandExt},
    process::{Child, Command, Stdio},
    sync::Arc,
};

use rustix::process::Signal;

use super::{
    environment,
    listener::Listener,
    raw::{self, ChildSetup},
};
use crate::master::program::Program;

/// What becomes of a child when the master is killed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Orphan {
    /// The kernel kills it at once.
    #[default]
    Kill,
    /// The kernel sends it TERM: it may finish what it holds.
    Term,
}

impl Orphan {
    fn signal(self) -> Signal {
        match self {
            Self::Kill => Signal::KILL,
            Self::Term => Signal::TERM,
        }
    }
}

/// Everything that one start needs.
#[derive(Debug)]
pub(crate) struct Launch {
    pub(crate) program: Arc<Program>,
    /// What the child is told beside the program's own environment.
    pub(crate) told: Vec<(&'static str, String)>,
    /// Name and socket of each listener, in order.
    pub(crate) listeners: Vec<(String, Arc<Listener>)>,
    pub(crate) orphan: Orphan,
}

impl Launch {
    /// Starts it. Only for the spawner's thread: the child dies with the thread that forked it.
    ///
    /// std does the rest in the child: its own group, standard streams and the default for SIGPIPE,
    /// which Rust programs ignore.
    pub(crate) fn start(self) -> io::Result<Child> {
        let program = &self.program;
        let mut command = Command::new(&program.command);
        command
            .args(&program.arguments)
            .current_dir(&program.directory)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let setup = ChildSetup {
            death_signal: self.orphan.signal(),
            parent: rustix::process::getpid(),
            listeners: self
                .listeners
                .iter()
                .map(|(_, listener)| listener.socket.as_raw_fd())
                .collect(),
            environment: self.environment(),
        };
        raw::arm(&mut command, setup);
        command.spawn()
    }

    fn environment(&self) -> Vec<(OsString, OsString)> {
        let mut told: Vec<(&OsStr, OsString)> = self
            .told
            .iter()
            .map(|(name, value)| (OsStr::new(*name), value.into()))
            .collect();
        if !self.listeners.is_empty() {
            let names: Vec<_> = self.listeners.iter().map(|(name, _)| &**name).collect();
            let count = self.listeners.len().to_string();
            told.push(("LISTEN_FDS".as_ref(), count.into()));
            told.push(("LISTEN_FDNAMES".as_ref(), names.join(":").into()));
        }
        let program = self.program.environment.iter();
        let layers = program
            .map(|(name, value)| (&**name, &**value))
            .chain(told.iter().map(|(name, value)| (*name, &**value)));
        environment::compose(std::env::vars_os(), layers)
    }
}
