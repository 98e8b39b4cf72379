//! What a broker does with a frame from a process before anything else sees it.

use bytes::Bytes;

use super::fields::{Fields, Value};
use super::message::{Header, Nonsense, header};
use crate::wire;

/// What a process may say.
#[derive(Debug, Clone, PartialEq)]
pub enum Body<'a> {
    /// I am here.
    Hello(wire::Hello),
    /// Deliver to me.
    Ready,
    /// Pass this on; or why it cannot be.
    Message(Result<Header<'a>, Nonsense>),
    /// Replace me.
    Failing(wire::Failing),
    /// I leave.
    Goodbye,
    /// Are you there?
    Ping(wire::Ping),
    /// I am.
    Pong(wire::Pong),
    /// An operator's command.
    Command(wire::Command),
    /// My event loop turns.
    Beat(wire::Beat),
    /// Something only a broker says; its field number.
    BrokersOwn(u32),
    /// No body that we know.
    Unknown,
}

/// Bytes that break the rules, and how. Ends the connection that sent them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub(super) &'static str);

/// Checks and reads one frame, which comes without its length prefix.
///
/// Everything refused here was seen to break a stock library at the receiver, or to let a
/// sender forge a control frame: a body that is not there exactly once, a group, text that is
/// not UTF-8, a field that is the broker's own.
///
/// # Errors
///
/// Where the bytes break those rules. A frame that keeps them and still makes no sense is a
/// [`Body`] that says so.
#[inline]
pub fn scan(bytes: &[u8]) -> Result<Body<'_>, Malformed> {
    let mut body = None;
    let mut fields = Fields::of(bytes);
    while let Some(field) = fields.next()? {
        match (field.number, field.value) {
            (1..=14, Value::Bytes(value)) if body.is_none() => body = Some((field.number, value)),
            (1..=14, Value::Bytes(_)) => return Err(Malformed("a frame has more than one body")),
            (1..=14, _) => return Err(Malformed("a frame's body is not a message")),
            (15..=31, _) => return Err(Malformed("fields 15 to 31 of a frame are the broker's")),
            (_, _) => {}
        }
    }
    let Some((number, value)) = body else {
        return Ok(Body::Unknown);
    };
    if number == MESSAGE {
        return Ok(Body::Message(header(value)?));
    }
    own(number, value)
}

/// The number of the one body that is passed on, and so of nearly all that come.
const MESSAGE: u32 = 4;

/// Reads a body that is for the broker itself.
#[cold]
fn own(number: u32, value: &[u8]) -> Result<Body<'_>, Malformed> {
    Ok(match number {
        1 => Body::Hello(control(value)?),
        3 => Body::Ready,
        8 => Body::Failing(control(value)?),
        9 => Body::Goodbye,
        10 => Body::Ping(control(value)?),
        11 => Body::Pong(control(value)?),
        12 => Body::Command(control(value)?),
        14 => Body::Beat(control(value)?),
        // 2, 5, 6, 7 and 13: nothing else gets here.
        number => Body::BrokersOwn(number),
    })
}

/// Reads a frame that is not passed on to anybody.
fn control<M: prost::Message + Default>(bytes: &[u8]) -> Result<M, Malformed> {
    M::decode(Bytes::copy_from_slice(bytes))
        .map_err(|_| Malformed("a frame's body is not what its field says"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::message::Target;
    use super::*;
    use crate::frame::encode;
    use crate::wire::frame::Body as Said;
    use crate::wire::{Message, Route, Want};

    fn bytes(body: Said) -> Vec<u8> {
        encode(body)[4..].to_vec()
    }

    fn message(message: Message) -> Vec<u8> {
        bytes(Said::Message(message))
    }

    #[track_caller]
    fn check_malformed(bytes: &[u8], why: &str) {
        let Malformed(found) = scan(bytes).expect_err("must be refused");
        assert!(found.contains(why), "{found:?} does not say {why:?}");
    }

    #[track_caller]
    fn check_nonsense(said: Message, forbidden: bool) {
        let id = said.id;
        let bytes = message(said);
        let Ok(Body::Message(Err(nonsense))) = scan(&bytes) else {
            panic!("must be refused, and not fatally");
        };
        assert_eq!(
            (nonsense.id, nonsense.forbidden),
            (id, forbidden),
            "{}",
            nonsense.detail
        );
    }

    #[test]
    fn a_header_is_what_was_written() {
        let bytes = message(Message {
            route: Route::Pid.into(),
            pid: 4_000_000_000,
            id: u64::MAX,
            want: Want::Reply.into(),
            action: "über".into(),
            connection: 1 << 52,
            timeout_ms: 250,
            data: vec![0xff; 300].into(),
            ..Default::default()
        });
        let Ok(Body::Message(Ok(header))) = scan(&bytes) else {
            panic!("a header")
        };
        let target = Target::Process {
            pid: 4_000_000_000,
            connection: 1 << 52,
        };
        assert_eq!(header.target, target);
        assert_eq!(
            (header.id, header.want, header.action),
            (u64::MAX, Want::Reply, "über".as_bytes())
        );
        assert_eq!(header.timeout, Duration::from_millis(250));
        assert_eq!(header.data, [0xff; 300]);
    }

    #[test]
    fn a_request_without_a_time_stays_open_for_thirty_seconds() {
        let said = Message {
            route: Route::Agent.into(),
            ..Default::default()
        };
        let bytes = message(said);
        let Ok(Body::Message(Ok(header))) = scan(&bytes) else {
            panic!("a header")
        };
        assert_eq!(header.timeout, Duration::from_secs(30));
    }

    #[test]
    fn each_control_frame_is_recognised() {
        assert_eq!(scan(&bytes(Said::Ready(wire::Ready {}))), Ok(Body::Ready));
        assert_eq!(
            scan(&bytes(Said::Goodbye(wire::Goodbye {}))),
            Ok(Body::Goodbye)
        );
        let ping = wire::Ping { nonce: 7 };
        assert_eq!(scan(&bytes(Said::Ping(ping))), Ok(Body::Ping(ping)));
        let hello = wire::Hello {
            version: 1,
            token: "t".into(),
            ..Default::default()
        };
        assert_eq!(
            scan(&bytes(Said::Hello(hello.clone()))),
            Ok(Body::Hello(hello))
        );
        assert_eq!(
            scan(&bytes(Said::Drain(wire::Drain::default()))),
            Ok(Body::BrokersOwn(7))
        );
    }

    #[test]
    fn a_frame_needs_exactly_one_body() {
        assert_eq!(scan(&[]), Ok(Body::Unknown));
        let ready = bytes(Said::Ready(wire::Ready {}));
        check_malformed(
            &[ready.clone(), ready.clone()].concat(),
            "more than one body",
        );
        let goodbye = bytes(Said::Goodbye(wire::Goodbye {}));
        check_malformed(&[ready, goodbye].concat(), "more than one body");
        check_malformed(&[0x20, 1], "not a message");
    }

    #[test]
    fn a_forged_sender_is_refused() {
        let mut forged = message(Message {
            route: Route::App.into(),
            ..Default::default()
        });
        forged.extend([0x7a, 2, 8, 1]);
        check_malformed(&forged, "are the broker's");
        // Field 31, a varint.
        check_malformed(&[0xf8, 0x01, 0], "are the broker's");
    }

    #[test]
    fn unknown_fields_are_let_through() {
        // Field 32, bytes; then a message with an unknown field 100 of eight bytes.
        let inner = [&[0x08, 2, 0xa1, 0x06][..], &[9; 8]].concat();
        let outer = [&[0x82, 0x02, 1, 0xff, 0x22, 12][..], &inner].concat();
        assert!(matches!(scan(&outer), Ok(Body::Message(Ok(_)))));
        assert_eq!(scan(&[0x82, 0x02, 1, 0xff]), Ok(Body::Unknown));
    }

    #[test]
    fn groups_are_refused_in_a_frame_and_in_a_message() {
        check_malformed(&[0x83, 0x02, 0x84, 0x02], "group");
        check_malformed(&[0x22, 2, 0xa3, 0x06], "group");
    }

    #[test]
    fn text_must_be_utf8_wherever_it_stands() {
        check_malformed(&[0x22, 3, 0x32, 1, 0xff], "UTF-8");
        check_malformed(&[0x22, 3, 0x4a, 1, 0xc0], "UTF-8");
        // The first of two actions counts for nothing, but a receiver's library reads it.
        check_malformed(&[0x22, 6, 0x32, 1, 0xff, 0x32, 1, b'a'], "UTF-8");
    }

    #[test]
    fn broken_bytes_are_refused() {
        check_malformed(&[0x22, 200], "no end");
        check_malformed(&[0x22, 100], "longer than what holds it");
        check_malformed(&[0x00], "number 0");
        check_malformed(&[0xff; 11], "no end");
        check_malformed(&[0x26], "does not exist");
        check_malformed(&[0x0a, 2, 0x22, 9], "not what its field says");
    }

    #[test]
    fn nonsense_is_refused_without_ending_anything() {
        check_nonsense(
            Message {
                id: 3,
                ..Default::default()
            },
            false,
        );
        check_nonsense(
            Message {
                route: 99,
                id: 3,
                ..Default::default()
            },
            false,
        );
        let app = Message {
            route: Route::App.into(),
            ..Default::default()
        };
        check_nonsense(
            Message {
                id: 9,
                want: Want::Reply.into(),
                ..app.clone()
            },
            false,
        );
        check_nonsense(
            Message {
                want: Want::Receipt.into(),
                ..app.clone()
            },
            false,
        );
        check_nonsense(
            Message {
                want: 77,
                id: 1,
                ..app.clone()
            },
            false,
        );
        check_nonsense(
            Message {
                id: 4,
                action: "egg-ready".into(),
                ..app
            },
            true,
        );
    }
}
