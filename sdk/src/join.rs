//! Becoming a member of the house.

use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use henhouse_proto::endpoint::{EndpointError, SOCKET_VARIABLE};
use henhouse_proto::{Endpoint, wire};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::Handle;

use crate::fault::Refused;
use crate::identity::{Environment, Identity};
use crate::limits::QUEUED_BYTES_MAX;
use crate::messenger::Messenger;
use crate::role::Role;
use crate::session::{self, HandshakeError, Hello, Loss, handshake};
use crate::shared::Shared;
use crate::source::{Socket, Stream};

/// Joining.
impl Messenger {
    /// Joins the house that started this process, by `HENHOUSE_SOCKET` and `HENHOUSE_TOKEN`.
    ///
    /// A process that has joined so ends with exit code 110 when it loses its master, unless it
    /// is told to [outlive](Join::outlive_broker) it.
    ///
    /// Needs a Tokio runtime with time and I/O enabled; handlers run there.
    pub fn join(role: Role) -> Join {
        Join::from_environment(role)
    }

    /// Speaks over any stream of bytes: one end of a [`tokio::io::duplex`] to a broker in this
    /// process, or to a script in a test.
    pub fn over(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Join {
        Join::over(stream)
    }
}

const TOKEN_VARIABLE: &str = "HENHOUSE_TOKEN";

/// A messenger to be, as [`Messenger::join`] and [`Messenger::over`] give it: await it.
///
/// # Errors
///
/// [`JoinError`], where there is no broker, or where it does not want this process.
///
/// # Cancel safety
///
/// Dropped before it is done, it leaves a broker that saw a process come and go.
#[must_use = "nobody joins until it is awaited"]
pub struct Join {
    source: Source,
    role: wire::Role,
    token: Option<String>,
    name: Option<String>,
    outlive_broker: bool,
    queued_bytes_max: usize,
    /// Whether the master started it, and it ends with the master.
    is_child: bool,
    exit: Box<dyn FnOnce(i32) + Send>,
}

enum Source {
    Environment,
    Socket(PathBuf),
    Stream(Stream),
}

impl Join {
    pub(crate) fn from_environment(role: Role) -> Join {
        Join::new(Source::Environment).role(role)
    }

    pub(crate) fn over(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Join {
        Join::new(Source::Stream(Box::new(stream)))
    }

    fn new(source: Source) -> Join {
        Join {
            role: wire::Role::Worker,
            token: None,
            name: None,
            outlive_broker: false,
            queued_bytes_max: QUEUED_BYTES_MAX,
            is_child: matches!(source, Source::Environment),
            source,
            exit: Box::new(|code| std::process::exit(code)),
        }
    }

    /// What this program is; a worker, where nobody says.
    pub fn role(mut self, role: Role) -> Join {
        self.role = match role {
            Role::Agent => wire::Role::Agent,
            Role::Worker => wire::Role::Worker,
        };
        self
    }

    /// Joins as the program that the master is embedded in: it is told nothing by broadcasts,
    /// and others reach it under the master's pid.
    pub fn as_master(mut self) -> Join {
        self.role = wire::Role::Master;
        self
    }

    /// The broker's socket, instead of `HENHOUSE_SOCKET`: a path, or the name of a Windows
    /// pipe. Losing the broker then closes the messenger, and does not end the process.
    pub fn socket(mut self, path: impl Into<PathBuf>) -> Join {
        self.source = Source::Socket(path.into());
        self.is_child = false;
        self
    }

    /// What proves that the master started this process, instead of `HENHOUSE_TOKEN`.
    pub fn token(mut self, token: impl Into<String>) -> Join {
        self.token = Some(token.into());
        self
    }

    /// What `henhouse status` calls this process; its program's name, where nobody says.
    pub fn name(mut self, name: impl Into<String>) -> Join {
        self.name = Some(name.into());
        self
    }

    /// Reconnects when the broker goes, until it is back, instead of ending: pauses of 50 ms
    /// to 2 s, at random. Messages that had not left go to the next broker; requests whose
    /// message had are answered with an error that says so.
    pub fn outlive_broker(mut self) -> Join {
        self.outlive_broker = true;
        self
    }

    /// How many bytes of messages may wait for this program's handlers before the SDK reads no
    /// more; 64 MiB, where nobody says.
    pub fn queued_bytes_max(mut self, bytes: usize) -> Join {
        self.queued_bytes_max = bytes;
        self
    }

    /// Behaves as one that joined from the environment, where it does not.
    #[cfg(test)]
    pub(crate) fn like_a_child(mut self) -> Join {
        self.is_child = true;
        self
    }

    /// What is called instead of the end of the process.
    #[cfg(test)]
    pub(crate) fn exit(mut self, exit: impl FnOnce(i32) + Send + 'static) -> Join {
        self.exit = Box::new(exit);
        self
    }

    async fn join(self) -> Result<Messenger, JoinError> {
        let (socket, stream) = match self.source {
            Source::Environment => {
                let path = std::env::var_os(SOCKET_VARIABLE).ok_or(JoinError::NoSocket)?;
                (Some(socket(path.into())?), None)
            }
            Source::Socket(path) => (Some(socket(path)?), None),
            Source::Stream(stream) => (None, Some(stream)),
        };
        let (environment, pid) = match socket {
            // The kernel knows our pid, also as a broker in another pid namespace sees it.
            Some(_) => (Environment::of_this_process(), 0),
            None => (Environment::default(), std::process::id()),
        };
        let from_environment = socket
            .as_ref()
            .and_then(|_| std::env::var(TOKEN_VARIABLE).ok());
        let hello = Hello {
            role: self.role,
            pid,
            token: self.token.or(from_environment).unwrap_or_default(),
            name: self.name.unwrap_or_else(program_name),
        };
        let loss = match (self.outlive_broker, &socket) {
            (true, Some(socket)) => Loss::Reconnect(socket.clone(), hello.clone()),
            (true, None) => return Err(JoinError::NothingToReconnect),
            (false, _) if self.is_child => Loss::Exit(self.exit),
            (false, _) => Loss::Close,
        };
        let stream = match (stream, socket) {
            (Some(stream), _) => stream,
            (None, Some(socket)) => {
                let connected = socket.connect().await;
                connected.map_err(|error| JoinError::Connect {
                    socket: socket.endpoint.as_path().to_owned(),
                    error,
                })?
            }
            (None, None) => return Err(JoinError::NoSocket),
        };
        let (connection, welcome) =
            handshake(stream, &hello)
                .await
                .map_err(|error| match error {
                    HandshakeError::Refused(refused) => JoinError::Refused(refused),
                    HandshakeError::Io(error) => JoinError::Handshake(error),
                })?;
        let runtime = Handle::current();
        let shared = Arc::new(Shared::new(
            Identity::from_wire(welcome, 0),
            environment,
            self.queued_bytes_max,
            runtime.clone(),
        ));
        runtime.spawn(session::run(shared.clone(), connection, loss));
        Ok(Messenger::new(shared))
    }
}

impl IntoFuture for Join {
    type Output = Result<Messenger, JoinError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.join())
    }
}

fn socket(path: PathBuf) -> Result<Socket, JoinError> {
    let endpoint = Endpoint::new(path).map_err(JoinError::Socket)?;
    Ok(Socket { endpoint })
}

fn program_name() -> String {
    let path = std::env::current_exe().unwrap_or_default();
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// Why a program could not join.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// Nobody said where the broker is.
    #[error(
        "HENHOUSE_SOCKET is not set: start this program under `henhouse start`, or name the \
         socket with `.socket(path)`"
    )]
    NoSocket,
    /// The socket's path cannot be one.
    #[error("{0}")]
    Socket(EndpointError),
    /// Nobody listens there.
    #[error("cannot connect to the broker at {}: {error}", socket.display())]
    Connect {
        /// Where.
        socket: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// It was no broker, or it left.
    #[error("cannot join: {0}")]
    Handshake(io::Error),
    /// The broker does not want this process.
    #[error("cannot join: {0}")]
    Refused(Refused),
    /// A stream that ends cannot be opened again.
    #[error("`outlive_broker` needs a socket to reconnect to, and this is a stream")]
    NothingToReconnect,
}
