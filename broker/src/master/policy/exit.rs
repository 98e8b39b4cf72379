//! How a process ended, in words.

use std::{fmt, time::Duration};

/// What the operating system said of a process's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It returned this code.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
    /// Somebody else reaped it, so nobody knows.
    Unknown,
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Code(110) => f.write_str("exited with 110 (it lost the master)"),
            Self::Code(code) => write!(f, "exited with {code}"),
            Self::Signal(number) => match signal_name(number) {
                Some(name) => write!(f, "killed by {name}"),
                None => write!(f, "killed by signal {number}"),
            },
            Self::Unknown => f.write_str("ended, and its status was taken by somebody else"),
        }
    }
}

/// A length of time as people say it: `3.2 s`, `45 ms`, `2 h 5 min`.
pub(crate) struct Span(pub(crate) Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, millis) = (self.0.as_secs(), self.0.as_millis());
        match seconds {
            0 => write!(f, "{millis} ms"),
            1..=59 => write!(f, "{seconds}.{} s", (millis / 100) % 10),
            60..=3599 => write!(f, "{} min {} s", seconds / 60, seconds % 60),
            _ => write!(f, "{} h {} min", seconds / 3600, (seconds / 60) % 60),
        }
    }
}

/// The numbers that every Unix shares, and those of Linux for the rest.
fn signal_name(number: i32) -> Option<&'static str> {
    Some(match number {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        24 => "SIGXCPU",
        25 => "SIGXFSZ",
        #[cfg(target_os = "linux")]
        7 => "SIGBUS",
        #[cfg(target_os = "linux")]
        10 => "SIGUSR1",
        #[cfg(target_os = "linux")]
        12 => "SIGUSR2",
        #[cfg(target_os = "linux")]
        31 => "SIGSYS",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_is_told_in_words() {
        assert_eq!(Exit::Code(3).to_string(), "exited with 3");
        assert_eq!(Exit::Signal(9).to_string(), "killed by SIGKILL");
        assert_eq!(Exit::Signal(63).to_string(), "killed by signal 63");
    }

    #[test]
    fn a_span_is_told_as_people_say_it() {
        let say = |millis| Span(Duration::from_millis(millis)).to_string();
        assert_eq!(say(45), "45 ms");
        assert_eq!(say(3_249), "3.2 s");
        assert_eq!(say(125_000), "2 min 5 s");
        assert_eq!(say(7_500_000), "2 h 5 min");
    }
}
