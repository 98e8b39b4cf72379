//! ZeroMQ's protocol, ZMTP 3.0, to a proxy of an XSUB and an XPUB socket: a client publishes to
//! one and subscribes to the other.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use super::{Ends, Look, other, subject};
use crate::talk::Part;

/// The proxy's two sockets, in its directory.
pub(crate) const FRONT: &str = "front";
pub(crate) const BACK: &str = "back";

const GREETING_BYTES: usize = 64;
const COMMAND: u8 = 4;
const LONG: u8 = 2;

pub(super) fn greet(address: &str) -> io::Result<Ends> {
    Ends::of_one(connect(address, BACK, "SUB")?)
}

/// Nobody says when a subscription is known; the harness waits a while before it begins.
pub(super) fn ready(ends: &mut Ends, part: Part) -> io::Result<()> {
    let subscription = ["\x01", subject(part)].concat();
    ends.writer.write_all(&unit(0, subscription.as_bytes()))
}

pub(super) fn publisher(address: &str) -> io::Result<File> {
    connect(address, FRONT, "PUB")
}

pub(super) fn message(part: Part, payload: usize) -> Vec<u8> {
    let body = [subject(other(part)).as_bytes(), &vec![b'x'; payload]].concat();
    unit(0, &body)
}

pub(super) fn look(part: Part, payload: usize) -> Look {
    let message = message(part, payload);
    Look {
        head: message[..message.len() - payload].to_vec(),
        prefixed: false,
        bytes: message.len(),
    }
}

fn connect(address: &str, socket: &str, kind: &str) -> io::Result<File> {
    let path = Path::new(address).join(socket);
    let mut stream = super::unix(&path.to_string_lossy())?;
    let mut greeting = [0; GREETING_BYTES];
    // The signature, the version, and the mechanism.
    (greeting[0], greeting[9], greeting[10]) = (0xff, 0x7f, 3);
    greeting[12..16].copy_from_slice(b"NULL");
    stream.write_all(&greeting)?;
    stream.read_exact(&mut greeting)?;
    let length = u32::try_from(kind.len()).map_err(io::Error::other)?;
    let ready = [
        &b"\x05READY\x0bSocket-Type"[..],
        &length.to_be_bytes(),
        kind.as_bytes(),
    ];
    stream.write_all(&unit(COMMAND, &ready.concat()))?;
    let mut head = [0; 2];
    stream.read_exact(&mut head)?;
    let mut body = vec![0; head[1].into()];
    stream.read_exact(&mut body)?;
    match body.starts_with(b"\x05READY") {
        true => Ok(stream),
        false => Err(io::Error::other("the proxy does not say READY")),
    }
}

fn unit(flags: u8, body: &[u8]) -> Vec<u8> {
    match u8::try_from(body.len()) {
        Ok(length) => [&[flags, length], body].concat(),
        Err(_) => {
            let length = body.len() as u64;
            [&[flags | LONG][..], &length.to_be_bytes(), body].concat()
        }
    }
}
