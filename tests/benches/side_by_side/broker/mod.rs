//! The brokers that this program is itself: ours, the floor and the control.

pub(crate) mod copy_loop;
pub(crate) mod henhouse;
pub(crate) mod naive;

use serde::{Deserialize, Serialize};

/// What such a process is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) socket: String,
    /// How many clients there will be.
    pub(crate) clients: usize,
}
