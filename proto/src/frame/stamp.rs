//! The broker's word on who sent a message.

use crate::limits::STAMP_BYTES_MAX;
use crate::wire;

/// The bytes of one `sender` field, made once per connection and appended to each message
/// that the broker passes on for it.
///
/// Every sub-field is written, zeros too: a protobuf parser merges a field that comes twice,
/// and a part left out would let a forged one beneath it through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    bytes: [u8; STAMP_BYTES_MAX],
    length: u8,
}

impl Stamp {
    /// The stamp of one connection.
    pub fn new(pid: u32, role: wire::Role, connection: u64) -> Stamp {
        let mut stamp = Stamp {
            bytes: [0; STAMP_BYTES_MAX],
            length: 2,
        };
        stamp.field(1, u64::from(pid));
        stamp.field(2, role as u64);
        stamp.field(3, connection);
        // Field 15 of Frame, length-delimited, and how long it is.
        stamp.bytes[0] = (15 << 3) | 2;
        stamp.bytes[1] = stamp.length - 2;
        stamp
    }

    /// The bytes to append.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    fn field(&mut self, number: u8, value: u64) {
        self.push(number << 3);
        let mut rest = value;
        while rest >= 0x80 {
            self.push((rest & 0x7f) as u8 | 0x80);
            rest >>= 7;
        }
        self.push((rest & 0x7f) as u8);
    }

    fn push(&mut self, byte: u8) {
        self.bytes[usize::from(self.length)] = byte;
        self.length += 1;
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::frame;

    #[track_caller]
    fn check(pid: u32, role: wire::Role, connection: u64) {
        let stamp = Stamp::new(pid, role, connection);
        let read = frame::decode(Bytes::copy_from_slice(stamp.as_bytes())).unwrap();
        let sender = wire::Sender {
            pid,
            role: role.into(),
            connection,
        };
        assert_eq!(read.sender, Some(sender));
    }

    #[test]
    fn a_stamp_reads_back_as_its_sender() {
        check(1, wire::Role::Agent, 1);
        check(u32::MAX, wire::Role::Operator, (1 << 53) - 1);
        check(127, wire::Role::Worker, 128);
    }

    #[test]
    fn the_longest_stamp_keeps_the_contract() {
        let stamp = Stamp::new(u32::MAX, wire::Role::Operator, u64::MAX);
        assert!(stamp.as_bytes().len() <= STAMP_BYTES_MAX);
    }

    #[test]
    fn zeros_are_written() {
        let stamp = Stamp::new(0, wire::Role::Unspecified, 0);
        assert_eq!(stamp.as_bytes(), [0x7a, 6, 8, 0, 16, 0, 24, 0]);
    }
}
