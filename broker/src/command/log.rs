//! The log of a master or broker, on stderr.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

/// What says how much is logged, as `RUST_LOG` does for other programs.
const VARIABLE: &str = "HENHOUSE_LOG";

/// Logs from now on. A filter that makes no sense is told and passed over.
pub(crate) fn begin() {
    let filter = EnvFilter::try_from_env(VARIABLE).unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .init();
}
