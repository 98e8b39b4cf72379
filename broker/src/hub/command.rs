//! Commands, which go up to whoever runs this broker, and reports, which come down.

use std::time::Instant;

use henhouse_proto::wire::{self, Code};

use super::Hub;
use super::admission::Fatal;
use super::operator::{self, Report};
use super::refusal::{Cause, Refusal};
use super::seat::BrokerEvent;
use crate::limits::REPORT_BYTES_MAX;
use crate::roster::{Key, Role};

impl Hub {
    /// An operator asks something.
    pub(super) fn command(&mut self, key: Key, command: wire::Command) {
        let id = command.id;
        let operator = match self.roster.get(key) {
            Some(member) if member.role == Role::Operator => member.connection,
            _ => {
                let cause = Cause::NotAnOperator;
                return self.refuse(
                    key,
                    Refusal {
                        code: Code::Forbidden,
                        id,
                        cause,
                    },
                );
            }
        };
        match operator::known(command.verb) {
            Some(verb) => self.event(BrokerEvent::Command { operator, id, verb }),
            None => {
                let cause = Cause::UnknownCommand;
                self.refuse(
                    key,
                    Refusal {
                        code: Code::Malformed,
                        id,
                        cause,
                    },
                );
            }
        }
    }

    /// An operator's report goes to its connection.
    pub(crate) fn report(&mut self, operator: u64, id: u64, report: Report, now: Instant) {
        let Some(key) = self.roster.connection(operator) else {
            return;
        };
        self.tell(key, wire::frame::Body::Report(report.on_the_wire(id)));
        if self.lanes[key].own_bytes > REPORT_BYTES_MAX {
            let detail = "reports wait that this operator does not read; ask for less, or read";
            self.end(key, Fatal::new(Code::Undeliverable, detail), now);
        }
    }
}
