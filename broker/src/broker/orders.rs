//! What a handle asks of its broker's thread.

use std::time::Duration;

use tokio::sync::oneshot;

use crate::hub::{BrokerStatus, Report, Seat};

/// One thing to do.
#[derive(Debug)]
pub(super) enum Order {
    Admit {
        token: String,
        seat: Seat,
    },
    Drain {
        incarnation: u64,
        deadline: Duration,
        cause: String,
    },
    Dismiss {
        incarnation: u64,
    },
    ExpectAgent {
        expected: bool,
    },
    ExpectWorkers {
        count: u32,
    },
    ShuttingDown,
    Report {
        operator: u64,
        id: u64,
        report: Report,
    },
    Status {
        answer: oneshot::Sender<BrokerStatus>,
    },
    Stop,
}
