//! The broker of Henhouse, the process layer above it, and the `henhouse` command.

#[cfg(feature = "cli")]
pub mod command;
#[cfg(unix)]
pub mod master;
