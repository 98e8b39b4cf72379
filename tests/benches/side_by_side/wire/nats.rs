//! NATS's protocol, over TCP: its server has no Unix sockets.

use std::io::{self, Write as _};

use super::{Ends, Look, other, read_until, subject};
use crate::talk::Part;

pub(super) fn greet(address: &str) -> io::Result<Ends> {
    let mut stream = super::tcp(address)?;
    read_until(&mut stream, b"\r\n")?;
    stream
        .write_all(b"CONNECT {\"verbose\":false,\"pedantic\":false,\"echo\":true}\r\nPING\r\n")?;
    read_until(&mut stream, b"PONG\r\n")?;
    Ends::of_one(stream)
}

pub(super) fn ready(ends: &mut Ends, part: Part) -> io::Result<()> {
    write!(ends.writer, "SUB {} 1\r\nPING\r\n", subject(part))?;
    read_until(&mut ends.reader, b"PONG\r\n")?;
    Ok(())
}

pub(super) fn message(part: Part, payload: usize) -> Vec<u8> {
    let head = format!("PUB {} {payload}\r\n", subject(other(part)));
    [head.as_bytes(), &vec![b'x'; payload], b"\r\n"].concat()
}

pub(super) fn look(part: Part, payload: usize) -> Look {
    let head = format!("MSG {} 1 {payload}\r\n", subject(other(part))).into_bytes();
    Look {
        bytes: head.len() + payload + 2,
        head,
        prefixed: false,
    }
}
