//! What the state machine asks for, done.

use std::sync::Arc;

use super::{
    Action, Driver, End, Ended, Generation, Incarnation, Place,
    courier::{Order, report},
    deployment::Deployment,
    orders::Asker,
};
use crate::{
    broker::{Report, Role, Seat},
    master::{os::Launch, policy::Level},
};

/// So many of the last lines of a process are shown where it is to blame.
const BLAME_LINES: usize = 20;

impl Driver {
    pub(super) fn act(&mut self, action: Action) {
        match action {
            Action::Spawn {
                incarnation,
                place,
                generation,
            } => self.spawn(incarnation, place, generation),
            Action::Drain {
                incarnation,
                within,
                cause,
            } => self.courier.send(Order::Drain {
                incarnation,
                within,
                cause,
            }),
            Action::Terminate { incarnation } => {
                self.courier.send(Order::Terminate { incarnation });
            }
            Action::Kill { incarnation } => self.courier.send(Order::Kill { incarnation }),
            Action::Dismiss { incarnation } => {
                self.given.remove(&incarnation);
                self.courier.send(Order::Dismiss { incarnation });
            }
            Action::Expect { workers } => self.courier.send(Order::Expect { workers }),
            Action::ExpectAgent { expected } => {
                self.courier.send(Order::ExpectAgent { expected });
            }
            Action::ShuttingDown => {
                let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
                self.courier.send(Order::ShuttingDown);
            }
            Action::Booted => {
                tracing::info!("all are ready");
                let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
            }
            Action::Commit { generation } => {
                self.committed = generation;
                self.deployments.retain(|&kept, _| kept >= generation);
            }
            Action::Discard { generation } => {
                self.deployments.remove(&generation);
            }
            Action::Note { level, text } => match level {
                Level::Info => tracing::info!("{text}"),
                Level::Warn => tracing::warn!("{text}"),
                Level::Error => tracing::error!("{text}"),
            },
            Action::Progress { ask, text } => {
                if let Some(&Asker::Operator { operator, id }) = self.asks.get(&ask) {
                    self.courier.send(report(operator, id, Report::Line(text)));
                }
            }
            Action::Answer {
                ask,
                ok,
                detail,
                culprit,
            } => {
                let detail = self.with_last_lines(detail, culprit);
                self.answer(ask, ok, detail);
            }
            Action::End(end) => self.end(end),
        }
    }

    fn spawn(&mut self, incarnation: Incarnation, place: Place, generation: Generation) {
        let Deployment { plan, listeners } = self
            .deployments
            .get(&generation)
            .expect("a generation is started of while it is neither superseded nor discarded");
        let (role, index) = match place {
            Place::Agent => (Role::Agent, 0),
            Place::Worker(index) => (Role::Worker, index),
        };
        let program = match (place, &plan.agent) {
            (Place::Agent, Some(agent)) => &agent.program,
            _ => &plan.worker.program,
        };
        let listeners = match place {
            Place::Agent => Vec::new(),
            Place::Worker(_) => listeners.clone(),
        };
        self.given.insert(incarnation, listeners.clone());
        let told = vec![
            ("HENHOUSE_SOCKET", plan.socket.display().to_string()),
            ("HENHOUSE_ROLE", super::status::role_name(place).to_owned()),
            ("HENHOUSE_INDEX", index.to_string()),
            ("HENHOUSE_INCARNATION", incarnation.to_string()),
            ("HENHOUSE_GENERATION", generation.to_string()),
        ];
        self.children.expect(incarnation, place);
        self.courier.send(Order::Spawn {
            seat: Seat {
                incarnation,
                role,
                index,
                generation,
            },
            launch: Box::new(Launch {
                program: Arc::clone(program),
                told,
                listeners,
                orphan: plan.orphan,
            }),
        });
    }

    fn with_last_lines(&self, detail: String, culprit: Option<Incarnation>) -> String {
        let lines = culprit.map_or_else(Vec::new, |incarnation| {
            self.children.last_lines(incarnation, BLAME_LINES)
        });
        if lines.is_empty() {
            return detail;
        }
        format!("{detail}\nits last lines:\n  {}", lines.join("\n  "))
    }

    fn end(&mut self, end: End) {
        let reason = match &end {
            End::Stopped => "stopped".to_owned(),
            End::Forced => "stopped, and some process had to be killed".to_owned(),
            End::NoWorker => "no worker was ready for too long".to_owned(),
            End::BootFailed {
                culprit,
                place,
                reason,
            } => {
                let text = format!("start failed: {place} {reason}");
                self.with_last_lines(text, Some(*culprit))
            }
        };
        self.ended = Some(Ended {
            code: end.code(),
            reason,
        });
    }
}
