//! Frames over a blocking socket.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;

use henhouse_proto::frame;
use henhouse_proto::wire::frame::Body;
use henhouse_proto::wire::{self, Role};

/// Joins and gives the connection's number.
pub(crate) fn join(socket: &str, role: Role) -> io::Result<(UnixStream, u64)> {
    let stream = UnixStream::connect(socket)?;
    let hello = wire::Hello {
        version: 1,
        role: role.into(),
        ..Default::default()
    };
    say(&stream, Body::Hello(hello))?;
    match hear(&stream)?.body {
        Some(Body::Welcome(welcome)) => Ok((stream, welcome.connection)),
        other => Err(io::Error::other(format!("no welcome but {other:?}"))),
    }
}

pub(crate) fn say(mut stream: &UnixStream, body: Body) -> io::Result<()> {
    stream.write_all(&frame::encode(body))
}

pub(crate) fn hear(mut stream: &UnixStream) -> io::Result<wire::Frame> {
    let mut prefix = [0; 4];
    stream.read_exact(&mut prefix)?;
    let mut bytes = vec![0; u32::from_be_bytes(prefix) as usize];
    stream.read_exact(&mut bytes)?;
    frame::decode(bytes.into()).map_err(io::Error::other)
}
