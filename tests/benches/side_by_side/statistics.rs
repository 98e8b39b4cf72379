//! Numbers of several rounds, in one.

use serde::{Deserialize, Serialize};

/// The middle one of a few, with both ends: a mean would carry every disturbance of the host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    /// Of each round, in their order.
    pub(crate) values: Vec<f64>,
}

impl Spread {
    /// `None` of none.
    pub(crate) fn of(values: &[f64]) -> Option<Spread> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        Some(Spread {
            median: middle(&sorted)?,
            min: *sorted.first()?,
            max: *sorted.last()?,
            values: values.to_vec(),
        })
    }
}

fn middle(sorted: &[f64]) -> Option<f64> {
    let upper = *sorted.get(sorted.len() / 2)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    Some(f64::midpoint(sorted[sorted.len() / 2 - 1], upper))
}

/// The value that a `share` of the sorted ones is not above.
pub(crate) fn percentile(sorted: &[u64], share: f64) -> f64 {
    let index = (sorted.len() as f64 * share) as usize;
    sorted
        .get(index.min(sorted.len().saturating_sub(1)))
        .map_or(f64::NAN, |value| *value as f64)
}
