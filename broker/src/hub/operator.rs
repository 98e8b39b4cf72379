//! What operators ask, and what they are told.

use henhouse_proto::wire::{self, command, report};

use crate::roster::Role;

/// What an operator asks of whoever runs the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verb {
    /// Who runs, and how they are.
    Status,
    /// Replace every worker.
    Reload {
        /// The agent too.
        agent: bool,
    },
    /// Replace one process.
    Restart {
        /// The agent, or a worker.
        role: Role,
        /// Which worker.
        index: u32,
    },
    /// Have another number of workers.
    Scale {
        /// The number, or what is added to it.
        count: i32,
        /// Whether it is added.
        relative: bool,
    },
    /// End.
    Stop {
        /// Without draining.
        now: bool,
    },
    /// What children have said.
    Logs {
        /// Of whom; `None`: of all.
        role: Option<Role>,
        /// Of which worker; `None`: of all.
        index: Option<u32>,
        /// How many lines.
        lines: u32,
        /// And those to come.
        follow: bool,
    },
}

/// One piece of an answer to an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Report {
    /// Progress, for people.
    Line(String),
    /// What `status` asked for, as JSON.
    Status(String),
    /// The end of the answer.
    Outcome {
        /// Whether it was done.
        ok: bool,
        /// What was done, or why it was not.
        detail: String,
    },
}

impl Report {
    pub(super) fn on_the_wire(self, id: u64) -> wire::Report {
        let content = match self {
            Report::Line(line) => report::Content::Line(line),
            Report::Status(status) => report::Content::Status(status),
            Report::Outcome { ok, detail } => {
                report::Content::Outcome(wire::Outcome { ok, detail })
            }
        };
        wire::Report {
            id,
            content: Some(content),
        }
    }
}

/// The command that `verb` is, where this version knows it.
pub(super) fn known(verb: Option<command::Verb>) -> Option<Verb> {
    let child =
        |role| Role::from_wire(role).filter(|role| matches!(role, Role::Agent | Role::Worker));
    Some(match verb? {
        command::Verb::Status(_) => Verb::Status,
        command::Verb::Reload(reload) => Verb::Reload {
            agent: reload.agent,
        },
        command::Verb::Restart(restart) => Verb::Restart {
            role: child(restart.role)?,
            index: restart.index,
        },
        command::Verb::Scale(scale) => Verb::Scale {
            count: scale.count,
            relative: scale.relative,
        },
        command::Verb::Stop(stop) => Verb::Stop { now: stop.now },
        command::Verb::Logs(logs) => Verb::Logs {
            role: child(logs.role),
            index: logs.index_plus_one.checked_sub(1),
            lines: logs.lines,
            follow: logs.follow,
        },
        command::Verb::Tap(_) => return None,
    })
}
