//! Connections that mean no good, beside two that do.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;

use henhouse_proto::frame;
use henhouse_proto::wire::frame::Body;
use henhouse_proto::wire::{self, Message, Role, Route};

use crate::play::setting;
use crate::stage::Stage;
use crate::talk::{Member, connect_and_hello, hear, hello, welcome};

const KINDS: usize = 10;

/// What a hostile connection says, and whether it must be ended for it.
fn attack(stage: &Stage, kind: usize, rng: &mut fastrand::Rng) -> (UnixStream, bool) {
    let connect = || UnixStream::connect(stage.socket()).unwrap();
    let said = |mut stream: UnixStream, bytes: &[u8]| {
        // It may be ended in the middle of it.
        let _ = stream.write_all(bytes);
        stream
    };
    let joined = || {
        let stream = connect_and_hello(stage);
        welcome(&stream);
        stream
    };
    let message = frame::encode(Body::Message(Message {
        route: Route::App.into(),
        action: "evil".into(),
        ..Default::default()
    }));
    match kind % KINDS {
        0 => {
            let garbage: Vec<u8> = (0..rng.usize(5..500)).map(|_| rng.u8(128..)).collect();
            (said(connect(), &garbage), true)
        }
        // Silence, and one byte.
        1 => (connect(), false),
        2 => (said(connect(), &[0]), false),
        3 => (said(connect(), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"), true),
        4 => (said(connect(), &[0xff; 4]), true),
        5 => {
            // A forged sender behind the message.
            let mut forged = message.to_vec();
            forged.extend([0x7a, 2, 8, 1]);
            forged[3] += 4;
            (said(joined(), &forged), true)
        }
        6 => {
            let hello = wire::Hello {
                pid: 1,
                ..hello(Role::Worker)
            };
            (said(connect(), &frame::encode(Body::Hello(hello))), true)
        }
        7 => {
            let agent = frame::encode(Body::Hello(hello(Role::Agent)));
            (said(connect(), &agent), true)
        }
        8 => (said(joined(), &(17u32 << 20).to_be_bytes()), true),
        // It reads nothing and hangs up.
        _ => (said(joined(), &message.repeat(50)), false),
    }
}

#[test]
fn hostile_connections_end_alone_and_good_ones_go_on() {
    let mut stage = Stage::new(8 << 20, 64 << 20);
    let descriptors = stage.descriptors();
    let agent = UnixStream::connect(stage.socket()).unwrap();
    (&agent)
        .write_all(&frame::encode(Body::Hello(hello(Role::Agent))))
        .unwrap();
    welcome(&agent);
    let mut good = Member::worker(&stage);
    let mut rng = fastrand::Rng::with_seed(setting("CHAOS_SEED", 1));
    let mut lurking = std::collections::VecDeque::new();
    for kind in 0..setting("CHAOS_HOSTILE", 500) as usize {
        let (stream, ends) = attack(&stage, kind, &mut rng);
        if ends {
            // It hears why, in a frame that can be read, and then nothing.
            let mut fatal = false;
            while let Ok(frame) = hear(&stream) {
                fatal = matches!(frame.body, Some(Body::Fault(fault)) if fault.fatal);
            }
            assert!(fatal, "kind {} was not told why", kind % KINDS);
            assert_eq!((&stream).read(&mut [0]).unwrap_or(0), 0);
        } else {
            lurking.push_back(stream);
        }
        if lurking.len() > 200 {
            lurking.pop_front();
        }
        good.echo();
    }
    drop((lurking, good, agent));
    stage.wait_for(|status| status["connections"] == serde_json::json!([]));
    stage.wait_for_descriptors(descriptors);
}
