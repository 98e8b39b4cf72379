//! The few steps for which no safe interface exists, and the only `unsafe` of this crate.
//!
//! What a child does between fork and exec (descriptors, signals, its own pid in its environment,
//! the parent-death signal), whose zombie waits to be reaped, and taking over descriptors that systemd
//! passed in.

#![expect(
    unsafe_code,
    reason = "pre_exec, `environ`, close_range, waitid's pid and inherited descriptors have no safe form"
)]

use std::{
    ffi::{OsStr, OsString, c_char},
    io,
    os::{
        fd::{FromRawFd, OwnedFd, RawFd},
        unix::{ffi::OsStrExt, process::CommandExt},
    },
    process::Command,
};

use rustix::process::{Pid, Signal};

/// The first descriptor of those that are passed as systemd passes them.
pub(crate) const LISTEN_FIRST: RawFd = 3;

/// The most listeners: so many descriptors from 3 on are kept occupied in the master.
pub(crate) const LISTENERS_MAX: usize = 16;

/// What a child does to itself before it becomes the program.
#[derive(Debug)]
pub(crate) struct ChildSetup {
    /// Sent to it by the kernel when the thread that forked it ends.
    pub(crate) death_signal: Signal,
    /// The master's pid, as its parent must be.
    pub(crate) parent: Pid,
    /// These become 3, 4 and so on; each must lie above all of those.
    pub(crate) listeners: Vec<RawFd>,
    /// Its whole environment; `LISTEN_PID` is added where there are listeners.
    pub(crate) environment: Vec<(OsString, OsString)>,
}

/// Has the command's child set itself up so. The command must set no environment of its own: it
/// would take the place of this one.
pub(crate) fn arm(command: &mut Command, setup: ChildSetup) {
    let mut environment = Environment::new(&setup.environment, !setup.listeners.is_empty());
    let ChildSetup {
        death_signal,
        parent,
        listeners,
        ..
    } = setup;
    let set_up = move || {
        die_with_parent(death_signal, parent)?;
        let mut next = LISTEN_FIRST;
        for &listener in &listeners {
            // SAFETY: dup2 takes plain numbers; the target may be open or not. It is not
            // close-on-exec afterwards, since it never is the source itself.
            if unsafe { libc::dup2(listener, next) } < 0 {
                return Err(io::Error::last_os_error());
            }
            next += 1;
        }
        close_others_on_exec(next);
        unblock_all_signals()?;
        environment.install();
        Ok(())
    };
    // SAFETY: between fork and exec only calls that are async-signal-safe are allowed. The closure
    // makes system calls, and writes into memory that was allocated before the fork; it allocates
    // nothing and takes no lock (an `io::Error` of an errno allocates nothing either).
    unsafe {
        command.pre_exec(set_up);
    }
}

/// Asks for a signal at the parent's end. The parent may have ended before that: then the child
/// has another one already. (Comparing with 1 would not do: the new parent may be a subreaper.)
fn die_with_parent(signal: Signal, parent: Pid) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(signal))?;
    #[cfg(not(target_os = "linux"))]
    let _ = signal;
    if rustix::process::getppid() != Some(parent) {
        return Err(io::Error::from_raw_os_error(libc::ESRCH));
    }
    Ok(())
}

/// A child begins with no signal blocked, whatever the thread that forked it, or whoever started
/// the master, has blocked: std passes the mask on as it is.
fn unblock_all_signals() -> io::Result<()> {
    // SAFETY: all zeros are a valid sigset_t, which sigemptyset makes an empty one; sigprocmask
    // reads it, and after the fork this process has one thread.
    let failed = unsafe {
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut())
    };
    if failed == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Closes at exec whatever an embedding program left open. std's own pipe, by which it hears of a
/// failed exec, is among them and is closed at exec in any case. Kernels before 5.11 cannot do
/// this, and there only what was opened carelessly stays open.
fn close_others_on_exec(first: RawFd) {
    #[cfg(target_os = "linux")]
    // SAFETY: close_range with CLOEXEC takes three numbers and touches no memory.
    unsafe {
        libc::syscall(
            libc::SYS_close_range,
            first,
            libc::c_uint::MAX,
            libc::CLOSE_RANGE_CLOEXEC,
        );
    }
    #[cfg(not(target_os = "linux"))]
    let _ = first;
}

/// Room for the digits of any pid.
const PID_DIGITS_MAX: usize = 10;

/// An environment as `execve` takes it, built before the fork.
///
/// `LISTEN_PID` must be the pid of the process that runs the program, which nobody knows before
/// the fork; `Command::env` cannot say it, and a shell in between would be one more thing to die.
struct Environment {
    /// `NAME=value\0` after each other.
    text: Vec<u8>,
    /// Where each of them begins, and a null at the end.
    pointers: Vec<*const c_char>,
    /// Where in `text` the digits of the pid go.
    pid_at: Option<usize>,
}

// SAFETY: the pointers point into the heap memory of `text`, which the value owns and which is
// neither grown nor replaced after `new`; they are used by `install` alone, through `&mut`.
unsafe impl Send for Environment {}
// SAFETY: as above; there is no use through `&`.
unsafe impl Sync for Environment {}

impl Environment {
    fn new(variables: &[(OsString, OsString)], listens: bool) -> Self {
        let mut text = Vec::new();
        let mut starts = Vec::new();
        let mut add = |name: &OsStr, value: &[u8]| {
            // A NUL cannot be passed on; none can come from the master's own environment.
            if name.as_bytes().contains(&0) || value.contains(&0) {
                return;
            }
            starts.push(text.len());
            text.extend_from_slice(name.as_bytes());
            text.push(b'=');
            text.extend_from_slice(value);
            text.push(0);
        };
        for (name, value) in variables {
            add(name, value.as_bytes());
        }
        let pid_at = listens.then(|| {
            starts.push(text.len());
            text.extend_from_slice(b"LISTEN_PID=");
            let at = text.len();
            text.extend_from_slice(&[0; PID_DIGITS_MAX + 1]);
            at
        });
        let base = text.as_mut_ptr().cast_const().cast::<c_char>();
        let mut pointers: Vec<_> = starts
            .into_iter()
            .map(|start| base.wrapping_add(start))
            .collect();
        pointers.push(std::ptr::null());
        Self {
            text,
            pointers,
            pid_at,
        }
    }

    /// Makes it this process's environment. Only for a child between fork and exec.
    fn install(&mut self) {
        if let Some(at) = self.pid_at {
            let mut pid = std::process::id();
            let mut digits = [0; PID_DIGITS_MAX];
            let mut first = PID_DIGITS_MAX;
            loop {
                first -= 1;
                digits[first] = b'0' + u8::try_from(pid % 10).unwrap_or_default();
                pid /= 10;
                if pid == 0 {
                    break;
                }
            }
            let digits = &digits[first..];
            self.text[at..at + digits.len()].copy_from_slice(digits);
        }
        // SAFETY: after the fork this process has one thread, so nobody reads `environ` meanwhile;
        // the strings and the array live until exec, since the closure that owns them is not
        // dropped before.
        unsafe {
            environ = self.pointers.as_ptr();
        }
    }
}

unsafe extern "C" {
    /// What `execvp` passes on.
    static mut environ: *const *const c_char;
}

/// The pid of some child that has ended and was not reaped; it stays so.
pub(crate) fn ended_child() -> Option<Pid> {
    // SAFETY: all zeros are a valid siginfo_t.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: `info` is a siginfo_t to be written to.
    let result = unsafe { libc::waitid(libc::P_ALL, 0, &raw mut info, options) };
    if result != 0 {
        return None;
    }
    // SAFETY: waitid filled it in; with WNOHANG and nobody there the pid is 0.
    Pid::from_raw(unsafe { info.si_pid() })
}

/// Takes over the descriptors that were passed to this process as systemd passes them, by making
/// copies of them above all that children are given. The originals stay open: they keep their
/// numbers occupied, as [`super::reserve`] wants it.
pub(crate) fn adopt_listener(number: RawFd, above: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: F_DUPFD_CLOEXEC takes numbers; one that is not open is an error.
    let copy = unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, above) };
    if copy < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it was just made, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}
