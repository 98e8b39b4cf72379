//! The commands that have a running master do something.

use std::path::PathBuf;

use henhouse_proto::wire::{self, command::Verb, report::Content};

use super::{
    CONFIG, FAILED,
    arguments::{
        Change, LogsArguments, ReloadArguments, RestartArguments, ScaleArguments, StopArguments,
        Target, Who,
    },
    config,
    operator::{self, Outcome},
    out,
};

pub(crate) fn reload(arguments: &ReloadArguments) -> u8 {
    let agent = arguments.agent;
    order(
        &arguments.target,
        Verb::Reload(wire::ReloadCommand { agent }),
    )
}

pub(crate) fn restart(arguments: &RestartArguments) -> u8 {
    let (role, index) = role_of(arguments.who);
    let restart = wire::RestartCommand {
        role: role.into(),
        index: index.unwrap_or_default(),
    };
    order(&arguments.target, Verb::Restart(restart))
}

pub(crate) fn scale(arguments: &ScaleArguments) -> u8 {
    let (count, relative) = match arguments.count {
        Change::To(count) => (count, false),
        Change::By(count) => (count, true),
    };
    order(
        &arguments.target,
        Verb::Scale(wire::ScaleCommand { count, relative }),
    )
}

pub(crate) fn stop(arguments: &StopArguments) -> u8 {
    let now = arguments.now;
    order(&arguments.target, Verb::Stop(wire::StopCommand { now }))
}

pub(crate) fn logs(arguments: &LogsArguments) -> u8 {
    let (role, index) = arguments
        .whose
        .map_or((wire::Role::Unspecified, None), role_of);
    let logs = wire::LogsCommand {
        role: role.into(),
        index_plus_one: index.map_or(0, |index| index.saturating_add(1)),
        lines: arguments.lines,
        follow: arguments.follow,
    };
    order(&arguments.target, Verb::Logs(logs))
}

fn role_of(who: Who) -> (wire::Role, Option<u32>) {
    match who {
        Who::Agent => (wire::Role::Agent, None),
        Who::Worker(index) => (wire::Role::Worker, Some(index)),
        Who::Workers => (wire::Role::Worker, None),
    }
}

/// Asks, prints what comes, and gives the exit code.
fn order(target: &Target, verb: Verb) -> u8 {
    let outcome = ask(target, verb, |content| {
        if let Content::Line(line) = content {
            out::say(line);
        }
    });
    match outcome {
        Ok(Outcome { ok, detail }) => {
            match (ok, detail.is_empty()) {
                (_, true) => {}
                (true, false) => out::say(detail),
                (false, false) => out::complain(detail),
            }
            if ok { 0 } else { FAILED }
        }
        Err(code) => code,
    }
}

/// The socket of the master that is meant; where it cannot be known, tells why and gives the exit
/// code.
pub(crate) fn socket(target: &Target) -> Result<PathBuf, u8> {
    match &target.socket {
        Some(socket) => Ok(socket.clone()),
        None => config::socket(&target.file.config).map_err(|error| {
            out::complain(error);
            CONFIG
        }),
    }
}

/// Asks the master that is meant; where there is no answer, tells why and gives the exit code.
pub(crate) fn ask(target: &Target, verb: Verb, tell: impl FnMut(Content)) -> Result<Outcome, u8> {
    operator::ask(&socket(target)?, verb, tell).map_err(|error| {
        out::complain(error);
        FAILED
    })
}
