//! Our broker.

use super::{Place, Started, own};
use crate::Trouble;
use crate::wire::Wire;

pub(super) fn start(place: Place<'_>) -> Result<Started, Trouble> {
    own("henhouse", Wire::Henhouse, place)
}
