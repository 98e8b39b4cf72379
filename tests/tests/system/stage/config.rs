//! The configuration of a house under test.

use std::fmt::Write as _;
use std::path::Path;

use super::CHILD;

/// What a test wants otherwise, it says.
#[derive(Clone)]
pub(crate) struct Config {
    pub(crate) workers: u32,
    /// More lines of `[master]`.
    pub(crate) master: String,
    /// The first listener's name.
    pub(crate) listen_name: String,
    /// The first listener's address.
    pub(crate) listen: String,
    /// More listeners, each a name and an address.
    pub(crate) listen_too: Vec<(String, String)>,
    /// Who its agent is.
    pub(crate) agency: Agency,
    pub(crate) agent: Section,
    pub(crate) worker: Section,
    /// The lines of `[reload]`.
    pub(crate) reload: String,
}

/// Whether there is an agent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Agency {
    Agent,
    Nobody,
}

/// `[agent]` or `[worker]`.
#[derive(Clone)]
pub(crate) struct Section {
    pub(crate) command: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
    /// More lines.
    pub(crate) more: String,
}

/// Nobody is killed for being slow on a machine that does much else, and what failed is tried
/// again soon.
const PATIENT: &str = "drain_timeout = \"80s\"\nterm_grace = \"20s\"\n\
    backoff_first = \"10ms\"\nbackoff_max = \"50ms\"\nintensity = 1000\n";

impl Config {
    /// As Henhouse itself would have it.
    pub(crate) fn plain(workers: u32) -> Config {
        Config {
            workers,
            master: String::new(),
            listen_name: "http".to_owned(),
            listen: "unix:http.sock".to_owned(),
            listen_too: Vec::new(),
            agency: Agency::Agent,
            agent: Section::child(),
            worker: Section::child(),
            reload: String::new(),
        }
    }

    /// With patience for processes, and with none between the steps of a reload.
    pub(crate) fn patient(workers: u32) -> Config {
        let mut config = Config::plain(workers);
        config.master = "shutdown_timeout = \"220s\"\ngive_up_after = \"0s\"\n".to_owned();
        config.reload = "min_ready_for = \"10ms\"\n".to_owned();
        config.agent.more = PATIENT.to_owned();
        config.worker.more = PATIENT.to_owned();
        config
    }

    /// As [`Self::patient`], but who does not go when asked is killed soon.
    pub(crate) fn strict(workers: u32) -> Config {
        let mut config = Config::patient(workers);
        for section in [&mut config.agent, &mut config.worker] {
            section.more = section.more.replace("80s", "100ms").replace("20s", "100ms");
        }
        config
    }

    /// Workers that come up and serve by themselves.
    pub(crate) fn serving(workers: u32) -> Config {
        let mut config = Config::patient(workers);
        config.worker = config.worker.env("HENHOUSE_TEST_UP", "1");
        config
    }

    pub(super) fn text(&self, control: &Path) -> String {
        let first = (self.listen_name.clone(), self.listen.clone());
        let listen = [&first].into_iter().chain(&self.listen_too);
        let listen: String = listen
            .map(|(name, at)| format!("[[listen]]\nname = {name:?}\naddress = {at:?}\n\n"))
            .collect();
        let agent = match self.agency {
            Agency::Agent => format!("[agent]\n{}", self.agent.text(control)),
            Agency::Nobody => String::new(),
        };
        format!(
            "[master]\nsocket = \"run/h.sock\"\n{}\n{listen}\
             [reload]\n{}\n\
             {agent}\n\
             [worker]\ncount = {}\n{}\n",
            self.master,
            self.reload,
            self.workers,
            self.worker.text(control),
        )
    }
}

impl Section {
    /// The process that does what a test tells it.
    pub(crate) fn child() -> Section {
        Section::of(&[CHILD])
    }

    pub(crate) fn of(command: &[&str]) -> Section {
        Section {
            command: command.iter().map(|&word| word.to_owned()).collect(),
            env: Vec::new(),
            more: String::new(),
        }
    }

    /// The same, by another command.
    pub(crate) fn command(mut self, command: &[&str]) -> Section {
        self.command = Section::of(command).command;
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Section {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    fn text(&self, control: &Path) -> String {
        let mut env = format!("HENHOUSE_TEST_CONTROL = {control:?}");
        for (name, value) in &self.env {
            let _ = write!(env, ", {name} = {value:?}");
        }
        format!(
            "command = {:?}\nenv = {{ {env} }}\n{}",
            self.command, self.more
        )
    }
}
