//! One connection, from its Hello until its stream is closed.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use henhouse_proto::frame;
use henhouse_proto::reader::{FrameReader, ReadBuffer};
use henhouse_proto::wire::{self, Code};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::Notify;
use tokio::time::Sleep;

use crate::hub::{Door, Fatal, Hub, WRITE_TURN_BYTES};
use crate::limits::{LOOK_EVERY, Limits, REST_MAX};
use crate::roster::Key;

/// One turn reads at most so many times, so that no sender keeps the others waiting.
const READS_PER_TURN: usize = 4;

/// How long a peer may take to read its last frame, and how much it may still say meanwhile.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES_MAX: usize = 1 << 20;

/// What the sessions of a broker share. They all run on its thread: the hub is borrowed for
/// one turn at a time, and never across an await.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) hub: RefCell<Hub>,
    pub(crate) limits: Limits,
    buffer: RefCell<ReadBuffer>,
    wakers: RefCell<Vec<Option<Waker>>>,
    marked: RefCell<Vec<Key>>,
    /// When the hub is looked at next.
    pub(crate) armed: Cell<Option<Instant>>,
    /// The hub must be looked at sooner than that.
    pub(crate) sooner: Notify,
    /// The hub has events.
    pub(crate) events: Notify,
    /// A session has ended.
    pub(crate) ended: Notify,
}

impl Shared {
    pub(crate) fn new(hub: Hub, limits: Limits) -> Shared {
        Shared {
            hub: RefCell::new(hub),
            limits,
            buffer: RefCell::new(ReadBuffer::new()),
            wakers: RefCell::new(Vec::new()),
            marked: RefCell::new(Vec::new()),
            armed: Cell::new(None),
            sooner: Notify::new(),
            events: Notify::new(),
            ended: Notify::new(),
        }
    }

    /// Does something to the hub, and wakes whoever has something to do because of it.
    pub(crate) fn with_hub<R>(&self, act: impl FnOnce(&mut Hub, Instant) -> R) -> R {
        let now = tokio::time::Instant::now().into_std();
        let mut hub = self.hub.borrow_mut();
        let result = act(&mut hub, now);
        self.wake(&mut hub, now, None);
        result
    }

    fn wake(&self, hub: &mut Hub, now: Instant, but: Option<Key>) {
        let mut marked = self.marked.borrow_mut();
        hub.take_marked(&mut marked);
        let wakers = self.wakers.borrow();
        for key in marked.drain(..) {
            if Some(key) != but
                && let Some(Some(waker)) = wakers.get(key)
            {
                waker.wake_by_ref();
            }
        }
        if hub
            .next_look(now)
            .is_some_and(|look| self.armed.get().is_none_or(|armed| look < armed))
        {
            self.sooner.notify_one();
        }
        if hub.has_events() {
            self.events.notify_one();
        }
    }

    fn remember(&self, key: Key, waker: &Waker) {
        let mut wakers = self.wakers.borrow_mut();
        if wakers.len() <= key {
            wakers.resize(key + 1, None);
        }
        if !wakers[key]
            .as_ref()
            .is_some_and(|known| known.will_wake(waker))
        {
            wakers[key] = Some(waker.clone());
        }
    }
}

/// Serves one connection until its end. `is_gone` tells whether the process at the other end is
/// dead, without reading anything.
pub(crate) async fn run<S>(shared: Rc<Shared>, mut stream: S, door: Door, is_gone: fn(&S) -> bool)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut reader = FrameReader::new(shared.limits.hello_bytes_max);
    match hello(&shared, &mut stream, &mut reader, door).await {
        Ok(Some(key)) => {
            reader.set_bytes_max(shared.limits.frame_bytes_max);
            let mut session = Session {
                shared: &shared,
                stream,
                reader,
                key,
                takes: true,
                rest: None,
                is_gone,
            };
            poll_fn(|cx| session.poll_turn(cx)).await;
            let mut stream = session.stream;
            shared.wakers.borrow_mut()[key] = None;
            shared.with_hub(|hub, now| hub.closed(key, now));
            linger(&mut stream).await;
        }
        Ok(None) => {}
        Err(fatal) => {
            tracing::info!(code = ?fatal.code, "refused a connection: {}", fatal.detail);
            shared.hub.borrow_mut().refused(fatal.code);
            refuse(&mut stream, fatal).await;
        }
    }
    shared.ended.notify_one();
}

/// Says why a stream is not served, and ends it.
pub(crate) async fn refuse<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, fatal: Fatal) {
    let fault = frame::encode(wire::frame::Body::Fault(fatal.into_fault()));
    if let Ok(Ok(())) = tokio::time::timeout(LINGER, stream.write_all(&fault)).await {
        linger(stream).await;
    }
}

/// Reads the first frame and registers its process. `None` where the stream ended before.
async fn hello<S: AsyncRead + Unpin>(
    shared: &Shared,
    stream: &mut S,
    reader: &mut FrameReader,
    door: Door,
) -> Result<Option<Key>, Fatal> {
    let first = poll_fn(|cx| {
        let mut buffer = shared.buffer.borrow_mut();
        reader.lend(&mut buffer);
        let first = loop {
            match reader.next(&mut buffer) {
                Err(error) => {
                    let detail = format!("Hello is {error}; does this program speak Henhouse?");
                    break Poll::Ready(Err(Fatal::new(Code::TooLarge, detail)));
                }
                Ok(Some(hello)) => {
                    break Poll::Ready(
                        shared
                            .with_hub(|hub, now| hub.hello(&hello, door, now))
                            .map(Some),
                    );
                }
                Ok(None) => {}
            }
            match reader.poll_fill(cx, Pin::new(stream), &mut buffer) {
                Poll::Ready(Ok(0) | Err(_)) => break Poll::Ready(Ok(None)),
                Poll::Ready(Ok(_)) => {}
                Poll::Pending => break Poll::Pending,
            }
        };
        reader.keep(&mut buffer);
        first
    });
    tokio::time::timeout(shared.limits.hello_timeout, first)
        .await
        .unwrap_or_else(|_| {
            let detail = format!(
                "no Hello came in {:?}; say it as soon as you are connected",
                shared.limits.hello_timeout
            );
            Err(Fatal::new(Code::NotRegistered, detail))
        })
}

struct Session<'a, S> {
    shared: &'a Shared,
    stream: S,
    reader: FrameReader,
    key: Key,
    /// Whether the stream still takes what is written to it.
    takes: bool,
    /// Wakes it from a rest; kept for the next one.
    rest: Option<Pin<Box<Sleep>>>,
    is_gone: fn(&S) -> bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<'_, S> {
    /// Reads what has come, passes it on, and writes what waits. Ready when the connection is
    /// over.
    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.shared.remember(self.key, cx.waker());
        let now = tokio::time::Instant::now().into_std();
        let mut hub = self.shared.hub.borrow_mut();
        self.look_at_rest(&mut hub, cx);
        let ended = self.read(&mut hub, cx, now);
        // Whoever got something is woken now, and writes when its turn comes: after all
        // readers that are ready, so that one write carries what many have sent. What came for
        // this one it writes itself, at once.
        self.shared.wake(&mut hub, now, Some(self.key));
        self.write(&mut hub, cx, now);
        if ended == ReadEnd::Held && hub.may_read(self.key) {
            // What was just written made room in the reserve, and what has come already would
            // wake nobody.
            cx.waker().wake_by_ref();
        }
        let held_back = hub.is_held_back(self.key, Duration::ZERO, now);
        let gone = !self.takes
            || hub.is_read_to_end(self.key)
            || (hub.is_held_back(self.key, LOOK_EVERY, now) && (self.is_gone)(&self.stream));
        if gone && held_back {
            // What it said before is in the stream, and is read when it may be.
            hub.died(self.key, now);
        }
        let last_turn = gone && !held_back;
        let over = hub.is_over(self.key, now) || ended == ReadEnd::Closed;
        self.shared.wake(&mut hub, now, None);
        // Of a process that is gone all has been read now, unless there is more at once.
        if over || (last_turn && ended != ReadEnd::More) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    fn read(&mut self, hub: &mut Hub, cx: &mut Context<'_>, now: Instant) -> ReadEnd {
        if hub.rests(self.key) {
            return ReadEnd::More;
        }
        if !hub.may_read(self.key) {
            return ReadEnd::Held;
        }
        hub.turn_begins();
        let mut buffer = self.shared.buffer.borrow_mut();
        self.reader.lend(&mut buffer);
        let ended = self.read_into(hub, &mut buffer, cx, now);
        self.reader.keep(&mut buffer);
        hub.receiving(self.key, self.reader.held_bytes());
        ended
    }

    fn read_into(
        &mut self,
        hub: &mut Hub,
        buffer: &mut ReadBuffer,
        cx: &mut Context<'_>,
        now: Instant,
    ) -> ReadEnd {
        for turn in 0.. {
            loop {
                if !hub.may_read(self.key) {
                    return ReadEnd::Held;
                }
                match self.reader.next(buffer) {
                    Ok(Some(frame)) => hub.take(self.key, frame, now),
                    Ok(None) => break,
                    Err(error) => {
                        hub.too_large(self.key, error, now);
                        return ReadEnd::Held;
                    }
                }
            }
            if turn == READS_PER_TURN {
                break;
            }
            match self
                .reader
                .poll_fill(cx, Pin::new(&mut self.stream), buffer)
            {
                Poll::Ready(Ok(0) | Err(_)) => return ReadEnd::Closed,
                Poll::Ready(Ok(_)) => hub.heard(self.key, now),
                Poll::Pending => return ReadEnd::Nothing,
            }
            hub.receiving(self.key, self.reader.held_bytes());
        }
        if self.takes && hub.rest(self.key) {
            self.rest(cx);
        } else {
            cx.waker().wake_by_ref();
        }
        ReadEnd::More
    }

    /// Has this session woken when it has rested long enough.
    fn rest(&mut self, cx: &mut Context<'_>) {
        let until = tokio::time::Instant::now() + REST_MAX;
        let rest = match &mut self.rest {
            Some(rest) => {
                rest.as_mut().reset(until);
                rest
            }
            None => self.rest.insert(Box::pin(tokio::time::sleep_until(until))),
        };
        // It is not over yet: this is for the waker.
        let _ = rest.as_mut().poll(cx);
    }

    fn look_at_rest(&mut self, hub: &mut Hub, cx: &mut Context<'_>) {
        // One that is gone holds nobody up.
        let over = |rest: &mut Pin<Box<Sleep>>| rest.as_mut().poll(cx).is_ready();
        if hub.rests(self.key) && (!self.takes || self.rest.as_mut().is_none_or(over)) {
            hub.rested(self.key);
        }
    }

    fn write(&mut self, hub: &mut Hub, cx: &mut Context<'_>, now: Instant) {
        if !self.takes {
            return;
        }
        match hub.poll_write(self.key, cx, Pin::new(&mut self.stream), now) {
            // Nothing waits, or nothing more is taken: in either case something wakes us.
            Poll::Ready(Ok(0)) | Poll::Pending => {}
            // There may be room for more: after the others had their turn.
            Poll::Ready(Ok(bytes)) if bytes >= WRITE_TURN_BYTES => cx.waker().wake_by_ref(),
            Poll::Ready(Ok(_)) => {}
            Poll::Ready(Err(_)) => self.takes = false,
        }
    }
}

/// Why a turn's reading ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReadEnd {
    /// Nothing more has come.
    Nothing,
    /// Others have a turn first.
    More,
    /// Nothing is to be read now.
    Held,
    /// Nothing will ever come.
    Closed,
}

/// Lets the other end read the last frame: to close a socket with bytes unread would tell the
/// peer of an error before it has read why.
async fn linger<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) {
    let read_to_end = async {
        stream.shutdown().await?;
        // Not in the future itself: each connection would keep it from its first day.
        let mut scrap = vec![0; 4096];
        let mut total = 0;
        while total < LINGER_BYTES_MAX {
            match stream.read(&mut scrap).await? {
                0 => break,
                read => total += read,
            }
        }
        io::Result::Ok(())
    };
    // The peer is gone, or had its chance.
    let _ = tokio::time::timeout(LINGER, read_to_end).await;
}
