//! The control.

use super::{Place, Started, own};
use crate::Trouble;
use crate::talk::Wire;

pub(super) const HOW: &str = "tokio on one thread, a task for each connection, a channel for each receiver, two reads and a write for each message";

pub(super) fn start(place: Place<'_>) -> Result<Started, Trouble> {
    own("naive", Wire::Bare, place)
}
