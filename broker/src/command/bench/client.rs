//! A client that says and counts bytes, and decodes nothing that it need not.

use std::{
    io::{self, Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

use henhouse_proto::{
    frame,
    wire::{self, frame::Body},
};

/// As much as the broker writes at a time.
const READ_BYTES: usize = 256 << 10;

/// Nobody waits longer for a broker that says nothing.
const PATIENCE: Duration = Duration::from_secs(30);

/// What comes before a frame: its length.
const PREFIX_BYTES: usize = 4;

/// One agent is on one side, workers are on the other, and each side speaks to the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Agent,
    Workers,
}

impl Side {
    fn role(self) -> wire::Role {
        match self {
            Side::Agent => wire::Role::Agent,
            Side::Workers => wire::Role::Worker,
        }
    }

    /// Where its messages go.
    fn route(self) -> wire::Route {
        match self {
            Side::Agent => wire::Route::App,
            Side::Workers => wire::Route::Agent,
        }
    }

    /// The bytes of a message from it.
    pub(super) fn message(self, payload_bytes: usize) -> Vec<u8> {
        let message = wire::Message {
            route: self.route().into(),
            action: "tick".to_owned(),
            data: vec![b'x'; payload_bytes].into(),
            ..wire::Message::default()
        };
        frame::encode(Body::Message(message)).to_vec()
    }
}

/// A connection that is joined and ready.
#[derive(Debug)]
pub(super) struct Client {
    stream: UnixStream,
    buffer: Vec<u8>,
    filled: usize,
    /// What is missing of the frame at hand, and what it counts as.
    missing: usize,
    at_hand: Kind,
}

/// What has come to its end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) messages: u64,
    pub(super) is_over: bool,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Message,
    /// The message that is a byte longer: the last one.
    Last,
    /// News.
    Other,
}

impl Client {
    /// Joins, and waits for its `egg-ready`.
    pub(super) fn join(socket: &Path, side: Side) -> io::Result<Client> {
        let mut stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let hello = wire::Hello {
            version: 1,
            role: side.role().into(),
            name: "henhouse bench".to_owned(),
            ..wire::Hello::default()
        };
        for body in [Body::Hello(hello), Body::Ready(wire::Ready {})] {
            stream.write_all(&frame::encode(body))?;
        }
        loop {
            match read_frame(&mut stream)? {
                Some(Body::Message(message)) if message.action == "egg-ready" => break,
                Some(Body::Fault(fault)) => return Err(io::Error::other(fault.detail)),
                _ => {}
            }
        }
        Ok(Client {
            stream,
            buffer: Vec::new(),
            filled: 0,
            missing: 0,
            at_hand: Kind::Other,
        })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Reads once, and tells what has come of what is expected.
    pub(super) fn read(&mut self, expected: &Expected) -> io::Result<Seen> {
        self.buffer.resize(READ_BYTES, 0);
        let read = self.stream.read(&mut self.buffer[self.filled..])?;
        if read == 0 {
            return Err(io::Error::other("the broker closed the connection"));
        }
        self.filled += read;
        let mut seen = Seen::default();
        let mut at = 0;
        loop {
            let step = self.missing.min(self.filled - at);
            at += step;
            self.missing -= step;
            if self.missing > 0 {
                break;
            }
            match std::mem::replace(&mut self.at_hand, Kind::Other) {
                Kind::Message => seen.messages += 1,
                Kind::Last => seen.is_over = true,
                Kind::Other => {}
            }
            let bytes = &self.buffer[at..self.filled];
            let Some((prefix, rest)) = bytes.split_first_chunk::<PREFIX_BYTES>() else {
                break;
            };
            let length = u32::from_be_bytes(*prefix) as usize;
            if rest.len() < expected.message.len().min(length) {
                break;
            }
            self.missing = PREFIX_BYTES + length;
            self.at_hand = expected.kind(rest);
        }
        self.buffer.copy_within(at..self.filled, 0);
        self.filled -= at;
        Ok(seen)
    }

    /// A second pair of hands on the same connection, which reads whatever comes: the broker may
    /// have news for one that only writes, and in the end would not listen to it.
    pub(super) fn ignore_news(&self) -> io::Result<()> {
        let mut stream = self.stream.try_clone()?;
        stream.set_read_timeout(None)?;
        // It ends with the connection.
        std::thread::spawn(move || io::copy(&mut stream, &mut io::sink()));
        Ok(())
    }
}

/// What the other side's messages begin with: their length and route, as no news do.
#[derive(Debug)]
pub(super) struct Expected {
    message: Vec<u8>,
    last: Vec<u8>,
}

impl Expected {
    pub(super) fn from(side: Side, payload_bytes: usize) -> Expected {
        let head = |payload_bytes| {
            let message = side.message(payload_bytes);
            // The body's tag and length, and the route behind them.
            message[PREFIX_BYTES..PREFIX_BYTES + 8].to_vec()
        };
        Expected {
            message: head(payload_bytes),
            last: head(payload_bytes + 1),
        }
    }

    fn kind(&self, frame: &[u8]) -> Kind {
        if frame.starts_with(&self.message) {
            Kind::Message
        } else if frame.starts_with(&self.last) {
            Kind::Last
        } else {
            Kind::Other
        }
    }
}

fn read_frame(stream: &mut UnixStream) -> io::Result<Option<Body>> {
    let mut prefix = [0; PREFIX_BYTES];
    stream.read_exact(&mut prefix)?;
    let mut bytes = vec![0; u32::from_be_bytes(prefix) as usize];
    stream.read_exact(&mut bytes)?;
    let frame = frame::decode(bytes.into()).map_err(io::Error::other)?;
    Ok(frame.body)
}
