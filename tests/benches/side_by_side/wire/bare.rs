//! A length and bytes, for the floor and the control.

use std::io::{self, Read as _, Write as _};

use super::{Ends, Look};
use crate::talk::Part;

/// The byte that says which side a client is on.
pub(crate) const SIDES: [u8; 2] = *b"1n";

pub(super) fn greet(address: &str, part: Part) -> io::Result<Ends> {
    let mut stream = super::unix(address)?;
    let side = match part {
        Part::One => SIDES[0],
        Part::Many => SIDES[1],
    };
    stream.write_all(&[side])?;
    Ends::of_one(stream)
}

/// The broker answers one byte when everybody is there.
pub(super) fn ready(ends: &mut Ends) -> io::Result<()> {
    ends.reader.read_exact(&mut [0])
}

pub(super) fn message(payload: usize) -> Vec<u8> {
    let length = u32::try_from(payload + 1).expect("a payload of less than 4 GiB");
    [&length.to_be_bytes()[..], b"x", &vec![b'x'; payload]].concat()
}

pub(super) fn look(payload: usize) -> Look {
    Look {
        head: message(payload)[..4].to_vec(),
        prefixed: false,
        bytes: 5 + payload,
    }
}
