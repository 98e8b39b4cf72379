//! The paths that every message takes, so many times, for a tool that counts instructions:
//! `tests/benches/instructions` runs it and holds the counts against the last ones.
//!
//! `hot_paths PATH TIMES`; without arguments it names the paths.

#![expect(clippy::print_stdout, reason = "names its paths on the terminal")]

mod broker;

use std::future::poll_fn;
use std::hint::black_box;
use std::pin::Pin;
use std::process::ExitCode;
use std::task::{Context, Waker};

use bytes::Bytes;
use henhouse_proto::frame::{self, Stamp};
use henhouse_proto::outbox::{Outbox, Spares};
use henhouse_proto::reader::{FrameReader, ReadBuffer};
use henhouse_proto::wire::frame::Body;
use henhouse_proto::wire::{Encoding, Message, Role, Route};

/// A path, and what takes it so many times.
type HotPath = (&'static str, fn(usize));

const PATHS: [HotPath; 7] = [
    ("read-128", |times| read(times, 128)),
    ("read-16384", |times| read(times, 16 << 10)),
    ("scan-128", scan),
    ("outbox-128", |times| outbox(times, 128)),
    ("outbox-16384", |times| outbox(times, 16 << 10)),
    ("broker-1-to-1", |times| broker::pass(times, 1)),
    ("broker-1-to-8", |times| broker::pass(times, 8)),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let wanted = arguments.first().map(String::as_str).unwrap_or_default();
    let times = arguments.get(1).and_then(|times| times.parse().ok());
    match (PATHS.iter().find(|(name, _)| *name == wanted), times) {
        (Some((_, path)), Some(times)) => path(times),
        (Some(_) | None, _) => PATHS.iter().for_each(|(name, _)| println!("{name}")),
    }
    ExitCode::SUCCESS
}

/// One message on the wire.
pub(crate) fn message(payload: usize) -> Bytes {
    frame::encode(Body::Message(Message {
        route: Route::App.into(),
        encoding: Encoding::Text.into(),
        action: "tick".into(),
        data: vec![b'x'; payload].into(),
        ..Message::default()
    }))
}

/// Frames out of the bytes of a stream, with as many in a read as fit.
fn read(times: usize, payload: usize) {
    let bytes = message(payload).repeat(times);
    let mut stream = &bytes[..];
    let (mut reader, mut buffer) = (FrameReader::new(1 << 20), ReadBuffer::new());
    let mut context = Context::from_waker(Waker::noop());
    let mut frames = 0;
    reader.lend(&mut buffer);
    while frames < times {
        let filled = reader.poll_fill(&mut context, Pin::new(&mut stream), &mut buffer);
        assert!(filled.is_ready(), "a slice is always ready");
        while let Ok(Some(frame)) = reader.next(&mut buffer) {
            black_box(&frame[..]);
            frames += 1;
        }
    }
}

/// What a broker does with a frame before anything else.
fn scan(times: usize) {
    let bytes = message(128).slice(4..);
    for _ in 0..times {
        assert!(frame::scan(black_box(&bytes)).is_ok(), "a whole message");
    }
}

/// Frames into an outbox and out of it, a hundred at a time.
fn outbox(times: usize, payload: usize) {
    let bytes = message(payload).slice(4..);
    let stamp = Stamp::new(4321, Role::Agent, 7);
    let (mut outbox, mut spares) = (Outbox::new(), Spares::new());
    let mut context = Context::from_waker(Waker::noop());
    for tag in 0..times {
        outbox.push_shared(bytes.clone(), stamp.as_bytes(), tag, &mut spares);
        if tag % 100 == 99 {
            let mut sink = tokio::io::sink();
            let sink = Pin::new(&mut sink);
            let wrote = outbox.poll_write(&mut context, sink, usize::MAX, &mut spares, |tag| {
                black_box(tag);
            });
            assert!(wrote.is_ready(), "nothing is ever full");
        }
    }
}

/// Waits for `future` on this thread.
pub(crate) fn wait<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("an event loop");
    let mut future = Box::pin(future);
    runtime.block_on(poll_fn(|cx| future.as_mut().poll(cx)))
}
