//! What a handler may return.

use std::fmt::Display;

/// An error of any kind.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What a handler may return: nothing, or a `Result` of nothing. A failure is logged with the
/// action, and the messenger lives on.
pub trait Outcome {
    /// Why it failed, if it did.
    fn failure(self) -> Option<String>;
}

impl Outcome for () {
    fn failure(self) -> Option<String> {
        None
    }
}

impl<E: Display> Outcome for Result<(), E> {
    fn failure(self) -> Option<String> {
        self.err().map(|error| error.to_string())
    }
}
