//! The sockets that the master binds once, for all workers and all their successors.

use std::{
    fmt, fs, io,
    net::{SocketAddr, ToSocketAddrs},
    os::{
        fd::{AsFd, OwnedFd},
        unix::{fs::FileTypeExt, net::UnixStream},
    },
    path::{Path, PathBuf},
};

use socket2::{Domain, SockAddr, Socket, Type};

use super::{
    raw::{self, LISTEN_FIRST},
    reserve::above_reserved,
};

/// How many connections may wait while all workers are busy or none is there; the kernel caps it
/// at `somaxconn`.
const BACKLOG: i32 = 1_024;

/// Where a listener listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    Tcp(SocketAddr),
    Unix(PathBuf),
    /// A socket of that name that systemd opened for the master.
    Systemd(String),
}

/// An address that makes no sense.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{text}` is not an address: it must be like 127.0.0.1:7001, unix:PATH or systemd:NAME{why}"
)]
pub struct AddressError {
    text: String,
    why: String,
}

impl Address {
    /// Reads an address as the config file has it.
    pub(crate) fn parse(text: &str) -> Result<Self, AddressError> {
        let bad = |why: String| AddressError {
            text: text.to_owned(),
            why,
        };
        match text.split_once(':') {
            Some(("unix", "")) | Some(("systemd", "")) => Err(bad(String::new())),
            Some(("unix", path)) => Ok(Self::Unix(path.into())),
            Some(("systemd", name)) => Ok(Self::Systemd(name.to_owned())),
            Some(_) => match text.to_socket_addrs() {
                Ok(mut found) => found
                    .next()
                    .map(Self::Tcp)
                    .ok_or_else(|| bad(String::new())),
                Err(error) => Err(bad(format!(" ({error})"))),
            },
            None => Err(bad(String::new())),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Systemd(name) => write!(f, "systemd:{name}"),
        }
    }
}

/// Why there is no socket to listen at.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListenError {
    /// Somebody else listens there.
    #[error("{0} is in use: another program listens there")]
    InUse(String),
    /// This user may not.
    #[error("{0} is not allowed to this user{1}")]
    NotAllowed(String, &'static str),
    /// The machine has no such address.
    #[error("{0} is not an address of this machine")]
    NotHere(String),
    /// A file is in the way.
    #[error("{0} is there already, and is not a socket")]
    NotASocket(String),
    /// systemd passed no socket of that name.
    #[error("systemd passed no socket named `{name}`{passed}")]
    NotPassed {
        /// The name that was wanted.
        name: String,
        /// Those that were passed.
        passed: String,
    },
    /// Anything else.
    #[error("{0}: {1}")]
    Other(String, #[source] io::Error),
}

/// A socket that the master keeps open as long as any configuration or worker has it, and that
/// workers accept on.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) socket: OwnedFd,
    /// The address that was asked for.
    pub(crate) wanted: Address,
    /// The socket's own idea of its address: with port 0 the kernel chose one.
    pub(crate) address: String,
}

impl Listener {
    /// Binds the address, or takes it over from systemd.
    pub(crate) fn open(wanted: &Address) -> Result<Self, ListenError> {
        let text = wanted.to_string();
        let socket = match wanted {
            Address::Tcp(at) => bind_tcp(*at).map_err(|e| say(&text, e))?,
            Address::Unix(path) => {
                make_room(path, &text)?;
                bind_unix(path).map_err(|e| say(&text, e))?
            }
            Address::Systemd(name) => take_passed(name)?,
        };
        // Above the numbers that children get their listeners at, and kept out of every exec.
        let socket = rustix::io::fcntl_dupfd_cloexec(socket.as_fd(), above_reserved())
            .map_err(|error| ListenError::Other(text.clone(), error.into()))?;
        let bound = local_address(&socket);
        Ok(Self {
            socket,
            wanted: wanted.clone(),
            address: bound.map_or(text, |address| address.to_string()),
        })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Address::Unix(path) = &self.wanted {
            let _ = fs::remove_file(path);
        }
    }
}

fn local_address(socket: &OwnedFd) -> Option<SocketAddr> {
    let bound = Socket::from(socket.try_clone().ok()?);
    bound.local_addr().ok()?.as_socket()
}

fn bind_tcp(address: SocketAddr) -> io::Result<OwnedFd> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // A master that starts again must not wait for the connections of the one before.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn bind_unix(path: &Path) -> io::Result<OwnedFd> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&SockAddr::unix(path)?)?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Removes a socket that a killed master left. One where somebody answers is left alone.
fn make_room(path: &Path, text: &str) -> Result<(), ListenError> {
    let Ok(found) = fs::symlink_metadata(path) else {
        return Ok(());
    };
    if !found.file_type().is_socket() {
        return Err(ListenError::NotASocket(text.to_owned()));
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(|error| say(text, error))
        }
        Err(error) => Err(say(text, error)),
        Ok(_) => Err(ListenError::InUse(text.to_owned())),
    }
}

fn take_passed(wanted: &str) -> Result<OwnedFd, ListenError> {
    let names = passed_names();
    let Some(index) = names.iter().position(|name| name == wanted) else {
        return Err(ListenError::NotPassed {
            name: wanted.to_owned(),
            passed: match names.is_empty() {
                true => "; it passed none to this process".to_owned(),
                false => format!("; it passed {}", names.join(", ")),
            },
        });
    };
    let number = LISTEN_FIRST + i32::try_from(index).unwrap_or_default();
    raw::adopt_listener(number, above_reserved())
        .map_err(|error| ListenError::Other(format!("systemd:{wanted}"), error))
}

/// The names of the sockets that systemd passed to this very process.
fn passed_names() -> Vec<String> {
    let variable = |name| std::env::var(name).ok();
    let ours = variable("LISTEN_PID").and_then(|pid| pid.parse().ok()) == Some(std::process::id());
    let count = variable("LISTEN_FDS").and_then(|count| count.parse::<usize>().ok());
    let Some(count) = count.filter(|_| ours) else {
        return Vec::new();
    };
    let names = variable("LISTEN_FDNAMES").unwrap_or_default();
    let mut names: Vec<String> = names.split(':').map(str::to_owned).collect();
    // systemd leaves the names out where nobody asked for any.
    names.resize(count, "unknown".to_owned());
    names
}

fn say(text: &str, error: io::Error) -> ListenError {
    let text = text.to_owned();
    match error.kind() {
        io::ErrorKind::AddrInUse => ListenError::InUse(text),
        io::ErrorKind::AddrNotAvailable => ListenError::NotHere(text),
        io::ErrorKind::PermissionDenied if text.starts_with("unix:") => {
            ListenError::NotAllowed(text, "")
        }
        io::ErrorKind::PermissionDenied => ListenError::NotAllowed(
            text,
            ": ports below 1024 are for root, or let systemd open it",
        ),
        _ => ListenError::Other(text, error),
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Read, net::TcpStream};

    use super::*;

    fn open(address: &str) -> Result<Listener, ListenError> {
        Listener::open(&Address::parse(address).unwrap())
    }

    #[test]
    fn an_address_is_one_of_three_kinds() {
        let tcp = "127.0.0.1:7001".parse().map(Address::Tcp).unwrap();
        assert_eq!(Address::parse("127.0.0.1:7001").unwrap(), tcp);
        assert_eq!(
            Address::parse("unix:a/b").unwrap(),
            Address::Unix("a/b".into())
        );
        assert_eq!(
            Address::parse("systemd:web").unwrap(),
            Address::Systemd("web".into())
        );
        for bad in ["", "7001", "unix:", "systemd:", "127.0.0.1:99999"] {
            assert!(Address::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_port_in_use_is_told_as_such() {
        let first = open("127.0.0.1:0").unwrap();
        let error = open(&first.address).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("{} is in use: another program listens there", first.address)
        );
    }

    #[test]
    fn clients_wait_in_the_backlog_though_nobody_accepts() {
        let listener = open("127.0.0.1:0").unwrap();
        let waiting = TcpStream::connect(&listener.address).unwrap();
        waiting.set_nonblocking(true).unwrap();
        let error = (&waiting).read(&mut [0]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn a_stale_socket_is_replaced_and_a_live_one_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("web.sock");
        let address = format!("unix:{}", path.display());
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let listener = open(&address).unwrap();
        assert!(matches!(open(&address), Err(ListenError::InUse(_))));
        drop(listener);
        assert!(!path.exists());
        fs::write(&path, "").unwrap();
        assert!(matches!(open(&address), Err(ListenError::NotASocket(_))));
    }

    #[test]
    fn a_socket_that_systemd_did_not_pass_is_named() {
        let error = open("systemd:web").unwrap_err().to_string();
        assert!(
            error.starts_with("systemd passed no socket named `web`"),
            "{error}"
        );
    }
}
