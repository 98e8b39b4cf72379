//! A program to run: the agent's or the workers'.

use std::{
    env,
    ffi::{OsStr, OsString},
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// What to run, with what, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    pub(crate) command: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) environment: Vec<(OsString, OsString)>,
    pub(crate) directory: PathBuf,
}

/// Why a program cannot be run.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", program.display())]
pub struct ProgramError {
    program: PathBuf,
    reason: String,
}

impl Program {
    /// A program by its name, which is looked up in `PATH` where it has no slash. It runs in the
    /// master's directory, with the master's environment.
    pub fn new(command: impl Into<PathBuf>) -> Self {
        Self {
            command: command.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            directory: PathBuf::new(),
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Adds a variable to its environment.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Runs it in that directory.
    #[must_use]
    pub fn dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = directory.into();
        self
    }

    /// The same program with its path and directory as they are now: where a deploy moves a
    /// symlink on the way, what was resolved before it still runs the old release.
    ///
    /// # Errors
    ///
    /// Where there is no such program or directory, or the program cannot be executed.
    pub(crate) fn resolve(mut self) -> Result<Self, ProgramError> {
        let wrong = |program: &Path, reason: String| ProgramError {
            program: program.to_owned(),
            reason,
        };
        let here = env::current_dir()
            .and_then(|here| here.join(&self.directory).canonicalize())
            .map_err(|error| wrong(&self.directory, format!("no such directory: {error}")))?;
        let named_by_path = self.command.components().count() > 1 || self.command.is_absolute();
        let found = if named_by_path {
            Some(here.join(&self.command))
        } else {
            self.look_up()
        };
        let Some(found) = found else {
            return Err(wrong(&self.command, "not found in PATH".to_owned()));
        };
        if let Err(error) = is_program(&found) {
            return Err(wrong(&found, error.to_string()));
        }
        // Only the directory is made real. The last part stays: many a program (busybox, the
        // python of a virtual environment) goes by the name it is called by.
        let (parent, name) = (found.parent(), found.file_name());
        self.command = match (parent.and_then(|parent| parent.canonicalize().ok()), name) {
            (Some(parent), Some(name)) => parent.join(name),
            _ => found,
        };
        self.directory = here;
        Ok(self)
    }

    fn look_up(&self) -> Option<PathBuf> {
        let own = |name: &OsStr| {
            let pair = self.environment.iter().rev().find(|(n, _)| n == name);
            pair.map(|(_, value)| value.clone())
        };
        let path = own("PATH".as_ref()).or_else(|| env::var_os("PATH"))?;
        env::split_paths(&path)
            .map(|directory| directory.join(&self.command))
            .find(|candidate| is_program(candidate).is_ok())
    }
}

/// This very program, with this process's arguments: one binary can be master, agent and worker.
///
/// # Panics
///
/// Where the operating system does not tell which file this program is.
pub fn this_program() -> Program {
    let command = env::current_exe().expect("the operating system knows which file it runs");
    Program::new(command).args(env::args_os().skip(1))
}

fn is_program(path: &Path) -> io::Result<()> {
    let metadata = path.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("not a file"));
    }
    if metadata.permissions().mode() & 0o111 == 0 {
        return Err(io::Error::other("not executable"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    #[test]
    fn a_name_without_a_slash_is_looked_up_in_path() {
        let program = Program::new("sh").resolve().unwrap();
        assert!(program.command.is_absolute());
        assert!(program.command.ends_with("sh"));
        let error = Program::new("no-such-program").resolve().unwrap_err();
        assert_eq!(error.to_string(), "no-such-program: not found in PATH");
    }

    #[test]
    fn a_deploy_that_moves_a_symlink_does_not_move_what_was_resolved() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        for release in ["one", "two"] {
            fs::create_dir(at(release)).unwrap();
            fs::copy("/bin/sh", at(release).join("worker")).unwrap();
        }
        symlink(at("one"), at("current")).unwrap();
        let resolve = || {
            Program::new("./worker")
                .dir(at("current"))
                .resolve()
                .unwrap()
        };
        let before = resolve();
        fs::remove_file(at("current")).unwrap();
        symlink(at("two"), at("current")).unwrap();
        assert!(before.command.ends_with("one/worker"));
        assert!(before.directory.ends_with("one"));
        assert!(resolve().command.ends_with("two/worker"));
    }

    #[test]
    fn what_cannot_be_executed_is_refused_when_the_config_is_loaded() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("worker");
        fs::write(&path, "").unwrap();
        let error = Program::new(&path).resolve().unwrap_err().to_string();
        assert!(error.ends_with("not executable"), "{error}");
    }
}
