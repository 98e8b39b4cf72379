//! What is said of the weather.

use serde::{Deserialize, Serialize};

/// The weather as its source tells it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Weather {
    pub(crate) city: String,
    /// In degrees Celsius.
    pub(crate) temperature: f64,
    /// One more with each change.
    pub(crate) version: u64,
    /// How often anybody has fetched the weather from the source.
    pub(crate) source_requests: u64,
}

/// The weather as the agent tells it to the workers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) weather: Weather,
    pub(crate) updated_by: UpdatedBy,
}

/// Why the agent fetched it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum UpdatedBy {
    Force,
    Pull,
    Push,
}
