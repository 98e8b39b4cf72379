//! Unix sockets.

mod stream;

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use interprocess::local_socket::traits::tokio::Listener as _;
use interprocess::local_socket::{GenericFilePath, ListenerOptions, ToFsName as _};
use interprocess::os::unix::local_socket::ListenerOptionsExt as _;
use interprocess::os::unix::uds_local_socket::tokio as uds;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FlockOperation, flock};
use tokio::net::UnixStream;

pub use self::stream::Stream;
use super::{BindError, Peer};
use crate::Endpoint;

/// A temporary name beside the socket: a dot, an h, and a pid of at most ten digits.
pub(crate) const TEMPORARY_NAME_BYTES: usize = 12;

/// A socket that takes connections, its owner's alone.
#[derive(Debug)]
pub struct Listener {
    listener: uds::Listener,
    path: PathBuf,
    /// Locked for as long as this broker lives, so that a socket that a killed one left behind
    /// is replaced without a race, and one that lives is not.
    _lock: Lock,
}

impl Listener {
    /// Listens at `endpoint`. Makes its directory (0700) where there is none.
    ///
    /// The socket is bound under a temporary name, made 0600, and renamed into place when it
    /// takes connections: nobody sees it half done, and this process's umask stays as it is.
    ///
    /// # Errors
    ///
    /// Where another broker listens there, or the operating system refuses.
    pub fn bind(endpoint: &Endpoint) -> Result<Listener, BindError> {
        let path = endpoint.as_path();
        let failed = |what, path: &Path| {
            let path = path.to_owned();
            move |error| BindError::Io { what, path, error }
        };
        let directory = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        if let Some(directory) = directory {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(directory)
                .map_err(failed("make the directory", directory))?;
        }
        // In somebody else's directory the socket could be moved away and another put in its
        // place: /tmp is root's, and its sticky bit keeps others from that.
        let parent = directory.unwrap_or(Path::new("."));
        let owner = std::fs::metadata(parent)
            .map_err(failed("look at", parent))?
            .uid();
        if !is_trusted(owner, rustix::process::geteuid().as_raw()) {
            let error = io::Error::new(
                io::ErrorKind::PermissionDenied,
                "the directory belongs to another user; choose one of your own",
            );
            return Err(failed("listen in", parent)(error));
        }
        let lock = Lock::take(path)?;
        let temporary = path.with_file_name(format!(".h{}", std::process::id()));
        match std::fs::remove_file(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed("remove", &temporary)(error));
            }
            _ => {}
        }
        let listener = bind(&temporary).map_err(failed("make the socket", &temporary))?;
        std::fs::rename(&temporary, path).map_err(|error| {
            // The temporary name goes too; that this can fail as well changes nothing.
            let _ = std::fs::remove_file(&temporary);
            failed("move the socket to", path)(error)
        })?;
        Ok(Listener {
            listener,
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// The next connection, and who is at its other end.
    ///
    /// # Errors
    ///
    /// Where the operating system refuses, for example because descriptors have run out. The
    /// listener can be asked again.
    ///
    /// # Cancel safety
    ///
    /// No connection is lost.
    pub async fn accept(&self) -> io::Result<(Stream, Peer)> {
        let stream = UnixStream::from(self.listener.accept().await?);
        let peer = peer(&stream)?;
        Ok((Stream::new(stream)?, peer))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // While the lock is held the path is ours.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Connects to the broker at `endpoint`.
///
/// # Errors
///
/// Where nobody listens there, or the operating system refuses.
///
/// # Cancel safety
///
/// A connection that was not given is closed.
pub async fn connect(endpoint: &Endpoint) -> io::Result<Stream> {
    // Tokio's own, and not interprocess's: that one takes a full backlog for a connection that
    // is under way, and gives a stream whose first write fails.
    Stream::new(UnixStream::connect(endpoint.as_path()).await?)
}

/// Whether the process at the other end is gone, though what it said before has not all been
/// read. Nothing is read to know it.
pub fn is_gone(stream: &Stream) -> bool {
    // Asked for nothing, the kernel still tells that both directions are shut. One that shut
    // only its own is there.
    let Ok(socket) = stream.socket() else {
        return true;
    };
    let mut asked = [PollFd::new(socket, PollFlags::empty())];
    poll(&mut asked, Some(&Timespec::default())).is_ok()
        && asked[0].revents().contains(PollFlags::HUP)
}

/// Whether the owner of a directory may be trusted with a socket of ours.
fn is_trusted(owner: u32, us: u32) -> bool {
    owner == us || owner == 0
}

fn bind(path: &Path) -> io::Result<uds::Listener> {
    let mut options = ListenerOptions::new()
        .name(path.to_fs_name::<GenericFilePath>()?)
        .reclaim_name(false);
    // Elsewhere the socket has its mode after a moment in which only the directory guards it,
    // and the peer's credentials.
    if cfg!(target_os = "linux") {
        options = options.mode(0o600);
    }
    let listener = options.create_tokio_as::<uds::Listener>()?;
    if cfg!(not(target_os = "linux")) {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    }
    Ok(listener)
}

/// The lock of a socket: a file beside it, named after it, and locked for as long as the socket
/// is held.
#[derive(Debug)]
struct Lock {
    path: PathBuf,
    _file: File,
}

impl Lock {
    fn take(socket: &Path) -> Result<Lock, BindError> {
        let mut path = socket.as_os_str().to_owned();
        path.push(".lock");
        let path = PathBuf::from(path);
        let failed = |what| {
            let path = path.clone();
            move |error| BindError::Io { what, path, error }
        };
        loop {
            let mut file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .open(&path)
                .map_err(failed("open the lock file"))?;
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(rustix::io::Errno::WOULDBLOCK) => {
                    let mut holder = String::new();
                    // It is for people; that it cannot be read changes nothing.
                    let _ = file.read_to_string(&mut holder);
                    let holder = holder.trim().parse().ok();
                    return Err(BindError::Held {
                        endpoint: socket.to_owned(),
                        holder,
                    });
                }
                Err(errno) => return Err(failed("lock")(errno.into())),
            }
            // Whoever held it before may have removed it between our opening and our locking:
            // then others lock another file, and this one guards nothing.
            if !is_at(&file, &path) {
                continue;
            }
            file.set_len(0).map_err(failed("write"))?;
            writeln!(file, "{}", std::process::id()).map_err(failed("write"))?;
            return Ok(Lock { path, _file: file });
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Still locked: nobody else has it.
        let _ = std::fs::remove_file(&self.path);
    }
}

fn is_at(file: &File, path: &Path) -> bool {
    let there = std::fs::metadata(path).map(|there| (there.dev(), there.ino()));
    let here = file.metadata().map(|here| (here.dev(), here.ino()));
    matches!((here, there), (Ok(here), Ok(there)) if here == there)
}

fn peer(stream: &UnixStream) -> io::Result<Peer> {
    let credentials = stream.peer_cred()?;
    let uid = credentials.uid();
    Ok(Peer {
        // 0 is what Linux says of a process in a pid namespace beside or above ours.
        pid: credentials
            .pid()
            .and_then(|pid| u32::try_from(pid).ok())
            .filter(|pid| *pid != 0),
        trusted_user: uid == 0 || uid == rustix::process::geteuid().as_raw(),
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn endpoint(directory: &tempfile::TempDir) -> Endpoint {
        Endpoint::new(directory.path().join("run").join("h.sock")).unwrap()
    }

    #[tokio::test]
    async fn a_connection_tells_who_is_at_its_other_end() {
        let directory = tempfile::tempdir().unwrap();
        let endpoint = endpoint(&directory);
        let listener = Listener::bind(&endpoint).unwrap();
        let _client = connect(&endpoint).await.unwrap();
        let (_stream, peer) = listener.accept().await.unwrap();
        assert_eq!(peer, Peer::this_process());
    }

    #[tokio::test]
    async fn one_that_is_gone_is_known_to_be_though_its_last_words_are_unread() {
        let directory = tempfile::tempdir().unwrap();
        let endpoint = endpoint(&directory);
        let listener = Listener::bind(&endpoint).unwrap();
        let client = std::os::unix::net::UnixStream::connect(endpoint.as_path()).unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        (&client).write_all(b"last words").unwrap();
        client.shutdown(std::net::Shutdown::Write).unwrap();
        assert!(!is_gone(&stream), "it may still read");
        drop(client);
        assert!(is_gone(&stream));
    }

    #[tokio::test]
    async fn the_socket_is_its_owners_alone_and_goes_with_the_listener() {
        let directory = tempfile::tempdir().unwrap();
        let endpoint = endpoint(&directory);
        let listener = Listener::bind(&endpoint).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(endpoint.as_path()), 0o600);
        assert_eq!(mode(endpoint.as_path().parent().unwrap()), 0o700);
        drop(listener);
        assert!(!endpoint.as_path().exists());
        let left: Vec<_> = std::fs::read_dir(directory.path().join("run"))
            .unwrap()
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }

    #[test]
    fn a_directory_of_another_user_is_not_trusted() {
        assert!(is_trusted(1000, 1000) && is_trusted(0, 1000));
        assert!(!is_trusted(1001, 1000) && !is_trusted(1001, 0));
    }

    #[tokio::test]
    async fn a_second_listener_hears_who_holds_the_socket() {
        let directory = tempfile::tempdir().unwrap();
        let endpoint = endpoint(&directory);
        let _first = Listener::bind(&endpoint).unwrap();
        let Err(BindError::Held { holder, .. }) = Listener::bind(&endpoint) else {
            panic!("two listeners on one socket");
        };
        assert_eq!(holder, Some(std::process::id()));
        assert!(endpoint.as_path().exists());
    }

    #[tokio::test]
    async fn a_socket_that_was_left_behind_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let endpoint = endpoint(&directory);
        std::fs::create_dir(endpoint.as_path().parent().unwrap()).unwrap();
        drop(std::os::unix::net::UnixListener::bind(endpoint.as_path()).unwrap());
        assert!(endpoint.as_path().exists());
        let _listener = Listener::bind(&endpoint).unwrap();
        connect(&endpoint).await.unwrap();
    }
}
