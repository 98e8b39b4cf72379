//! The `henhouse` command line.

use std::process::ExitCode;

/// Runs the command with the process's own arguments.
pub fn main() -> ExitCode {
    ExitCode::from(2)
}
