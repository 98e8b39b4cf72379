//! What the command says, to whoever called it.

use std::{
    fmt::Display,
    io::{self, Write},
};

/// A line of the answer. Nobody reads it where that fails (`henhouse logs | head`), and then
/// nothing else is to be done about it.
#[cfg(unix)]
pub(crate) fn say(line: impl Display) {
    let _ = writeln!(io::stdout().lock(), "{line}");
}

/// A line about what went wrong.
pub(crate) fn complain(line: impl Display) {
    let _ = writeln!(io::stderr().lock(), "henhouse: {line}");
}
