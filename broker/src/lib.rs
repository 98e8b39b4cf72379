//! The broker of Henhouse, the process layer above it, and the `henhouse` command.

pub mod broker;
mod hub;
pub mod limits;
#[cfg(any(unix, feature = "cli"))]
mod outlet;
mod roster;
mod session;

#[cfg(feature = "cli")]
pub mod command;
#[cfg(unix)]
pub mod master;

#[cfg(unix)]
pub use master::{Ended, Master, MasterError, MasterHandle, Program, this_program};

/// The hub for a fuzzer, and for nobody else.
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing {
    /// Plays the program that these bytes are, and checks what is promised about its messages.
    pub fn play(bytes: &[u8]) {
        crate::hub::play(bytes);
    }
}
