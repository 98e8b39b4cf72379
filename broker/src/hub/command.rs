//! Commands, which go up to whoever runs this broker.

use henhouse_proto::wire::{self, Code};

use super::Hub;
use super::refusal::{Cause, Refusal};
use super::seat::BrokerEvent;
use crate::roster::{Key, Role};

impl Hub {
    /// An operator asks something.
    pub(super) fn command(&mut self, key: Key, command: wire::Command) {
        match self.roster.get(key) {
            Some(member) if member.role == Role::Operator => {
                let operator = member.connection;
                self.event(BrokerEvent::Command { operator, command });
            }
            _ => {
                let (id, cause) = (command.id, Cause::NotAnOperator);
                self.refuse(
                    key,
                    Refusal {
                        code: Code::Forbidden,
                        id,
                        cause,
                    },
                );
            }
        }
    }
}
