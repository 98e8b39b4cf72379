//! A member that is a blocking socket in the test itself.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use henhouse_proto::frame;
use henhouse_proto::wire::frame::Body;
use henhouse_proto::wire::{self, Message, Role, Route};

use crate::stage::Stage;

/// Far more than anything takes, on whatever machine.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) struct Member {
    pub(crate) stream: UnixStream,
    pub(crate) connection: u64,
}

impl Member {
    /// A worker that is ready.
    pub(crate) fn worker(stage: &Stage) -> Member {
        let stream = connect_and_hello(stage);
        let connection = welcome(&stream);
        let member = Member { stream, connection };
        member.say(Body::Ready(wire::Ready {}));
        member
    }

    pub(crate) fn say(&self, body: Body) {
        (&self.stream).write_all(&frame::encode(body)).unwrap();
    }

    /// Sends itself a message and waits for it.
    pub(crate) fn echo(&self) {
        self.send_to(self, "echo");
        self.wait_for("echo");
    }

    pub(crate) fn send_to(&self, other: &Member, action: &str) {
        self.say(Body::Message(Message {
            route: Route::Pid.into(),
            pid: std::process::id(),
            connection: other.connection,
            action: action.into(),
            ..Default::default()
        }));
    }

    /// Reads on to the message with that action.
    pub(crate) fn wait_for(&self, action: &str) {
        loop {
            match hear(&self.stream).unwrap().body {
                Some(Body::Message(message)) if message.action == action => return,
                Some(Body::Fault(fault)) => panic!("{fault:?}"),
                _ => {}
            }
        }
    }
}

/// With the token that its role has where there are tokens.
pub(crate) fn hello(role: Role) -> wire::Hello {
    let token = if role == Role::Agent {
        "agent"
    } else {
        "worker"
    };
    wire::Hello {
        version: 1,
        role: role.into(),
        token: token.into(),
        ..Default::default()
    }
}

pub(crate) fn connect(stage: &Stage) -> UnixStream {
    let stream = UnixStream::connect(stage.socket()).unwrap();
    // A broker that does not go on is to fail a test, and not to hang it.
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

pub(crate) fn connect_and_hello(stage: &Stage) -> UnixStream {
    let mut stream = connect(stage);
    let hello = frame::encode(Body::Hello(hello(Role::Worker)));
    stream.write_all(&hello).unwrap();
    stream
}

/// Waits for the Welcome and gives the connection's number.
pub(crate) fn welcome(stream: &UnixStream) -> u64 {
    match hear(stream).unwrap().body {
        Some(Body::Welcome(welcome)) => welcome.connection,
        other => panic!("no welcome but {other:?}"),
    }
}

pub(crate) fn hear(mut stream: &UnixStream) -> io::Result<wire::Frame> {
    let mut prefix = [0; 4];
    stream.read_exact(&mut prefix)?;
    let mut bytes = vec![0; u32::from_be_bytes(prefix) as usize];
    stream.read_exact(&mut bytes)?;
    frame::decode(bytes.into()).map_err(io::Error::other)
}
