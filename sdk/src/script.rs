// A broker for one process, played by a test or an example: it says and hears what it is told
// to, or echoes. (Plain comments, since the examples in the documentation include this file.)

use henhouse_proto::frame::{decode, encode};
use henhouse_proto::wire::{self, Role, Route, Want, frame::Body};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream};

/// The broker's end of a conversation.
pub(crate) struct Script<S> {
    stream: S,
}

/// A script, and the stream that a messenger is to speak over.
pub(crate) fn script() -> (Script<DuplexStream>, DuplexStream) {
    let (ours, theirs) = tokio::io::duplex(256 << 10);
    (Script::new(ours), theirs)
}

/// A stream to a house of one worker, which hears all that it says.
pub(crate) fn house_of_one() -> DuplexStream {
    let (mut script, stream) = script();
    tokio::spawn(async move {
        script.welcome().await;
        script.echo().await;
    });
    stream
}

impl<S: AsyncRead + AsyncWrite + Unpin> Script<S> {
    pub(crate) fn new(stream: S) -> Script<S> {
        Script { stream }
    }

    /// The next frame; `None` at the end of the stream.
    pub(crate) async fn hear(&mut self) -> Option<Body> {
        let length = self.stream.read_u32().await.ok()?;
        let mut frame = vec![0; length as usize];
        self.stream.read_exact(&mut frame).await.ok()?;
        decode(frame.into()).ok()?.body
    }

    /// The next frame, which is a message.
    pub(crate) async fn hear_message(&mut self) -> wire::Message {
        match self.hear().await {
            Some(Body::Message(message)) => message,
            other => panic!("a message was to come, and not {other:?}"),
        }
    }

    pub(crate) async fn say(&mut self, body: Body) {
        self.stream
            .write_all(&encode(body))
            .await
            .expect("the messenger listens");
    }

    /// Passes a message on, with a stamp.
    pub(crate) async fn pass(&mut self, message: wire::Message, role: Role, connection: u64) {
        let stamp = wire::Sender {
            pid: 100,
            role: role.into(),
            connection,
        };
        let frame = wire::Frame {
            sender: Some(stamp),
            body: Some(Body::Message(message)),
        };
        let bytes = prost::Message::encode_to_vec(&frame);
        let length = u32::try_from(bytes.len()).expect("it is short");
        let bytes = [&length.to_be_bytes()[..], &bytes].concat();
        self.stream
            .write_all(&bytes)
            .await
            .expect("the messenger listens");
    }

    /// Answers the first Hello.
    pub(crate) async fn welcome(&mut self) -> wire::Hello {
        self.welcome_with(1 << 20).await
    }

    /// Answers the first Hello; frames may be so long.
    pub(crate) async fn welcome_with(&mut self, frame_bytes_max: u32) -> wire::Hello {
        let Some(Body::Hello(hello)) = self.hear().await else {
            panic!("Hello comes first");
        };
        let welcome = wire::Welcome {
            version: 1,
            connection: 7,
            pid: 100,
            frame_bytes_max,
            master_pid: 50,
        };
        self.say(Body::Welcome(welcome)).await;
        hello
    }

    /// Behaves as a broker with a single worker does, until the end.
    pub(crate) async fn echo(&mut self) {
        while let Some(body) = self.hear().await {
            match body {
                Body::Ready(_) => {
                    let me = wire::Member {
                        pid: 100,
                        connection: 7,
                        index: 0,
                    };
                    let pids = wire::Pids {
                        worker: vec![me],
                        agent: None,
                    };
                    let pids = wire::Message {
                        action: "egg-pids".into(),
                        data: prost::Message::encode_to_vec(&pids).into(),
                        ..Default::default()
                    };
                    let ready = wire::Message {
                        action: "egg-ready".into(),
                        ..Default::default()
                    };
                    self.pass(pids, Role::Master, 0).await;
                    self.pass(ready, Role::Master, 0).await;
                }
                Body::Message(message) => {
                    if message.want() == Want::Receipt {
                        let receipt = wire::Receipt {
                            id: message.id,
                            queued: 1,
                            held: 0,
                        };
                        self.say(Body::Receipt(receipt)).await;
                    }
                    let to_others = message.others && message.route() != Route::Reply;
                    if !to_others {
                        self.pass(message, Role::Worker, 7).await;
                    }
                }
                Body::Goodbye(_) => return self.say(Body::Goodbye(wire::Goodbye {})).await,
                _ => {}
            }
        }
    }
}
