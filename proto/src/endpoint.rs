//! Where a broker is to be found.

use std::fmt;
use std::path::{Path, PathBuf};

/// The environment variable that names the broker's endpoint.
pub const SOCKET_VARIABLE: &str = "HENHOUSE_SOCKET";

/// The place where a broker listens: the path of a Unix socket, or the name of a Windows pipe.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint(PathBuf);

impl Endpoint {
    /// An endpoint at `path`: a socket's path, or on Windows a pipe's name such as
    /// `\\.\pipe\henhouse`. A relative socket path is relative to the current directory.
    ///
    /// # Errors
    ///
    /// Where the platform cannot have a socket of that name.
    pub fn new(path: impl Into<PathBuf>) -> Result<Endpoint, EndpointError> {
        let path = path.into();
        if path.as_os_str().is_empty() {
            return Err(EndpointError::Empty);
        }
        check(&path)?;
        Ok(Endpoint(path))
    }

    /// The path or name.
    pub fn as_path(&self) -> &Path {
        &self.0
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

/// Why a path cannot be an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// It is empty.
    #[error("the path of the socket is empty")]
    Empty,
    /// It is too long for this platform.
    #[error(
        "the path of the socket is too long: {path} needs {bytes} bytes and this platform has \
         room for {bytes_max}; choose a shorter one, for example under /run or /tmp"
    )]
    TooLong {
        /// The path.
        path: PathBuf,
        /// How many bytes a socket there needs.
        bytes: usize,
        /// How many there are.
        bytes_max: usize,
    },
    /// It names nothing in a directory.
    #[error("{0} does not name a socket in a directory")]
    NoFileName(PathBuf),
    /// It is not the name of a pipe.
    #[error(r"{0} is not the name of a pipe: it must begin with \\.\pipe\")]
    NotAPipe(PathBuf),
}

#[cfg(unix)]
fn check(path: &Path) -> Result<(), EndpointError> {
    use std::os::unix::ffi::OsStrExt as _;

    // `sun_path`, less the zero at its end.
    let bytes_max = if cfg!(any(target_os = "linux", target_os = "android")) {
        107
    } else {
        103
    };
    if path.file_name().is_none() {
        return Err(EndpointError::NoFileName(path.to_owned()));
    }
    let directory = path
        .parent()
        .map_or(0, |parent| parent.as_os_str().as_bytes().len() + 1);
    // The socket is bound under a temporary name first; see `transport::unix`.
    let temporary = directory + crate::transport::TEMPORARY_NAME_BYTES;
    let bytes = path.as_os_str().as_bytes().len().max(temporary);
    if bytes > bytes_max {
        return Err(EndpointError::TooLong {
            path: path.to_owned(),
            bytes,
            bytes_max,
        });
    }
    Ok(())
}

#[cfg(windows)]
fn check(path: &Path) -> Result<(), EndpointError> {
    let name = path.to_string_lossy().to_ascii_lowercase();
    if !name.starts_with(r"\\.\pipe\") || name.len() == r"\\.\pipe\".len() {
        return Err(EndpointError::NotAPipe(path.to_owned()));
    }
    if name.len() > 256 {
        let (bytes, bytes_max) = (name.len(), 256);
        return Err(EndpointError::TooLong {
            path: path.to_owned(),
            bytes,
            bytes_max,
        });
    }
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_short_path_is_an_endpoint() {
        assert_eq!(
            Endpoint::new("run/h.sock").unwrap().to_string(),
            "run/h.sock"
        );
    }

    #[test]
    fn what_cannot_be_a_socket_is_refused_with_a_reason() {
        assert_eq!(Endpoint::new(""), Err(EndpointError::Empty));
        let long = format!("/tmp/{}", "x".repeat(103));
        let error = Endpoint::new(long).unwrap_err();
        assert!(error.to_string().contains("108 bytes"), "{error}");
        assert!(matches!(
            Endpoint::new("/"),
            Err(EndpointError::NoFileName(_))
        ));
    }
}
