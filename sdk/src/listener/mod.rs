//! The listening sockets that the master binds once for all workers.

mod inherited;
mod stream;

use std::io;
use std::path::PathBuf;

use tokio::net::{TcpListener, UnixListener};

pub use self::inherited::ListenerError;
pub use self::stream::WorkerStream;

/// The listening socket called `name` in the master's configuration, which this process
/// inherited. Each can be taken once.
///
/// The master passes it as systemd does, so this works under a systemd socket unit too. To be
/// called inside a Tokio runtime.
///
/// ```no_run
/// # // Only a master, or systemd, can pass a socket.
/// # async fn serve(stream: henhouse_sdk::WorkerStream) {}
/// # async fn worker() -> Result<(), Box<dyn std::error::Error>> {
/// let listener = henhouse_sdk::listener("http")?;
/// loop {
///     let (stream, _) = listener.accept().await?;
///     tokio::spawn(serve(stream));
/// }
/// # }
/// ```
///
/// # Errors
///
/// Where this process inherited no socket of that name, or it was taken already.
pub fn listener(name: &str) -> Result<WorkerListener, ListenerError> {
    inherited::take(name)
}

/// A listening socket that this process shares with its fellow workers.
#[derive(Debug)]
pub struct WorkerListener {
    socket: Socket,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl WorkerListener {
    fn tcp(listener: std::net::TcpListener) -> io::Result<WorkerListener> {
        listener.set_nonblocking(true)?;
        let socket = Socket::Tcp(TcpListener::from_std(listener)?);
        Ok(WorkerListener { socket })
    }

    fn unix(listener: std::os::unix::net::UnixListener) -> io::Result<WorkerListener> {
        listener.set_nonblocking(true)?;
        let socket = Socket::Unix(UnixListener::from_std(listener)?);
        Ok(WorkerListener { socket })
    }

    /// The next connection, and where it comes from.
    ///
    /// # Errors
    ///
    /// Where the operating system refuses, for example because descriptors have run out. The
    /// listener can be asked again.
    ///
    /// # Cancel safety
    ///
    /// No connection is lost.
    pub async fn accept(&self) -> io::Result<(WorkerStream, WorkerAddress)> {
        match &self.socket {
            Socket::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                Ok((WorkerStream::Tcp(stream), WorkerAddress::Tcp(address)))
            }
            Socket::Unix(listener) => {
                let (stream, address) = listener.accept().await?;
                Ok((WorkerStream::Unix(stream), WorkerAddress::of_unix(&address)))
            }
        }
    }

    /// Where it listens.
    ///
    /// # Errors
    ///
    /// Where the operating system does not say.
    pub fn local_addr(&self) -> io::Result<WorkerAddress> {
        match &self.socket {
            Socket::Tcp(listener) => listener.local_addr().map(WorkerAddress::Tcp),
            Socket::Unix(listener) => {
                let address = listener.local_addr()?;
                Ok(WorkerAddress::of_unix(&address))
            }
        }
    }

    /// The standard library's listener, for servers that want one. It does not block.
    ///
    /// # Errors
    ///
    /// Where it is a Unix socket: see [`into_std_unix`](WorkerListener::into_std_unix).
    pub fn into_std(self) -> io::Result<std::net::TcpListener> {
        match self.socket {
            Socket::Tcp(listener) => listener.into_std(),
            Socket::Unix(_) => Err(wrong_kind("it is a Unix socket: use into_std_unix")),
        }
    }

    /// The standard library's listener, where this is a Unix socket. It does not block.
    ///
    /// # Errors
    ///
    /// Where it is a TCP socket: see [`into_std`](WorkerListener::into_std).
    pub fn into_std_unix(self) -> io::Result<std::os::unix::net::UnixListener> {
        match self.socket {
            Socket::Unix(listener) => listener.into_std(),
            Socket::Tcp(_) => Err(wrong_kind("it is a TCP socket: use into_std")),
        }
    }
}

/// Where a listener listens, or a connection comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WorkerAddress {
    /// An address and a port.
    Tcp(std::net::SocketAddr),
    /// The path of a Unix socket; a client's has none.
    Unix(Option<PathBuf>),
}

impl WorkerAddress {
    fn of_unix(address: &tokio::net::unix::SocketAddr) -> WorkerAddress {
        WorkerAddress::Unix(address.as_pathname().map(PathBuf::from))
    }
}

impl std::fmt::Display for WorkerAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            WorkerAddress::Tcp(address) => address.fmt(f),
            WorkerAddress::Unix(Some(path)) => write!(f, "unix:{}", path.display()),
            WorkerAddress::Unix(None) => f.write_str("unix:"),
        }
    }
}

fn wrong_kind(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what)
}

#[cfg(feature = "axum")]
impl axum::serve::Listener for WorkerListener {
    type Io = WorkerStream;
    type Addr = WorkerAddress;

    async fn accept(&mut self) -> (WorkerStream, WorkerAddress) {
        loop {
            match WorkerListener::accept(self).await {
                Ok(accepted) => return accepted,
                // That client is gone, and the next one need not wait.
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    // Descriptors have run out: some will come back.
                    tracing::error!("cannot accept: {error}");
                    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<WorkerAddress> {
        WorkerListener::local_addr(self)
    }
}

#[cfg(feature = "axum")]
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

#[cfg(feature = "axum")]
impl axum::extract::connect_info::Connected<axum::serve::IncomingStream<'_, WorkerListener>>
    for WorkerAddress
{
    fn connect_info(stream: axum::serve::IncomingStream<'_, WorkerListener>) -> WorkerAddress {
        stream.remote_addr().clone()
    }
}
