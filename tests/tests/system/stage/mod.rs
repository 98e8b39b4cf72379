//! A master with its processes, all real, and a line to each of them.

mod child;
mod config;
mod inbox;
mod program;

use std::io::BufReader;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

pub(crate) use self::child::Child;
pub(crate) use self::config::{Agency, Config, Section};
pub(crate) use self::inbox::{Inbox, PATIENCE};
pub(crate) use self::program::{
    ABRT, CONT, HUP, INT, KILL, Program, SEGV, STOP, TERM, TTIN, TTOU, is_alive, runs, send_signal,
    until_gone, until_stopped,
};

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

    /// The broker's socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.path("run/h.sock")
    }

    /// Writes a configuration with `workers` workers, an agent, one listener on a port of its
    /// own, and `more` behind it.
    pub(crate) fn configure(&self, workers: u32, more: &str) -> PathBuf {
        let mut config = Config::plain(workers);
        config.worker.more = more.to_owned();
        self.write(&config)
    }

    /// Writes that configuration.
    pub(crate) fn write(&self, config: &Config) -> PathBuf {
        let path = self.path("henhouse.toml");
        std::fs::write(&path, config.text(&self.path("control.sock"))).unwrap();
        path
    }

    /// Waits until that file has a whole line.
    #[track_caller]
    pub(crate) fn until_line(&self, name: &str) -> String {
        let start = Instant::now();
        loop {
            let text = std::fs::read_to_string(self.path(name)).unwrap_or_default();
            if let Some((line, _)) = text.split_once('\n') {
                return line.to_owned();
            }
            assert!(start.elapsed() < PATIENCE, "{name:?} has no line");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until there is no such file any more.
    #[track_caller]
    pub(crate) fn until_no_file(&self, name: &str) {
        let start = Instant::now();
        while self.path(name).exists() {
            assert!(start.elapsed() < PATIENCE, "{name:?} is still there");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Makes `script` the program `name`, for a section with the command `sh name`: a shell is
    /// not disturbed by somebody who forks while the file is written.
    pub(crate) fn deploy(&self, name: &str, script: &str) {
        let new = self.path("deploy");
        std::fs::write(&new, script).unwrap();
        std::fs::rename(new, self.path(name)).unwrap();
    }

    /// `henhouse start` with that configuration.
    pub(crate) fn start(&self, workers: u32, more: &str) -> Program {
        let config = self.configure(workers, more);
        Program::start(HENHOUSE, &["start", "-c", config.to_str().unwrap()])
    }

    /// Another verb of the command, to its end: its exit code, and what it said.
    pub(crate) fn command(&self, verb: &[&str]) -> (i32, String) {
        self.begin(verb).finish()
    }

    /// Another verb of the command.
    pub(crate) fn begin(&self, verb: &[&str]) -> Program {
        let config = self.path("henhouse.toml");
        let arguments = [verb, &["-c", config.to_str().unwrap()]].concat();
        Program::start(HENHOUSE, &arguments)
    }

    /// What `henhouse status --json` says.
    #[track_caller]
    pub(crate) fn status(&self) -> Value {
        let (code, said) = self.command(&["status", "--json"]);
        assert_eq!(code, 0, "{said}");
        serde_json::from_str(&said).unwrap()
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

    /// Brings up whoever comes in that worker's slot, until one is of that generation: a death
    /// during a reload is mended by a start as it was, or by the reload at once.
    pub(crate) fn up_to_generation(&self, index: u32, generation: u64) -> Child {
        let mut before: Option<Child> = None;
        loop {
            let next = self.next_child("worker");
            assert_eq!(next.index, index);
            next.up();
            next.message("egg-ready");
            if let Some(before) = before {
                before.event("drain");
                before.exit(0);
            }
            if next.generation == generation {
                return next;
            }
            before = Some(next);
        }
    }

    /// Whether a child was born that nobody has taken.
    pub(crate) fn has_newborn(&self, role: &str) -> bool {
        self.born.has(|child| child.role == role)
    }

    /// Starts a master with `workers` workers, and brings all to `egg-ready`.
    pub(crate) fn up(&self, workers: u32, more: &str) -> (Program, Child, Vec<Child>) {
        self.configure(workers, more);
        self.house(workers)
    }

    /// Starts a master with that configuration, and brings all to `egg-ready`.
    pub(crate) fn up_with(&self, config: &Config) -> (Program, Child, Vec<Child>) {
        self.write(config);
        self.house(config.workers)
    }

    /// Starts a master with that configuration, which has no agent, and brings its workers up.
    pub(crate) fn up_without_agent(&self, config: &Config) -> (Program, Vec<Child>) {
        self.write(config);
        let master = self.begin(&["start"]);
        let workers = self.next_workers(config.workers as usize);
        for worker in &workers {
            worker.up();
        }
        master.says("egg-ready");
        (master, workers)
    }

    /// Starts a master whose workers come up and serve by themselves, and waits for `egg-ready`.
    pub(crate) fn serve(&self, config: &Config) -> (Program, Child, Vec<Child>) {
        self.write(config);
        let master = self.begin(&["start"]);
        let agent = self.next_child("agent");
        agent.up();
        let workers = self.next_workers(config.workers as usize);
        for child in workers.iter().chain([&agent]) {
            child.message("egg-ready");
        }
        // The master hears a moment later than its children.
        master.says("egg-ready");
        (master, agent, workers)
    }

    fn house(&self, workers: u32) -> (Program, Child, Vec<Child>) {
        let master = self.begin(&["start"]);
        let agent = self.next_child("agent");
        agent.up();
        let workers = self.next_workers(workers as usize);
        for worker in &workers {
            worker.up();
        }
        for child in workers.iter().chain([&agent]) {
            child.message("egg-ready");
        }
        // The master hears a moment later than its children.
        master.says("egg-ready");
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

/// Says that a test is skipped, and why.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
pub(crate) fn skip(why: &str) {
    eprintln!("skipped: {why}");
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
