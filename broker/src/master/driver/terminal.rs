//! Whether the terminal from which the master was started has gone.

use std::fs::{self, File};

/// The controlling terminal, as it was at the start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terminal {
    was_there: bool,
    hang_up_is_ignored: bool,
}

impl Terminal {
    pub(super) fn at_start() -> Self {
        Self {
            was_there: is_there(),
            hang_up_is_ignored: ignores_hang_up(&fs::read_to_string("/proc/self/status")),
        }
    }

    /// Whether whoever started the master wanted it to outlive the terminal.
    pub(super) fn hang_up_is_ignored(self) -> bool {
        self.hang_up_is_ignored
    }

    pub(super) fn has_hung_up(self) -> bool {
        self.was_there && !is_there()
    }
}

fn is_there() -> bool {
    match File::open("/dev/tty") {
        Ok(_) => true,
        // Anything else, such as that descriptors have run out, does not say that it is gone.
        Err(error) => !matches!(
            error.raw_os_error(),
            Some(libc::ENXIO | libc::EIO | libc::ENOENT)
        ),
    }
}

/// Where the system does not say, HUP is listened for.
fn ignores_hang_up(status: &std::io::Result<String>) -> bool {
    let Ok(status) = status else {
        return false;
    };
    status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nohup_is_recognised() {
        let status = |mask: &str| Ok(format!("Name:\thenhouse\nSigIgn:\t{mask}\n"));
        assert!(ignores_hang_up(&status("0000000000000001")));
        assert!(!ignores_hang_up(&status("0000000000001000")));
        assert!(!ignores_hang_up(&Ok(String::new())));
    }
}
