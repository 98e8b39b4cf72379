//! A member that is a blocking socket in the test itself.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;

use henhouse_proto::frame;
use henhouse_proto::wire::frame::Body;
use henhouse_proto::wire::{self, Message, Role, Route};

use crate::stage::Stage;

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
    pub(crate) fn echo(&mut self) {
        self.say(Body::Message(Message {
            route: Route::Pid.into(),
            pid: std::process::id(),
            connection: self.connection,
            action: "echo".into(),
            ..Default::default()
        }));
        loop {
            match hear(&self.stream).unwrap().body {
                Some(Body::Message(message)) if message.action == "echo" => return,
                Some(Body::Fault(fault)) => panic!("{fault:?}"),
                _ => {}
            }
        }
    }
}

pub(crate) fn hello(role: Role) -> wire::Hello {
    wire::Hello {
        version: 1,
        role: role.into(),
        ..Default::default()
    }
}

pub(crate) fn connect_and_hello(stage: &Stage) -> UnixStream {
    let mut stream = UnixStream::connect(stage.socket()).unwrap();
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
