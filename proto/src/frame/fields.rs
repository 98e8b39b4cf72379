//! The fields of a protobuf message, one after another, without knowing the message.

use super::Malformed;

/// One field: its number and what it holds. Values of fixed width are skipped, since nothing
/// that routes has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field<'a> {
    pub(super) number: u32,
    pub(super) value: Value<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Varint(u64),
    Fixed,
    Bytes(&'a [u8]),
}

/// Walks the fields of `bytes`.
///
/// Groups are refused wherever this looks: stock libraries disagree about them, and one that
/// gives up on a frame at the receiver would make the sender's mistake the receiver's.
#[derive(Debug, Clone)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Fields<'a> {
        Fields { rest: bytes }
    }

    /// The next field, or `None` at the end.
    // Always inlined: a field given back through memory costs more than all that is done to it.
    #[inline(always)]
    pub(super) fn next(&mut self) -> Result<Option<Field<'a>>, Malformed> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let Ok(tag) = u32::try_from(tag) else {
            return Err(Malformed("a field's tag does not fit in 32 bits"));
        };
        let number = tag >> 3;
        if number == 0 {
            return Err(Malformed("a field has the number 0"));
        }
        let value = match tag & 7 {
            0 => Value::Varint(self.varint()?),
            1 => {
                self.skip(8)?;
                Value::Fixed
            }
            2 => {
                let length = self.varint()?;
                Value::Bytes(self.skip(length)?)
            }
            3 | 4 => return Err(Malformed("a field is a group")),
            5 => {
                self.skip(4)?;
                Value::Fixed
            }
            _ => return Err(Malformed("a field has a wire type that does not exist")),
        };
        Ok(Some(Field { number, value }))
    }

    #[inline(always)]
    fn skip(&mut self, length: u64) -> Result<&'a [u8], Malformed> {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let Some((taken, rest)) = self.rest.split_at_checked(length) else {
            return Err(Malformed("a field is longer than what holds it"));
        };
        self.rest = rest;
        Ok(taken)
    }

    #[inline(always)]
    fn varint(&mut self) -> Result<u64, Malformed> {
        let (value, rest) = match self.rest {
            // Nearly every varint in a header is one byte.
            [byte, rest @ ..] if *byte < 0x80 => (u64::from(*byte), rest),
            // What is not is the length of a message of usual size, or a pid.
            [low, high, rest @ ..] if *high < 0x80 => {
                (u64::from(*low & 0x7f) | u64::from(*high) << 7, rest)
            }
            // No method: `self` would have to be in memory for it, and not in registers.
            rest => varint_of_many_bytes(rest)?,
        };
        self.rest = rest;
        Ok(value)
    }
}

/// A varint at the beginning of `bytes`, and what is behind it.
#[inline(never)]
fn varint_of_many_bytes(bytes: &[u8]) -> Result<(u64, &[u8]), Malformed> {
    let mut value = 0;
    for (index, byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if *byte < 0x80 {
            // The tenth byte has room for one bit; libraries differ in what they do with more.
            if index == 9 && *byte > 1 {
                return Err(Malformed("a varint does not fit in 64 bits"));
            }
            return Ok((value, &bytes[index + 1..]));
        }
    }
    Err(Malformed("a varint has no end"))
}
