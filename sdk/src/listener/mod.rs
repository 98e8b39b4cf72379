//! The listening sockets that the master binds once for all workers.

mod inherited;
mod quiet;
#[cfg(feature = "axum")]
mod served;
mod stream;

use std::io;
use std::path::PathBuf;

use tokio::net::{TcpListener, UnixListener};

use self::quiet::Gate;
use crate::drain::Drain;

pub use self::inherited::ListenerError;
#[cfg(feature = "axum")]
pub use self::served::ServedStream;
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
    gate: Gate,
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
        Ok(WorkerListener::over(socket))
    }

    fn unix(listener: std::os::unix::net::UnixListener) -> io::Result<WorkerListener> {
        listener.set_nonblocking(true)?;
        let socket = Socket::Unix(UnixListener::from_std(listener)?);
        Ok(WorkerListener::over(socket))
    }

    fn over(socket: Socket) -> WorkerListener {
        let gate = Gate::new();
        WorkerListener { socket, gate }
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
        tokio::select! {
            biased;
            () = self.gate.closed() => std::future::pending().await,
            accepted = self.accept_any() => accepted,
        }
    }

    /// When to shut a server down: the drain, and a moment later.
    ///
    /// From the drain on the listener gives no connection any more; others take them. The future
    /// ends when each connection that `axum::serve` has accepted has sent its first bytes, or
    /// was silent for a second. A server that is told to shut down before would close
    /// connections whose first request is still on its way.
    ///
    /// ```no_run
    /// # // Only a master, or systemd, can pass a socket.
    /// # #[cfg(feature = "axum")]
    /// # async fn worker(messenger: henhouse_sdk::Messenger, app: axum::Router) -> Result<(), Box<dyn std::error::Error>> {
    /// let listener = messenger.listener("http")?;
    /// let quiet = listener.quiet_after(messenger.draining());
    /// axum::serve(listener, app)
    ///     .with_graceful_shutdown(async { drop(quiet.await) })
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn quiet_after<F>(&self, drain: F) -> impl Future<Output = Drain> + Send + 'static
    where
        F: Future<Output = Drain> + Send + 'static,
    {
        self.gate.clone().quiet_after(drain)
    }

    async fn accept_any(&self) -> io::Result<(WorkerStream, WorkerAddress)> {
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
