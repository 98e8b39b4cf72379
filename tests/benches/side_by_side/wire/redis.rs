//! Redis's protocol. A connection that listens cannot publish, so each client has two.

use std::io::{self, Write as _};

use super::{Ends, Look, other, read_until, subject};
use crate::talk::Part;

pub(super) fn greet(address: &str) -> io::Result<Ends> {
    let mut reader = super::unix(address)?;
    reader.write_all(b"PING\r\n")?;
    read_until(&mut reader, b"+PONG\r\n")?;
    Ok(Ends {
        writer: reader.try_clone()?,
        reader,
    })
}

pub(super) fn ready(ends: &mut Ends, part: Part) -> io::Result<()> {
    let subject = subject(part);
    write!(ends.reader, "SUBSCRIBE {subject}\r\n")?;
    read_until(&mut ends.reader, b":1\r\n")?;
    Ok(())
}

/// The second connection, to publish on; its answers are switched off, as they say nothing that
/// the other servers say.
pub(super) fn publisher(address: &str) -> io::Result<std::fs::File> {
    let mut writer = super::unix(address)?;
    writer.write_all(b"CLIENT REPLY OFF\r\n")?;
    Ok(writer)
}

pub(super) fn message(part: Part, payload: usize) -> Vec<u8> {
    let subject = subject(other(part));
    let head = format!(
        "*3\r\n$7\r\nPUBLISH\r\n${}\r\n{subject}\r\n${payload}\r\n",
        subject.len()
    );
    [head.as_bytes(), &vec![b'x'; payload], b"\r\n"].concat()
}

pub(super) fn look(part: Part, payload: usize) -> Look {
    let subject = subject(other(part));
    let head = format!(
        "*3\r\n$7\r\nmessage\r\n${}\r\n{subject}\r\n${payload}\r\n",
        subject.len()
    );
    let head = head.into_bytes();
    Look {
        bytes: head.len() + payload + 2,
        head,
        prefixed: false,
    }
}
