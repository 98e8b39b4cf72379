//! A command's conversation with a running master, over the master's own socket.

use std::{
    io::{self, Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

use henhouse_proto::{
    frame,
    wire::{self, command::Verb, frame::Body, report::Content},
};

/// A master that takes longer to say Welcome is not well.
const WELCOME_MAX: Duration = Duration::from_secs(5);

/// The only command of a conversation.
const ID: u64 = 1;

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OperatorError {
    #[error("no master is running at {}", .0.display())]
    NotRunning(PathBuf),
    #[error("cannot talk to the master at {}: {error}", socket.display())]
    Io { socket: PathBuf, error: io::Error },
    #[error("the master refuses: {0}")]
    Refused(String),
    #[error("the master says what this command does not understand; are both of one version?")]
    Malformed,
}

/// How the command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) ok: bool,
    pub(crate) detail: String,
}

/// Asks the master at `socket`, gives each piece of the answer to `tell`, and returns its end.
pub(crate) fn ask(
    socket: &Path,
    verb: Verb,
    mut tell: impl FnMut(Content),
) -> Result<Outcome, OperatorError> {
    let failed = |error: io::Error| OperatorError::Io {
        socket: socket.to_owned(),
        error,
    };
    let mut stream = UnixStream::connect(socket).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
            OperatorError::NotRunning(socket.to_owned())
        }
        _ => failed(error),
    })?;
    stream.set_read_timeout(Some(WELCOME_MAX)).map_err(failed)?;
    let hello = wire::Hello {
        version: 1,
        role: wire::Role::Operator.into(),
        name: "henhouse".to_owned(),
        ..wire::Hello::default()
    };
    let command = wire::Command {
        id: ID,
        verb: Some(verb),
    };
    stream
        .write_all(&frame::encode(Body::Hello(hello)))
        .map_err(failed)?;
    loop {
        match read(&mut stream).map_err(failed)? {
            Some(Body::Welcome(_)) => break,
            Some(Body::Fault(fault)) => return Err(OperatorError::Refused(fault.detail)),
            Some(_) => {}
            None => return Err(OperatorError::Malformed),
        }
    }
    // A reload takes as long as it takes.
    stream.set_read_timeout(None).map_err(failed)?;
    stream
        .write_all(&frame::encode(Body::Command(command)))
        .map_err(failed)?;
    loop {
        match read(&mut stream).map_err(failed)? {
            Some(Body::Report(report)) if report.id == ID => match report.content {
                Some(Content::Outcome(wire::Outcome { ok, detail })) => {
                    return Ok(Outcome { ok, detail });
                }
                Some(content) => tell(content),
                None => {}
            },
            Some(Body::Ping(wire::Ping { nonce })) => {
                let pong = Body::Pong(wire::Pong { nonce });
                stream.write_all(&frame::encode(pong)).map_err(failed)?;
            }
            Some(Body::Fault(fault)) => return Err(OperatorError::Refused(fault.detail)),
            Some(_) => {}
            None => return Err(OperatorError::Malformed),
        }
    }
}

/// The next frame's body; none where it has none that is known.
fn read(stream: &mut UnixStream) -> io::Result<Option<Body>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u64::from(u32::from_be_bytes(length));
    // It grows with what arrives, and not with what a length claims.
    let mut bytes = Vec::new();
    if Read::take(&*stream, length).read_to_end(&mut bytes)? as u64 != length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let frame = frame::decode(bytes.into()).map_err(io::Error::other)?;
    Ok(frame.body)
}
