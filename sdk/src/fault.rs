//! What the broker refuses, and how a connection ends.

use henhouse_proto::wire;

/// Why the broker refused something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FaultCode {
    /// It does not speak this version of the protocol.
    UnsupportedVersion,
    /// The process had not said who it is.
    NotRegistered,
    /// A frame breaks the rules, or makes no sense.
    Malformed,
    /// A frame is too long.
    TooLarge,
    /// It is not this process's to say.
    Forbidden,
    /// There is an agent already.
    RoleTaken,
    /// The broker has no room for another connection.
    Full,
    /// Nobody has that pid and connection.
    NoSuchProcess,
    /// The message found no room in time, or its receiver was lost before it got it.
    Undeliverable,
    /// The receiver of a request left before it replied.
    Gone,
    /// The house is closing.
    ShuttingDown,
    /// A request was not replied to in time.
    TimedOut,
    /// A code that this version of the SDK does not know.
    Unknown(i32),
}

impl FaultCode {
    pub(crate) fn from_wire(code: i32) -> FaultCode {
        match wire::Code::try_from(code) {
            Ok(wire::Code::UnsupportedVersion) => FaultCode::UnsupportedVersion,
            Ok(wire::Code::NotRegistered) => FaultCode::NotRegistered,
            Ok(wire::Code::Malformed) => FaultCode::Malformed,
            Ok(wire::Code::TooLarge) => FaultCode::TooLarge,
            Ok(wire::Code::Forbidden) => FaultCode::Forbidden,
            Ok(wire::Code::RoleTaken) => FaultCode::RoleTaken,
            Ok(wire::Code::Full) => FaultCode::Full,
            Ok(wire::Code::NoSuchProcess) => FaultCode::NoSuchProcess,
            Ok(wire::Code::Undeliverable) => FaultCode::Undeliverable,
            Ok(wire::Code::Gone) => FaultCode::Gone,
            Ok(wire::Code::ShuttingDown) => FaultCode::ShuttingDown,
            Ok(wire::Code::TimedOut) => FaultCode::TimedOut,
            Ok(wire::Code::Unspecified) | Err(_) => FaultCode::Unknown(code),
        }
    }
}

/// A refusal: what the broker says of a message that it did not pass on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the broker refused it ({code:?}): {detail}")]
pub struct Refused {
    /// Why, for programs.
    pub code: FaultCode,
    /// Why, for people.
    pub detail: String,
}

impl Refused {
    pub(crate) fn from_wire(fault: wire::Fault) -> Refused {
        Refused {
            code: FaultCode::from_wire(fault.code),
            detail: fault.detail,
        }
    }
}

/// Why a messenger is closed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Closed {
    /// This program closed it, or dropped the last of it.
    #[error("the messenger was closed")]
    ByUs,
    /// The broker said goodbye.
    #[error("the broker has closed the connection")]
    ByBroker,
    /// The broker ended the connection for a reason.
    #[error("the broker ended the connection: {0}")]
    Refused(Refused),
    /// The connection broke.
    #[error("the connection to the broker is lost: {0}")]
    Lost(String),
}
