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

/// The only command or message of a conversation.
pub(crate) const ID: u64 = 1;

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OperatorError {
    #[error(
        "no master is running at {}; start one with `henhouse start`, or name another with -c or \
         --socket",
        .0.display()
    )]
    NotRunning(PathBuf),
    #[error("the master at {} ended before it had answered; its log tells why", .0.display())]
    Ended(PathBuf),
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
    let mut conversation = Conversation::open(socket)?;
    conversation.say(Body::Command(wire::Command {
        id: ID,
        verb: Some(verb),
    }))?;
    loop {
        match conversation.next()? {
            Body::Report(report) if report.id == ID => match report.content {
                Some(Content::Outcome(wire::Outcome { ok, detail })) => {
                    return Ok(Outcome { ok, detail });
                }
                Some(content) => tell(content),
                None => {}
            },
            Body::Fault(fault) => return Err(OperatorError::Refused(fault.detail)),
            _ => {}
        }
    }
}

/// A connection on which an operator was welcomed.
pub(crate) struct Conversation {
    socket: PathBuf,
    stream: UnixStream,
}

impl Conversation {
    /// Connects, and waits for the Welcome.
    pub(crate) fn open(socket: &Path) -> Result<Self, OperatorError> {
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                OperatorError::NotRunning(socket.to_owned())
            }
            _ => OperatorError::Io {
                socket: socket.to_owned(),
                error,
            },
        };
        let stream = UnixStream::connect(socket).map_err(failed)?;
        stream.set_read_timeout(Some(WELCOME_MAX)).map_err(failed)?;
        let mut conversation = Self {
            socket: socket.to_owned(),
            stream,
        };
        conversation.say(Body::Hello(wire::Hello {
            version: 1,
            role: wire::Role::Operator.into(),
            name: "henhouse".to_owned(),
            ..wire::Hello::default()
        }))?;
        while !matches!(conversation.next()?, Body::Welcome(_)) {}
        // A reload takes as long as it takes.
        let patient = conversation.stream.set_read_timeout(None);
        patient.map_err(|error| conversation.failed(error))?;
        Ok(conversation)
    }

    pub(crate) fn say(&mut self, body: Body) -> Result<(), OperatorError> {
        let said = self.stream.write_all(&frame::encode(body));
        said.map_err(|error| self.failed(error))
    }

    /// What the master says next, but for what only keeps the connection alive.
    pub(crate) fn next(&mut self) -> Result<Body, OperatorError> {
        loop {
            let read = read(&mut self.stream);
            match read.map_err(|error| self.failed(error))? {
                Some(Body::Ping(wire::Ping { nonce })) => {
                    self.say(Body::Pong(wire::Pong { nonce }))?;
                }
                Some(Body::Fault(fault)) if fault.fatal => {
                    return Err(OperatorError::Refused(fault.detail));
                }
                Some(body) => return Ok(body),
                None => return Err(OperatorError::Malformed),
            }
        }
    }

    fn failed(&self, error: io::Error) -> OperatorError {
        let socket = self.socket.clone();
        match error.kind() {
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::BrokenPipe => OperatorError::Ended(socket),
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                let text = format!("no welcome within {WELCOME_MAX:?}; is it stopped?");
                let error = io::Error::other(text);
                OperatorError::Io { socket, error }
            }
            _ => OperatorError::Io { socket, error },
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
