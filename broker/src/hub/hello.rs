//! A process comes in.

use std::time::Instant;

use henhouse_proto::frame::{self, Body, Stamp};
use henhouse_proto::wire::{self, Code};

use super::Hub;
use super::admission::{Door, Fatal};
use super::lane::Lane;
use super::refusal::SHUTTING_DOWN;
use super::seat::BrokerEvent;
use crate::roster::{Key, Member, Role, Standing};

impl Hub {
    /// A connection's first frame: registers its process, or says why not.
    pub(crate) fn hello(&mut self, bytes: &[u8], door: Door, now: Instant) -> Result<Key, Fatal> {
        let hello = match frame::scan(bytes) {
            Ok(Body::Hello(hello)) => hello,
            Ok(_) => {
                return Err(Fatal::new(
                    Code::NotRegistered,
                    "the first frame must be Hello; say who you are before anything else",
                ));
            }
            Err(error) => return Err(Fatal::new(Code::Malformed, error.to_string())),
        };
        let guest = self.tokens.check(hello, door)?;
        if self.shutting_down && guest.role != Role::Operator {
            return Err(Fatal::new(Code::ShuttingDown, SHUTTING_DOWN));
        }
        if self.roster.connections_of(guest.pid) >= self.limits.connections_per_pid_max {
            let max = self.limits.connections_per_pid_max;
            return Err(Fatal::new(
                Code::Full,
                format!(
                    "process {} has {max} connections already; close one",
                    guest.pid
                ),
            ));
        }
        if guest.role == Role::Agent
            && let Some(agent) = self.roster.agent().and_then(|key| self.roster.get(key))
        {
            return Err(Fatal::new(
                Code::RoleTaken,
                format!(
                    "process {} is the agent, and there is only one; stop it first, or come as a \
                     worker",
                    agent.pid
                ),
            ));
        }
        self.connections += 1;
        let connection = self.connections;
        let stamp = Stamp::new(guest.pid, guest.role.on_the_wire(), connection);
        let key = self
            .lanes
            .insert(Lane::new(connection, guest.pid, stamp, now));
        let index = match (guest.role, guest.seat) {
            (Role::Worker, Some(seat)) => seat.index,
            (Role::Worker, None) => self.roster.free_index(),
            _ => 0,
        };
        let incarnation = guest.seat.map_or(0, |seat| seat.incarnation);
        self.roster.add(
            key,
            Member {
                connection,
                pid: guest.pid,
                role: guest.role,
                index,
                name: guest.name,
                incarnation,
                standing: Standing::Joined,
            },
        );
        self.tell(
            key,
            wire::frame::Body::Welcome(wire::Welcome {
                version: guest.version,
                connection,
                pid: guest.pid,
                frame_bytes_max: self.limits.frame_bytes_max,
                master_pid: std::process::id(),
            }),
        );
        self.hand_over_mail(key, guest.role, index);
        if guest.role != Role::Operator {
            self.event(BrokerEvent::Joined {
                incarnation,
                pid: guest.pid,
                connection,
            });
        }
        Ok(key)
    }
}
