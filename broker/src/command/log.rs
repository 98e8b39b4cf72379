//! The log of a master or broker, on stderr.

use std::io::{self, IsTerminal, Write};

use tracing_subscriber::EnvFilter;

use crate::outlet::{Outlet, Stream};

/// What says how much is logged, as `RUST_LOG` does for other programs.
const VARIABLE: &str = "HENHOUSE_LOG";

/// The log, whose last lines are written when this is dropped.
#[must_use = "the last lines are written when it is dropped"]
pub(crate) struct Log {
    outlet: Option<Outlet>,
}

/// Logs from now on. A filter that makes no sense is told and passed over.
///
/// A log that nobody reads must neither stop the master nor end it, and a write to stderr itself
/// could do both.
pub(crate) fn begin() -> Log {
    let filter = EnvFilter::try_from_env(VARIABLE).unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(io::stderr().is_terminal())
        .log_internal_errors(false);
    // Without a thread for it the system is about to refuse the rest as well, and says why.
    let outlet = Outlet::open().ok();
    match outlet.clone() {
        Some(outlet) => log.with_writer(move || Lines(outlet.clone())).init(),
        None => log.with_writer(io::stderr).init(),
    }
    Log { outlet }
}

impl Drop for Log {
    fn drop(&mut self) {
        if let Some(outlet) = &self.outlet {
            outlet.flush();
        }
    }
}

/// Takes what the log writes: an event at a time, with its end of line.
struct Lines(Outlet);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        self.0.line(Stream::Err, text.trim_end().to_owned());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
