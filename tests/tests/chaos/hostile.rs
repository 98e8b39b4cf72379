//! Connections that mean no good, beside two that do.

use std::collections::VecDeque;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;

use henhouse_proto::frame;
use henhouse_proto::wire::frame::Body;
use henhouse_proto::wire::{self, Message, Role, Route};

use crate::play::setting;
use crate::stage::Stage;
use crate::talk::{Member, connect, connect_and_hello, hear, hello, welcome};

/// Of those that lurk so many stay, so that the oldest ones hang up in the middle of what they do.
const LURKING_MAX: usize = 200;

/// What a hostile connection is up to.
enum Attack {
    /// It has said something for which it must be ended.
    Over(UnixStream),
    /// It does nothing more.
    Lurks(UnixStream),
    /// It goes on, a byte at a time.
    Trickles(UnixStream),
}

/// Begins an attack of one kind.
type Begin = fn(&Stage, &mut fastrand::Rng) -> Attack;

const KINDS: [(&str, Begin); 13] = [
    ("garbage", |stage, rng| {
        let garbage: Vec<u8> = (0..rng.usize(5..500)).map(|_| rng.u8(128..)).collect();
        Attack::Over(said(connect(stage), &garbage))
    }),
    ("garbage of an honest length", |stage, rng| {
        let garbage: Vec<u8> = (0..20).map(|_| rng.u8(128..)).collect();
        Attack::Over(said(
            connect(stage),
            &[&[0, 0, 0, 20], &garbage[..]].concat(),
        ))
    }),
    ("silence", |stage, _| Attack::Lurks(connect(stage))),
    ("a slow Hello", |stage, _| {
        Attack::Trickles(said(connect(stage), &[0, 0, 15, 0]))
    }),
    ("a slow message of 16 MiB", |stage, _| {
        Attack::Trickles(said(joined(stage), &(16u32 << 20).to_be_bytes()))
    }),
    ("HTTP", |stage, _| {
        Attack::Over(said(connect(stage), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
    }),
    ("4 GiB", |stage, _| {
        Attack::Over(said(connect(stage), &[0xff; 4]))
    }),
    ("more than a frame may have", |stage, _| {
        Attack::Over(said(joined(stage), &(17u32 << 20).to_be_bytes()))
    }),
    ("a forged sender", |stage, _| {
        let mut forged = evil();
        forged.extend([0x7a, 2, 8, 1]);
        forged[3] += 4;
        Attack::Over(said(joined(stage), &forged))
    }),
    ("another's pid", |stage, _| {
        let hello = wire::Hello {
            pid: 1,
            ..hello(Role::Worker)
        };
        Attack::Over(said_hello(stage, hello))
    }),
    ("a wrong token", |stage, rng| {
        let hello = wire::Hello {
            // Nothing, the one of another role, and one that never was.
            token: ["", "agent", "a guess"][rng.usize(..3)].into(),
            ..hello(Role::Worker)
        };
        Attack::Over(said_hello(stage, hello))
    }),
    ("a second agent", |stage, _| {
        Attack::Over(said_hello(stage, hello(Role::Agent)))
    }),
    ("it reads nothing and hangs up", |stage, _| {
        Attack::Lurks(said(joined(stage), &evil().repeat(10)))
    }),
];

fn said(mut stream: UnixStream, bytes: &[u8]) -> UnixStream {
    // It may be ended in the middle of it.
    let _ = stream.write_all(bytes);
    stream
}

fn said_hello(stage: &Stage, hello: wire::Hello) -> UnixStream {
    said(connect(stage), &frame::encode(Body::Hello(hello)))
}

fn joined(stage: &Stage) -> UnixStream {
    let stream = connect_and_hello(stage);
    welcome(&stream);
    stream
}

fn evil() -> Vec<u8> {
    let message = Message {
        route: Route::App.into(),
        action: "evil".into(),
        ..Default::default()
    };
    frame::encode(Body::Message(message)).to_vec()
}

#[test]
fn hostile_connections_end_alone_and_good_ones_go_on() {
    let mut stage = Stage::with_tokens(8 << 20, 64 << 20);
    let descriptors = stage.descriptors();
    let agent = said_hello(&stage, hello(Role::Agent));
    welcome(&agent);
    let (one, other) = (Member::worker(&stage), Member::worker(&stage));
    let mut rng = fastrand::Rng::with_seed(setting("CHAOS_SEED", 1));
    let (mut lurking, mut trickling) = (VecDeque::new(), VecDeque::new());
    for n in 0..setting("CHAOS_HOSTILE", 1_000) as usize {
        let (name, attack) = KINDS[n % KINDS.len()];
        match attack(&stage, &mut rng) {
            Attack::Over(stream) => {
                // It hears why, in a frame that can be read, and then nothing.
                let mut fatal = false;
                while let Ok(frame) = hear(&stream) {
                    fatal = matches!(frame.body, Some(Body::Fault(fault)) if fault.fatal);
                }
                assert!(fatal, "{name} was not told why");
                assert_eq!((&stream).read(&mut [0]).unwrap_or(0), 0);
            }
            Attack::Lurks(stream) => lurking.push_back(stream),
            Attack::Trickles(stream) => trickling.push_back(stream),
        }
        if let Some(mut slow) = trickling.pop_front() {
            // One that took too long has been ended.
            let _ = slow.write_all(&[0]);
            trickling.push_back(slow);
        }
        if lurking.len() + trickling.len() > LURKING_MAX {
            lurking.pop_front();
            trickling.pop_front();
        }
        let number = n.to_string();
        one.send_to(&other, &number);
        other.wait_for(&number);
        other.send_to(&one, &number);
        one.wait_for(&number);
    }
    drop((lurking, trickling, one, other, agent));
    stage.wait_for(|status| status["connections"] == serde_json::json!([]));
    stage.wait_for_descriptors(descriptors);
    let status = stage.wait_for(|status| status["waiting_bytes"] == 0);
    assert_eq!(status["open_requests"], 0);
}
