//! A master with its processes, all real, and a line to each of them.

mod child;
mod inbox;
mod program;

use std::io::BufReader;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use serde_json::Value;
use tempfile::TempDir;

pub(crate) use self::child::Child;
pub(crate) use self::inbox::{Inbox, PATIENCE};
pub(crate) use self::program::{CONT, HUP, INT, KILL, Program, STOP, TERM, is_alive, send_signal};

/// The command, as it was built with these tests.
pub(crate) const HENHOUSE: &str = env!("CARGO_BIN_EXE_henhouse-under-test");

/// The process that does what a test tells it.
pub(crate) const CHILD: &str = env!("CARGO_BIN_EXE_henhouse-child");

/// A directory of its own, and the children that are born in it.
pub(crate) struct Stage {
    directory: TempDir,
    born: Arc<Inbox<Child>>,
}

impl Stage {
    pub(crate) fn new() -> Stage {
        let directory = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(directory.path().join("control.sock")).unwrap();
        let born = Arc::new(Inbox::new("children"));
        let nursery = Arc::clone(&born);
        // It ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let nursery = Arc::clone(&nursery);
                thread::spawn(move || welcome(stream, &nursery));
            }
        });
        Stage { directory, born }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The broker's socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.path("run/h.sock")
    }

    /// Writes a configuration with `workers` workers, an agent, one listener on a port of its
    /// own, and `more` behind it.
    pub(crate) fn configure(&self, workers: u32, more: &str) -> PathBuf {
        let control = self.path("control.sock");
        let program =
            format!("command = [{CHILD:?}]\nenv = {{ HENHOUSE_TEST_CONTROL = {control:?} }}\n");
        let config = format!(
            "[master]\nsocket = \"run/h.sock\"\n\n\
             [[listen]]\nname = \"http\"\naddress = \"unix:http.sock\"\n\n\
             [agent]\n{program}\n[worker]\n{program}count = {workers}\n{more}\n"
        );
        let path = self.path("henhouse.toml");
        std::fs::write(&path, config).unwrap();
        path
    }

    /// `henhouse start` with that configuration.
    pub(crate) fn start(&self, workers: u32, more: &str) -> Program {
        let config = self.configure(workers, more);
        Program::start(HENHOUSE, &["start", "-c", config.to_str().unwrap()])
    }

    /// Another verb of the command, to its end: its exit code, and what it said.
    pub(crate) fn command(&self, verb: &[&str]) -> (i32, String) {
        let config = self.path("henhouse.toml");
        let arguments = [verb, &["-c", config.to_str().unwrap()]].concat();
        Program::start(HENHOUSE, &arguments).finish()
    }

    /// The next child with that role that is born.
    pub(crate) fn next_child(&self, role: &str) -> Child {
        self.born
            .take(&format!("a new {role}"), |child| child.role == role)
    }

    /// The next `count` workers, by index.
    pub(crate) fn next_workers(&self, count: usize) -> Vec<Child> {
        let mut workers: Vec<Child> = (0..count).map(|_| self.next_child("worker")).collect();
        workers.sort_by_key(|worker| worker.index);
        workers
    }

    /// Whether a child was born that nobody has taken.
    pub(crate) fn has_newborn(&self, role: &str) -> bool {
        self.born.has(|child| child.role == role)
    }

    /// Starts a master with `workers` workers, and brings all to `egg-ready`.
    pub(crate) fn up(&self, workers: u32, more: &str) -> (Program, Child, Vec<Child>) {
        let master = self.start(workers, more);
        let agent = self.next_child("agent");
        agent.up();
        let workers = self.next_workers(workers as usize);
        for worker in &workers {
            worker.up();
        }
        for child in workers.iter().chain([&agent]) {
            child.message("egg-ready");
        }
        (master, agent, workers)
    }

    /// Starts the broker alone.
    pub(crate) fn broker(&self, more: &[&str]) -> Program {
        let socket = self.socket();
        let arguments = [&["broker", "--socket", socket.to_str().unwrap()], more].concat();
        let broker = Program::start(HENHOUSE, &arguments);
        broker.until_socket(&socket);
        broker
    }

    /// A child that no master started, for a broker alone.
    pub(crate) fn child(&self, role: &str) -> (Program, Child) {
        let control = self.path("control.sock");
        let socket = self.socket();
        let environment = [
            ("HENHOUSE_TEST_CONTROL", control.to_str().unwrap()),
            ("HENHOUSE_SOCKET", socket.to_str().unwrap()),
            ("HENHOUSE_ROLE", role),
        ];
        let program = Program::start_with(CHILD, &[], &environment);
        let pid = program.pid();
        let child = self.born.take("the child", |child| child.pid == pid);
        (program, child)
    }
}

/// A child says who it is, and then all that happens to it.
fn welcome(stream: UnixStream, nursery: &Inbox<Child>) {
    let mut lines = std::io::BufRead::lines(BufReader::new(stream.try_clone().unwrap()));
    let Some(Ok(first)) = lines.next() else {
        return;
    };
    let first: Value = serde_json::from_str(&first).unwrap();
    let told = Arc::new(Inbox::new("a child's words"));
    nursery.put(Child::new(&first, stream, Arc::clone(&told)));
    for line in lines.map_while(Result::ok) {
        told.put(serde_json::from_str(&line).unwrap());
    }
    told.put(serde_json::json!({ "event": "gone" }));
}
