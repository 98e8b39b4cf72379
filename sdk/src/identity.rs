//! How the broker knows this program, and what the process layer told it.

use henhouse_proto::wire;

/// What the broker's Welcome said.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Identity {
    pub(crate) pid: u32,
    pub(crate) connection: u64,
    pub(crate) master_pid: u32,
    pub(crate) frame_bytes_max: usize,
    /// How many connections this messenger has had before.
    pub(crate) epoch: u64,
}

impl Identity {
    pub(crate) fn from_wire(welcome: wire::Welcome, epoch: u64) -> Identity {
        Identity {
            pid: welcome.pid,
            connection: welcome.connection,
            master_pid: welcome.master_pid,
            frame_bytes_max: usize::try_from(welcome.frame_bytes_max).unwrap_or(usize::MAX),
            epoch,
        }
    }
}

/// What the process layer put into this process's environment.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Environment {
    pub(crate) index: Option<u32>,
    pub(crate) incarnation: Option<u64>,
    pub(crate) generation: Option<u64>,
}

impl Environment {
    pub(crate) fn of_this_process() -> Environment {
        Environment {
            index: number("HENHOUSE_INDEX").and_then(|index| index.try_into().ok()),
            incarnation: number("HENHOUSE_INCARNATION"),
            generation: number("HENHOUSE_GENERATION"),
        }
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}
