//! Our own protocol, with its Hello, Ready and length prefixes.

use std::fs::File;
use std::io::{self, Read as _, Write as _};

use henhouse_proto::frame;
use henhouse_proto::wire::frame::Body;
use henhouse_proto::wire::{Encoding, Hello, Message, Ready, Role, Route};

use super::{Ends, Look};
use crate::talk::Part;

pub(super) fn greet(address: &str, part: Part) -> io::Result<Ends> {
    let mut stream = super::unix(address)?;
    let role = match part {
        Part::One => Role::Agent,
        Part::Many => Role::Worker,
    };
    let hello = Hello {
        version: 1,
        role: role.into(),
        ..Hello::default()
    };
    stream.write_all(&frame::encode(Body::Hello(hello)))?;
    match read_frame(&mut stream)? {
        Some(Body::Welcome(_)) => Ends::of_one(stream),
        said => Err(io::Error::other(format!("no Welcome, but {said:?}"))),
    }
}

pub(super) fn ready(ends: &mut Ends) -> io::Result<()> {
    ends.writer
        .write_all(&frame::encode(Body::Ready(Ready {})))?;
    loop {
        if let Some(Body::Message(message)) = read_frame(&mut ends.reader)?
            && message.action == "egg-ready"
        {
            return Ok(());
        }
    }
}

pub(super) fn message(part: Part, payload: usize) -> Vec<u8> {
    frame::encode(body(part, payload)).to_vec()
}

pub(super) fn look(part: Part, payload: usize) -> Look {
    // The body's tag and length, then its route: no news from the broker begin so.
    let frame = frame::encode(body(part, payload));
    let payload_at = frame.len() - payload;
    Look {
        head: frame[4..payload_at.min(12)].to_vec(),
        prefixed: true,
        bytes: 0,
    }
}

fn body(part: Part, payload: usize) -> Body {
    let route = match part {
        Part::One => Route::App,
        Part::Many => Route::Agent,
    };
    Body::Message(Message {
        route: route.into(),
        encoding: Encoding::Text.into(),
        action: "tick".into(),
        data: vec![b'x'; payload].into(),
        ..Message::default()
    })
}

fn read_frame(stream: &mut File) -> io::Result<Option<Body>> {
    let mut prefix = [0; 4];
    stream.read_exact(&mut prefix)?;
    let mut bytes = vec![0; u32::from_be_bytes(prefix) as usize];
    stream.read_exact(&mut bytes)?;
    frame::decode(bytes.into())
        .map(|frame| frame.body)
        .map_err(io::Error::other)
}
