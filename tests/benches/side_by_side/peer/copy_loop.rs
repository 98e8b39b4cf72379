//! The floor.

use super::{Place, Started, own};
use crate::Trouble;
use crate::talk::Wire;

pub(super) const HOW: &str =
    "a thread for each connection: read into 64 KiB, write to everybody at the other side";

pub(super) fn start(place: Place<'_>) -> Result<Started, Trouble> {
    own("copy-loop", Wire::Bare, place)
}
