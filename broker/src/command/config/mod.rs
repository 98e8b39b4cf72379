//! The config file: read once, and made into a plan that cannot be wrong.

mod effective;
mod file;

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

pub(crate) use self::effective::effective;
use self::file::{File, ListenTable, Mode, OrphanName, RoleTable};
use crate::master::{
    Address, AddressError, Listen, Orphan, Plan, PlanError, Program, ProgramError, RolePlan,
    RoleRules, Rules, cores, default_socket,
};

/// Why there is no plan, with the file that is to blame.
#[derive(Debug)]
pub(crate) struct ConfigError {
    file: PathBuf,
    why: Why,
}

#[derive(Debug, thiserror::Error)]
enum Why {
    #[error("cannot be read: {0}{hint}", hint = hint(.0))]
    Unreadable(#[from] io::Error),
    #[error("{0}")]
    Unparsable(String),
    #[error("in {0}: {1}")]
    Program(&'static str, ProgramError),
    #[error("in [[listen]]: {0}")]
    Address(#[from] AddressError),
    #[error("in [[listen]] `{0}`: mode = \"handoff\" is not built yet; \"inherit\" is")]
    Handoff(String),
    #[error(
        "in [[listen]] `{0}`: balance is for mode = \"handoff\"; with \"inherit\" the kernel chooses"
    )]
    Balance(String),
    #[error("in {0}: command is empty; it must be the program and its arguments")]
    NoCommand(&'static str),
    #[error("in [agent]: there is one agent; count is for [worker]")]
    AgentCount,
    #[error("{0}")]
    Plan(#[from] PlanError),
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "; name the file with -c, or run this where it is",
        _ => "",
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file.display(), self.why)
    }
}

/// Reads and checks the file.
pub(crate) fn load(file: &Path) -> Result<Plan, ConfigError> {
    let blame = |why| ConfigError {
        file: file.to_owned(),
        why,
    };
    read(file)
        .and_then(|parsed| plan(file, parsed))
        .map_err(blame)
}

/// The socket that the file names, for commands that need no more of it: a program that is broken
/// since must not keep anybody from stopping its master.
pub(crate) fn socket(file: &Path) -> Result<PathBuf, ConfigError> {
    match read(file) {
        Ok(parsed) => Ok(socket_of(file, &parsed)),
        Err(why) => Err(ConfigError {
            file: file.to_owned(),
            why,
        }),
    }
}

fn read(file: &Path) -> Result<File, Why> {
    file::parse(&fs::read_to_string(file)?).map_err(Why::Unparsable)
}

fn socket_of(file: &Path, parsed: &File) -> PathBuf {
    match &parsed.master.socket {
        Some(socket) => base(file).join(socket),
        None => default_socket(file),
    }
}

/// Paths in the file are relative to where it is.
fn base(file: &Path) -> PathBuf {
    let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    absolute.parent().map_or_else(PathBuf::new, Path::to_owned)
}

fn plan(file: &Path, parsed: File) -> Result<Plan, Why> {
    let (base, defaults) = (base(file), Rules::default());
    let socket = socket_of(file, &parsed);
    let listen = parsed.listen.into_iter().map(|table| listen(&base, table));
    let listen = listen.collect::<Result<_, Why>>()?;
    let workers = parsed.worker.count.unwrap_or_else(cores);
    if parsed
        .agent
        .as_ref()
        .is_some_and(|agent| agent.count.is_some())
    {
        return Err(Why::AgentCount);
    }
    let agent = parsed
        .agent
        .map(|table| role("[agent]", &base, table, RoleRules::agent()));
    let worker = role("[worker]", &base, parsed.worker, RoleRules::worker())?;
    let give_up_after = match parsed.master.give_up_after {
        Some(time) => never_if_zero(time.0),
        None => default_patience(defaults.give_up_after, &worker.rules),
    };
    let plan = Plan {
        socket,
        listen,
        agent: agent.transpose()?,
        worker,
        workers,
        shutdown_timeout: parsed
            .master
            .shutdown_timeout
            .map_or(defaults.shutdown_timeout, |t| t.0),
        give_up_after,
        min_ready_for: parsed
            .reload
            .min_ready_for
            .map_or(defaults.min_ready_for, |t| t.0),
        orphan: match parsed.master.orphan {
            None | Some(OrphanName::Kill) => Orphan::Kill,
            Some(OrphanName::Term) => Orphan::Term,
        },
    };
    Ok(plan.check()?)
}

/// Where nobody said when to give up, a long start_timeout alone must not make the file wrong.
fn default_patience(default: Option<Duration>, worker: &RoleRules) -> Option<Duration> {
    default.map(|time| time.max(worker.start_timeout + Duration::from_secs(60)))
}

fn listen(base: &Path, table: ListenTable) -> Result<Listen, Why> {
    if table.mode == Mode::Handoff {
        return Err(Why::Handoff(table.name));
    }
    if table.balance.is_some() {
        return Err(Why::Balance(table.name));
    }
    let address = match Address::parse(&table.address)? {
        Address::Unix(path) => Address::Unix(base.join(path)),
        other => other,
    };
    Ok(Listen {
        name: table.name,
        address,
    })
}

fn role(
    section: &'static str,
    base: &Path,
    table: RoleTable,
    defaults: RoleRules,
) -> Result<RolePlan, Why> {
    let Some((command, arguments)) = table.command.split_first() else {
        return Err(Why::NoCommand(section));
    };
    let mut program = Program::new(command).args(arguments);
    for (name, value) in table.env {
        program = program.env(name, value);
    }
    let directory = table
        .dir
        .map_or_else(|| base.to_owned(), |dir| base.join(dir));
    let program = program.dir(directory).resolve();
    let time = |given: Option<file::Time>, default: Duration| given.map_or(default, |time| time.0);
    let rules = RoleRules {
        start_timeout: time(table.start_timeout, defaults.start_timeout),
        drain_timeout: time(table.drain_timeout, defaults.drain_timeout),
        term_grace: time(table.term_grace, defaults.term_grace),
        stable_after: time(table.stable_after, defaults.stable_after),
        backoff_first: time(table.backoff_first, defaults.backoff_first),
        backoff_max: time(table.backoff_max, defaults.backoff_max),
        intensity: table.intensity.or(defaults.intensity),
        watchdog: match table.watchdog {
            Some(time) => never_if_zero(time.0),
            None => defaults.watchdog,
        },
        age_max: table.age_max.and_then(|time| never_if_zero(time.0)),
    };
    Ok(RolePlan {
        program: Arc::new(program.map_err(|error| Why::Program(section, error))?),
        rules,
    })
}

fn never_if_zero(time: Duration) -> Option<Duration> {
    (!time.is_zero()).then_some(time)
}

#[cfg(test)]
mod tests;
