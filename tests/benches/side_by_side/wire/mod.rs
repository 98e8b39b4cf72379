//! How each server is spoken to by raw clients: bytes made beforehand on every side.

pub(crate) mod bare;
mod henhouse;
mod nats;
mod redis;
pub(crate) mod zmq;

use std::fs::File;
use std::io::{self, Read as _};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use crate::talk::{Part, Wire};

/// A connection that is joined, or the two that a protocol needs for both directions.
#[derive(Debug)]
pub(crate) struct Ends {
    pub(crate) writer: File,
    pub(crate) reader: File,
}

impl Ends {
    fn of_one(stream: File) -> io::Result<Ends> {
        Ok(Ends {
            writer: stream.try_clone()?,
            reader: stream,
        })
    }
}

/// What a message looks like where it arrives.
#[derive(Debug, Clone)]
pub(crate) struct Look {
    /// Behind a length of four bytes, if `prefixed`; else at the very front.
    head: Vec<u8>,
    prefixed: bool,
    /// The length of the whole where there is no prefix.
    bytes: usize,
}

impl Wire {
    /// Connects and says who it is, until the server knows it.
    pub(crate) fn greet(self, address: &str, part: Part) -> io::Result<Ends> {
        match self {
            Wire::Henhouse => henhouse::greet(address, part),
            Wire::Nats => nats::greet(address),
            Wire::Redis => redis::greet(address),
            Wire::Zmq => zmq::greet(address),
            Wire::Bare => bare::greet(address, part),
        }
    }

    /// Asks for what is for this part, until it is certain to come.
    pub(crate) fn ready(self, ends: &mut Ends, part: Part) -> io::Result<()> {
        match self {
            Wire::Henhouse => henhouse::ready(ends),
            Wire::Nats => nats::ready(ends, part),
            Wire::Redis => redis::ready(ends, part),
            Wire::Zmq => zmq::ready(ends, part),
            Wire::Bare => bare::ready(ends),
        }
    }

    /// Both.
    pub(crate) fn join(self, address: &str, part: Part) -> io::Result<Ends> {
        let mut ends = self.greet(address, part)?;
        self.ready(&mut ends, part)?;
        match self {
            Wire::Redis => ends.writer = redis::publisher(address)?,
            Wire::Zmq => ends.writer = zmq::publisher(address)?,
            Wire::Henhouse | Wire::Nats | Wire::Bare => {}
        }
        Ok(ends)
    }

    /// The bytes of one message from `part` to the other side.
    pub(crate) fn message(self, part: Part, payload: usize) -> Vec<u8> {
        match self {
            Wire::Henhouse => henhouse::message(part, payload),
            Wire::Nats => nats::message(part, payload),
            Wire::Redis => redis::message(part, payload),
            Wire::Zmq => zmq::message(part, payload),
            Wire::Bare => bare::message(payload),
        }
    }

    /// What that message looks like where it arrives.
    pub(crate) fn look(self, part: Part, payload: usize) -> Look {
        match self {
            Wire::Henhouse => henhouse::look(part, payload),
            Wire::Nats => nats::look(part, payload),
            Wire::Redis => redis::look(part, payload),
            Wire::Zmq => zmq::look(part, payload),
            Wire::Bare => bare::look(payload),
        }
    }
}

impl Look {
    /// How long the unit at the front of `bytes` is, if it looks like this. `None` where there
    /// are too few bytes to tell.
    pub(crate) fn fits(&self, bytes: &[u8]) -> Option<Option<usize>> {
        let start = if self.prefixed { 4 } else { 0 };
        let seen = bytes.get(start..(start + self.head.len()).min(bytes.len()))?;
        if !self.head.starts_with(seen) {
            return Some(None);
        }
        if seen.len() < self.head.len() {
            return None;
        }
        Some(Some(if self.prefixed {
            prefixed(bytes)?
        } else {
            self.bytes
        }))
    }

    /// How long the unit at the front is, whatever it is.
    pub(crate) fn any(&self, bytes: &[u8]) -> Option<usize> {
        if self.prefixed {
            return prefixed(bytes);
        }
        bytes
            .iter()
            .position(|byte| *byte == b'\n')
            .map(|index| index + 1)
    }
}

fn prefixed(bytes: &[u8]) -> Option<usize> {
    let prefix = bytes.first_chunk::<4>()?;
    Some(4 + u32::from_be_bytes(*prefix) as usize)
}

/// The name of what `part` hears.
fn subject(part: Part) -> &'static str {
    match part {
        Part::One => "one",
        Part::Many => "many",
    }
}

pub(crate) fn other(part: Part) -> Part {
    match part {
        Part::One => Part::Many,
        Part::Many => Part::One,
    }
}

/// A stream as a file, so that all are read and written by the same calls.
fn unix(path: &str) -> io::Result<File> {
    UnixStream::connect(path).map(OwnedFd::from).map(File::from)
}

fn tcp(address: &str) -> io::Result<File> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    Ok(File::from(OwnedFd::from(stream)))
}

/// Reads until `end` has come, byte by byte: it is no part of what is measured.
fn read_until(stream: &mut File, end: &[u8]) -> io::Result<Vec<u8>> {
    let mut seen = Vec::new();
    while !seen.ends_with(end) {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        seen.extend(byte);
        if seen.starts_with(b"-") && seen.ends_with(b"\r\n") {
            return Err(io::Error::other(
                String::from_utf8_lossy(&seen).into_owned(),
            ));
        }
    }
    Ok(seen)
}
