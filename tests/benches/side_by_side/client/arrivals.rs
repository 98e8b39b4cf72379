//! What arrives at a client, counted unit by unit.

use std::fs::File;
use std::io::{self, Read as _};

use crate::talk::{Part, Wire};
use crate::wire::Look;

/// As much as any of the servers hands out at a time.
const READ_BYTES: usize = 256 << 10;

/// A client's receiving half.
#[derive(Debug)]
pub(super) struct Arrivals {
    buffer: Vec<u8>,
    filled: usize,
    /// What is missing of the unit at hand, and what it counts as.
    missing: usize,
    at_hand: Unit,
    message: Look,
    end: Look,
}

/// What one read brought to its end.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    pub(super) messages: u64,
    pub(super) ends: usize,
}

#[derive(Debug, Clone, Copy)]
enum Unit {
    Message,
    End,
    Other,
}

impl Arrivals {
    /// For messages of `payload` bytes from `sender`, and ends of one byte more.
    pub(super) fn new(wire: Wire, sender: Part, payload: usize) -> Arrivals {
        Arrivals {
            buffer: vec![0; READ_BYTES],
            filled: 0,
            missing: 0,
            at_hand: Unit::Other,
            message: wire.look(sender, payload),
            end: wire.look(sender, payload + 1),
        }
    }

    /// Reads once.
    pub(super) fn read(&mut self, stream: &mut File) -> io::Result<Seen> {
        let read = stream.read(&mut self.buffer[self.filled..])?;
        if read == 0 {
            return Err(io::Error::other("the server closed the connection"));
        }
        self.filled += read;
        Ok(self.walk())
    }

    fn walk(&mut self) -> Seen {
        let mut seen = Seen::default();
        let mut at = 0;
        loop {
            let step = self.missing.min(self.filled - at);
            at += step;
            self.missing -= step;
            if self.missing > 0 {
                break;
            }
            match std::mem::replace(&mut self.at_hand, Unit::Other) {
                Unit::Message => seen.messages += 1,
                Unit::End => seen.ends += 1,
                Unit::Other => {}
            }
            let Some((unit, bytes)) = self.unit(&self.buffer[at..self.filled]) else {
                break;
            };
            (self.at_hand, self.missing) = (unit, bytes);
        }
        self.buffer.copy_within(at..self.filled, 0);
        self.filled -= at;
        seen
    }

    fn unit(&self, bytes: &[u8]) -> Option<(Unit, usize)> {
        if let Some(length) = self.message.fits(bytes)? {
            return Some((Unit::Message, length));
        }
        if let Some(length) = self.end.fits(bytes)? {
            return Some((Unit::End, length));
        }
        Some((Unit::Other, self.message.any(bytes)?))
    }
}
