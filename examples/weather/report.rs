//! What is said of the weather.

use serde::{Deserialize, Serialize};

/// The weather as its source tells it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Weather {
    pub city: String,
    /// In degrees Celsius.
    pub temperature: f64,
    /// One more with each change.
    pub version: u64,
    /// How often anybody has fetched the weather from the source.
    pub source_requests: u64,
}

/// The weather as the agent tells it to the workers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    pub weather: Weather,
    pub updated_by: UpdatedBy,
}

/// Why the agent fetched it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UpdatedBy {
    Force,
    Pull,
    Push,
}
