//! Who may come in, and as what.

use std::collections::HashMap;

use henhouse_proto::limits::VERSION;
use henhouse_proto::transport::Peer;
use henhouse_proto::wire::{self, Code};

use super::seat::{Admission, Seat};
use crate::roster::Role;

/// Through what a process came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    /// The socket: whoever may open it.
    Socket(Peer),
    /// A stream within this process: the embedding program.
    InProcess,
}

/// Who a Hello turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Guest {
    pub(super) version: u32,
    pub(super) pid: u32,
    pub(super) role: Role,
    pub(super) seat: Option<Seat>,
    pub(super) name: String,
}

/// Why a connection is ended, in words for the one at its other end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fatal {
    pub(crate) code: Code,
    pub(crate) detail: String,
}

impl Fatal {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Fatal {
        Fatal {
            code,
            detail: detail.into(),
        }
    }
}

/// The tokens that were given, and to whom each belongs since it was first shown.
#[derive(Debug)]
pub(super) struct Tokens {
    admission: Admission,
    given: HashMap<String, Given>,
}

#[derive(Debug)]
struct Given {
    seat: Seat,
    /// The kernel's pid of the first process that showed it.
    bound: Option<u32>,
}

impl Tokens {
    pub(super) fn new(admission: Admission) -> Tokens {
        Tokens {
            admission,
            given: HashMap::new(),
        }
    }

    /// From now on `token` opens `seat`.
    pub(super) fn give(&mut self, token: String, seat: Seat) {
        self.given.insert(token, Given { seat, bound: None });
    }

    /// The tokens of that incarnation open nothing any more.
    pub(super) fn void(&mut self, incarnation: u64) {
        self.given
            .retain(|_, given| given.seat.incarnation != incarnation);
    }

    /// Checks a Hello against what the kernel says and what was given.
    pub(super) fn check(&mut self, hello: wire::Hello, door: Door) -> Result<Guest, Fatal> {
        if hello.version == 0 {
            return Err(Fatal::new(
                Code::UnsupportedVersion,
                format!("version 0 is none; this broker speaks 1 to {VERSION}"),
            ));
        }
        let Some(role) = Role::from_wire(hello.role) else {
            return Err(Fatal::new(
                Code::Malformed,
                "the role in Hello is not known; it is agent, worker or operator",
            ));
        };
        let forbidden = |detail: String| Err(Fatal::new(Code::Forbidden, detail));
        let peer = match door {
            Door::Socket(peer) => peer,
            Door::InProcess => Peer::this_process(),
        };
        if !peer.trusted_user {
            return forbidden("this socket is its owner's alone; run as the same user".into());
        }
        let pid = match (peer.pid, hello.pid) {
            (Some(pid), 0) => pid,
            (Some(pid), claimed) if pid == claimed => pid,
            (Some(pid), claimed) => {
                return forbidden(format!(
                    "Hello says pid {claimed} and the kernel says {pid}; say 0 to take the kernel's"
                ));
            }
            // An operator needs none: outside a container it steers the master within.
            (None, 0) if role == Role::Operator => 0,
            (None, 0) => {
                return forbidden(
                    "the kernel cannot say which process this is (another pid namespace?); say \
                     the pid in Hello, and a token"
                        .into(),
                );
            }
            (None, _) if hello.token.is_empty() => {
                return forbidden(
                    "the kernel cannot say which process this is (another pid namespace?), and \
                     Hello has no token"
                        .into(),
                );
            }
            (None, claimed) => claimed,
        };
        let seat = match (role, door) {
            (Role::Operator, _) | (_, Door::InProcess) => None,
            (Role::Master, Door::Socket(_)) => {
                return forbidden("the master is within its own process".into());
            }
            (Role::Agent | Role::Worker, Door::Socket(_)) => self.seat(&hello.token, role, pid)?,
        };
        let version = hello.version.min(VERSION);
        Ok(Guest {
            version,
            pid,
            role,
            seat,
            name: hello.name,
        })
    }

    fn seat(&mut self, token: &str, role: Role, pid: u32) -> Result<Option<Seat>, Fatal> {
        let forbidden = |detail: String| Err(Fatal::new(Code::Forbidden, detail));
        let Some(given) = self.given.get_mut(token) else {
            return match self.admission {
                Admission::SameUser => Ok(None),
                Admission::Tokens if token.is_empty() => forbidden(format!(
                    "the role of {} needs the token from HENHOUSE_TOKEN, which the master gives \
                     to the processes that it starts",
                    role.name()
                )),
                Admission::Tokens => forbidden(
                    "the token is not known: it was never given, or its process was asked to go or has \
                     ended"
                        .into(),
                ),
            };
        };
        if given.seat.role != role {
            return forbidden(format!(
                "the token is for the role of {}, and Hello says {}",
                given.seat.role.name(),
                role.name()
            ));
        }
        match given.bound {
            Some(bound) if bound != pid => forbidden(format!(
                "the token belongs to process {bound}, which showed it first"
            )),
            _ => {
                given.bound = Some(pid);
                Ok(Some(given.seat))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: Peer = Peer {
        pid: Some(50),
        trusted_user: true,
    };

    fn hello(role: wire::Role, pid: u32, token: &str) -> wire::Hello {
        wire::Hello {
            version: 1,
            role: role.into(),
            pid,
            token: token.into(),
            name: "".into(),
        }
    }

    fn tokens(admission: Admission) -> Tokens {
        let mut tokens = Tokens::new(admission);
        let seat = Seat {
            incarnation: 9,
            role: Role::Worker,
            index: 2,
            generation: 1,
        };
        tokens.give("secret".into(), seat);
        tokens
    }

    #[track_caller]
    fn check_refused(admission: Admission, hello: wire::Hello, peer: Peer, code: Code, why: &str) {
        let fatal = tokens(admission)
            .check(hello, Door::Socket(peer))
            .unwrap_err();
        assert_eq!(fatal.code, code, "{}", fatal.detail);
        assert!(
            fatal.detail.contains(why),
            "{:?} does not say {why:?}",
            fatal.detail
        );
    }

    #[test]
    fn the_same_user_may_be_a_worker_without_a_token() {
        let guest = tokens(Admission::SameUser)
            .check(hello(wire::Role::Worker, 50, ""), Door::Socket(PEER))
            .unwrap();
        assert_eq!(
            (guest.pid, guest.role, guest.seat),
            (50, Role::Worker, None)
        );
    }

    #[test]
    fn pid_0_takes_the_kernels() {
        let guest = tokens(Admission::SameUser)
            .check(hello(wire::Role::Worker, 0, ""), Door::Socket(PEER))
            .unwrap();
        assert_eq!(guest.pid, 50);
    }

    #[test]
    fn a_token_belongs_to_the_first_process_that_shows_it() {
        let mut tokens = tokens(Admission::Tokens);
        let worker = || hello(wire::Role::Worker, 0, "secret");
        let guest = tokens.check(worker(), Door::Socket(PEER)).unwrap();
        assert_eq!(guest.seat.map(|seat| seat.index), Some(2));
        let other = Peer {
            pid: Some(51),
            ..PEER
        };
        let fatal = tokens.check(worker(), Door::Socket(other)).unwrap_err();
        assert!(
            fatal.detail.contains("belongs to process 50"),
            "{}",
            fatal.detail
        );
        tokens.check(worker(), Door::Socket(PEER)).unwrap();
        tokens.void(9);
        assert!(tokens.check(worker(), Door::Socket(PEER)).is_err());
    }

    #[test]
    fn strangers_are_refused_with_a_reason() {
        use Admission::{SameUser, Tokens};
        use wire::Role::{Agent, Master, Worker};
        let other = Peer {
            trusted_user: false,
            ..PEER
        };
        check_refused(
            SameUser,
            hello(Worker, 0, ""),
            other,
            Code::Forbidden,
            "same user",
        );
        check_refused(
            SameUser,
            hello(Worker, 9, ""),
            PEER,
            Code::Forbidden,
            "kernel says 50",
        );
        check_refused(
            Tokens,
            hello(Worker, 0, ""),
            PEER,
            Code::Forbidden,
            "HENHOUSE_TOKEN",
        );
        check_refused(
            Tokens,
            hello(Worker, 0, "no"),
            PEER,
            Code::Forbidden,
            "not known",
        );
        check_refused(
            Tokens,
            hello(Agent, 0, "secret"),
            PEER,
            Code::Forbidden,
            "role of worker",
        );
        check_refused(
            SameUser,
            hello(Master, 0, ""),
            PEER,
            Code::Forbidden,
            "own process",
        );
        let version = wire::Hello {
            version: 0,
            ..hello(Worker, 0, "")
        };
        check_refused(SameUser, version, PEER, Code::UnsupportedVersion, "1 to 1");
        let role = wire::Hello {
            role: 77,
            ..hello(Worker, 0, "")
        };
        check_refused(SameUser, role, PEER, Code::Malformed, "role");
    }

    #[test]
    fn an_operator_of_another_pid_namespace_comes_in() {
        let nobody = Peer {
            pid: None,
            trusted_user: true,
        };
        let guest = tokens(Admission::Tokens)
            .check(hello(wire::Role::Operator, 0, ""), Door::Socket(nobody))
            .unwrap();
        assert_eq!((guest.pid, guest.role), (0, Role::Operator));
    }

    #[test]
    fn where_the_kernel_cannot_say_the_claim_stands_with_a_token() {
        let nobody = Peer {
            pid: None,
            trusted_user: true,
        };
        let guest = tokens(Admission::Tokens)
            .check(hello(wire::Role::Worker, 7, "secret"), Door::Socket(nobody))
            .unwrap();
        assert_eq!(guest.pid, 7);
        let without = hello(wire::Role::Worker, 7, "");
        check_refused(
            Admission::SameUser,
            without,
            nobody,
            Code::Forbidden,
            "no token",
        );
        let silent = hello(wire::Role::Worker, 0, "secret");
        check_refused(
            Admission::Tokens,
            silent,
            nobody,
            Code::Forbidden,
            "say the pid",
        );
    }

    #[test]
    fn only_the_embedding_program_is_the_master() {
        let guest =
            tokens(Admission::Tokens).check(hello(wire::Role::Master, 0, ""), Door::InProcess);
        assert_eq!(guest.unwrap().pid, std::process::id());
    }
}
