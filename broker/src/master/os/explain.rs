//! Why a program was not started, in words that say what to do about it.

use std::io;

use crate::master::program::Program;

/// What the system said of that start, where it happened, and what helps.
pub(super) fn explain(program: &Program, error: &io::Error) -> String {
    let (command, directory) = (&program.command, &program.directory);
    let what = match error.raw_os_error() {
        // To enter the directory fails with the same errors as to run the program.
        Some(libc::ENOENT | libc::ENOTDIR | libc::EACCES) if !may_enter(directory) => {
            let directory = directory.display();
            return format!("cannot enter its directory {directory}: {error}; mend `dir`");
        }
        Some(libc::ENOENT) if command.exists() => {
            "it is there, but the interpreter that it names, or its loader, is not"
        }
        Some(libc::ENOENT) => "put it there, or mend `command`",
        Some(libc::EACCES) => "make it executable for this user (chmod +x)",
        Some(libc::ENOEXEC) => "it is no program of this machine and has no #! line",
        Some(libc::ETXTBSY) => "somebody is writing it: put a new one there by a rename",
        Some(libc::E2BIG) => "`env`, the inherited environment and the arguments are too long",
        Some(libc::EMFILE) => {
            "the master has no descriptor left: raise its limit (ulimit -n, LimitNOFILE=)"
        }
        Some(libc::ENFILE) => "the machine has no descriptor left (fs.file-max)",
        Some(libc::EAGAIN) => {
            "no more processes may run: raise the limit (ulimit -u, LimitNPROC=, TasksMax=)"
        }
        Some(libc::ENOMEM) => "there is no memory for one more process",
        Some(libc::EPERM) => "a security policy (noexec, seccomp, SELinux) forbids it",
        _ => return format!("{}: {error}", command.display()),
    };
    format!("{}: {error}; {what}", command.display())
}

fn may_enter(directory: &std::path::Path) -> bool {
    rustix::fs::access(directory, rustix::fs::Access::EXEC_OK).is_ok() && directory.is_dir()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(command: &str, directory: &str, errno: i32, expected: &str) {
        let mut program = Program::new("sh").resolve().unwrap();
        program.command = command.into();
        program.directory = directory.into();
        let told = explain(&program, &io::Error::from_raw_os_error(errno));
        assert!(told.contains(expected), "{told}");
    }

    #[test]
    fn the_directory_is_told_from_the_program_and_the_program_from_its_interpreter() {
        check(
            "/bin/sh",
            "/no/such",
            libc::ENOENT,
            "its directory /no/such",
        );
        check("/no/such", "/", libc::ENOENT, "/no/such: No such file");
        check("/bin/sh", "/", libc::ENOENT, "the interpreter");
        check("/etc", "/", libc::EACCES, "chmod +x");
    }

    #[test]
    fn a_limit_is_named_with_what_raises_it() {
        check("/bin/sh", "/", libc::EMFILE, "ulimit -n");
        check("/bin/sh", "/", libc::EAGAIN, "ulimit -u");
        check("/bin/sh", "/", libc::E2BIG, "too long");
    }

    #[test]
    fn anything_else_is_told_as_the_system_says_it() {
        check("/bin/sh", "/", libc::EIO, "/bin/sh: ");
    }
}
