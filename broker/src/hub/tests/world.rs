//! A hub and processes that are nothing but their inboxes.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use henhouse_proto::frame;
use henhouse_proto::reader::Frame;
use henhouse_proto::transport::Peer;
use henhouse_proto::wire::frame::Body;
use henhouse_proto::wire::{self, Code, Message, Route, Want};
use tokio::io::AsyncWrite;

use crate::hub::{Admission, Door, Expected, Fatal, Hub};
use crate::limits::Limits;
use crate::roster::Key;

pub(super) struct World {
    pub(super) hub: Hub,
    pub(super) now: Instant,
    wires: HashMap<Key, Wire>,
}

/// What one process has read.
#[derive(Default)]
struct Wire {
    room: usize,
    bytes: Vec<u8>,
    decoded: usize,
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let taken = bytes.len().min(self.room);
        if taken == 0 {
            return Poll::Pending;
        }
        self.room -= taken;
        self.bytes.extend_from_slice(&bytes[..taken]);
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl World {
    pub(super) fn new(agent: bool, workers: u32) -> World {
        World::with_limits(agent, workers, Limits::default())
    }

    pub(super) fn with_limits(agent: bool, workers: u32, limits: Limits) -> World {
        let now = Instant::now();
        let expected = Expected {
            agent,
            workers,
            timeout: Some(Duration::from_secs(5)),
        };
        World {
            hub: Hub::new(limits, Admission::SameUser, expected, 7, now),
            now,
            wires: HashMap::new(),
        }
    }

    /// Registers a process.
    pub(super) fn join(&mut self, role: wire::Role, pid: u32) -> Key {
        self.try_join(role, pid).unwrap()
    }

    pub(super) fn try_join(&mut self, role: wire::Role, pid: u32) -> Result<Key, Fatal> {
        self.join_with(role, pid, "")
    }

    /// Registers a process that shows a token.
    pub(super) fn join_with(
        &mut self,
        role: wire::Role,
        pid: u32,
        token: &str,
    ) -> Result<Key, Fatal> {
        let hello = wire::Hello {
            version: 1,
            role: role.into(),
            token: token.into(),
            ..Default::default()
        };
        let bytes = frame::encode(Body::Hello(hello));
        let door = Door::Socket(Peer {
            pid: Some(pid),
            trusted_user: true,
        });
        let key = self.hub.hello(&bytes[4..], door, self.now)?;
        self.wires.insert(key, Wire::default());
        Ok(key)
    }

    /// Registers a process that is ready.
    pub(super) fn start(&mut self, role: wire::Role, pid: u32) -> Key {
        let key = self.join(role, pid);
        self.say(key, Body::Ready(wire::Ready {}));
        key
    }

    pub(super) fn say(&mut self, key: Key, body: Body) {
        assert!(
            self.hub.may_read(key),
            "a process that is held back is not read"
        );
        let bytes = frame::encode(body);
        self.hub.take(key, Frame::Borrowed(&bytes[4..]), self.now);
        self.check();
    }

    pub(super) fn send(&mut self, from: Key, route: Route, action: &str) {
        self.send_message(
            from,
            Message {
                route: route.into(),
                ..message(action)
            },
        );
    }

    pub(super) fn send_to(&mut self, from: Key, pid: u32, action: &str) {
        self.send_message(
            from,
            Message {
                route: Route::Pid.into(),
                pid,
                ..message(action)
            },
        );
    }

    pub(super) fn send_message(&mut self, from: Key, message: Message) {
        self.say(from, Body::Message(message));
    }

    pub(super) fn ask(&mut self, from: Key, route: Route, id: u64) {
        let want = Want::Reply.into();
        self.send_message(
            from,
            Message {
                route: route.into(),
                id,
                want,
                ..message("ask")
            },
        );
    }

    pub(super) fn reply(&mut self, from: Key, connection: u64, id: u64) {
        let route = Route::Reply.into();
        let in_reply_to = id;
        self.send_message(
            from,
            Message {
                route,
                connection,
                in_reply_to,
                ..message("reply")
            },
        );
    }

    /// The process reads so many bytes.
    pub(super) fn read_bytes(&mut self, key: Key, bytes: usize) {
        let mut cx = Context::from_waker(Waker::noop());
        let wire = self.wires.get_mut(&key).unwrap();
        wire.room += bytes;
        while matches!(
            self.hub.poll_write(key, &mut cx, Pin::new(wire), self.now),
            Poll::Ready(Ok(wrote)) if wrote > 0
        ) {}
        self.check();
    }

    /// The process reads everything. Gives what it had not seen yet.
    pub(super) fn read(&mut self, key: Key) -> Vec<wire::Frame> {
        self.read_some(key, usize::MAX / 2)
    }

    /// The process reads so many bytes. Gives the frames that it had not seen whole yet.
    pub(super) fn read_some(&mut self, key: Key, bytes: usize) -> Vec<wire::Frame> {
        self.read_bytes(key, bytes);
        let wire = self.wires.get_mut(&key).unwrap();
        wire.room = 0;
        let mut frames = Vec::new();
        while let Some((prefix, rest)) = wire.bytes[wire.decoded..].split_first_chunk() {
            let length = u32::from_be_bytes(*prefix) as usize;
            let Some(frame) = rest.get(..length) else {
                break;
            };
            frames.push(frame::decode(Bytes::copy_from_slice(frame)).unwrap());
            wire.decoded += 4 + length;
        }
        frames
    }

    /// The actions of the messages that it had not seen yet, `egg-pids` aside.
    pub(super) fn actions(&mut self, key: Key) -> Vec<String> {
        let messages = self
            .read(key)
            .into_iter()
            .filter_map(|frame| match frame.body {
                Some(Body::Message(message)) => Some(message.action),
                _ => None,
            });
        messages.filter(|action| action != "egg-pids").collect()
    }

    /// The faults that it had not seen yet: code and id.
    pub(super) fn faults(&mut self, key: Key) -> Vec<(Code, u64)> {
        let faults = self
            .read(key)
            .into_iter()
            .filter_map(|frame| match frame.body {
                Some(Body::Fault(fault)) => Some((fault.code(), fault.id)),
                _ => None,
            });
        faults.collect()
    }

    /// The process is killed.
    pub(super) fn kill(&mut self, key: Key) {
        self.hub.closed(key, self.now);
        self.wires.remove(&key);
        self.check();
    }

    pub(super) fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(next) = self.hub.next_look(self.now).filter(|next| *next <= end) {
            self.now = next.max(self.now);
            self.hub.look(self.now);
            self.check();
        }
        self.now = end;
        self.hub.look(self.now);
        self.check();
    }

    pub(super) fn connection(&self, key: Key) -> u64 {
        self.hub.lanes[key].connection
    }

    /// Every byte is accounted for.
    #[track_caller]
    pub(super) fn check(&self) {
        assert_eq!(self.hub.waiting_bytes, self.hub.counted_bytes());
    }
}

pub(super) fn message(action: &str) -> Message {
    Message {
        action: action.into(),
        ..Default::default()
    }
}
