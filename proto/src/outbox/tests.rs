use std::future::poll_fn;

use proptest::prelude::*;
use tokio::io::AsyncWriteExt as _;

use super::*;

/// Takes at most so many bytes, then no more.
struct Narrow {
    room: usize,
    vectored: bool,
    taken: Vec<u8>,
}

impl AsyncWrite for Narrow {
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
        self.taken.extend_from_slice(&bytes[..taken]);
        Poll::Ready(Ok(taken))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let all: Vec<u8> = slices
            .iter()
            .flat_map(|slice| slice.iter().copied())
            .collect();
        self.as_mut().poll_write(cx, &all)
    }

    fn is_write_vectored(&self) -> bool {
        self.vectored
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn write(outbox: &mut Outbox<usize>, stream: &mut Narrow, gone: &mut Vec<usize>) {
    let mut cx = Context::from_waker(std::task::Waker::noop());
    let mut spares = Spares::new();
    let _ = outbox.poll_write(&mut cx, Pin::new(stream), usize::MAX, &mut spares, |tag| {
        gone.push(tag);
    });
}

fn body(length: usize, salt: usize) -> Vec<u8> {
    (0..length).map(|n| ((n + salt) % 251) as u8).collect()
}

fn whole(body: &[u8], stamp: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + stamp.len()).unwrap();
    [&length.to_be_bytes()[..], body, stamp].concat()
}

#[derive(Debug, Clone)]
enum Step {
    Push(usize),
    Shared(usize),
    Latest(usize),
    Write(usize),
    Append(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let length = prop_oneof![0..200usize, 1_000..4_000usize, 60_000..70_000usize];
    prop::collection::vec(
        prop_oneof![
            length.clone().prop_map(Step::Push),
            length.clone().prop_map(Step::Shared),
            length.clone().prop_map(Step::Latest),
            (0..100_000usize).prop_map(Step::Write),
            length.prop_map(Step::Append),
        ],
        0..40,
    )
}

proptest! {
    /// Against a plain list of frames: what leaves, what is counted, and what is left whole.
    #[test]
    fn an_outbox_is_a_list_of_frames(steps in steps(), vectored: bool) {
        let stamp = [0x7a, 0];
        let mut spares = Spares::new();
        let mut outbox = Outbox::new();
        let mut model: Vec<Vec<u8>> = Vec::new();
        let mut latest: Option<usize> = None;
        let mut stream = Narrow { room: 0, vectored, taken: Vec::new() };
        let mut gone = Vec::new();
        for step in steps {
            let tag = model.len();
            match step {
                Step::Push(length) => {
                    outbox.push(&body(length, tag), &stamp, tag, &mut spares);
                    model.push(whole(&body(length, tag), &stamp));
                }
                Step::Shared(length) => {
                    outbox.push_shared(body(length, tag).into(), &stamp, tag, &mut spares);
                    model.push(whole(&body(length, tag), &stamp));
                }
                Step::Append(length) => {
                    let mut other = Outbox::new();
                    other.push_shared(body(length, tag).into(), &stamp, tag, &mut spares);
                    outbox.append(other);
                    model.push(whole(&body(length, tag), &stamp));
                }
                Step::Latest(length) => {
                    let frame = whole(&body(length, tag), &[]);
                    let begun = |at: usize| model[..at].concat().len() < stream.taken.len()
                        || gone.contains(&at);
                    match latest.filter(|at| !begun(*at)) {
                        Some(at) => {
                            outbox.push_latest(frame.clone().into(), at);
                            model[at] = frame;
                        }
                        None => {
                            outbox.push_latest(frame.clone().into(), tag);
                            model.push(frame);
                            latest = Some(tag);
                        }
                    }
                }
                Step::Write(room) => {
                    stream.room = room;
                    write(&mut outbox, &mut stream, &mut gone);
                }
            }
            let waiting: usize = model[gone.len()..].iter().map(Vec::len).sum();
            prop_assert_eq!(outbox.bytes, waiting);
            prop_assert_eq!(outbox.len(), model.len() - gone.len());
        }
        let all = model.concat();
        prop_assert_eq!(&stream.taken[..], &all[..stream.taken.len()]);
        prop_assert_eq!(&gone, &(0..gone.len()).collect::<Vec<_>>());

        let mid_frame = usize::from(outbox.is_mid_frame());
        let left: Vec<_> = outbox.take_unwritten().map(|(bytes, tag)| (bytes.to_vec(), tag)).collect();
        let expected: Vec<_> = (gone.len() + mid_frame..model.len()).map(|n| (model[n].clone(), n)).collect();
        prop_assert_eq!(left, expected);
        // What had begun to leave still leaves whole.
        stream.room = usize::MAX;
        write(&mut outbox, &mut stream, &mut gone);
        prop_assert!(outbox.is_empty());
        prop_assert_eq!(stream.taken, model[..gone.len()].concat());
    }
}

#[test]
fn a_frame_that_has_begun_to_leave_is_still_whole_when_its_receiver_dies() {
    let mut spares = Spares::new();
    let mut outbox = Outbox::new();
    outbox.push_shared(body(5_000, 1).into(), &[1, 2], 0, &mut spares);
    outbox.push(&body(10, 2), &[], 1, &mut spares);
    let mut stream = Narrow {
        room: 5_005,
        vectored: true,
        taken: Vec::new(),
    };
    write(&mut outbox, &mut stream, &mut Vec::new());
    assert!(outbox.is_mid_frame());
    let frames: Vec<_> = outbox
        .into_frames()
        .map(|(bytes, tag)| (bytes.to_vec(), tag))
        .collect();
    assert_eq!(
        frames,
        [
            (whole(&body(5_000, 1), &[1, 2]), 0),
            (whole(&body(10, 2), &[]), 1)
        ]
    );
}

#[tokio::test]
async fn an_empty_outbox_writes_nothing() {
    let (mut stream, _other) = tokio::io::duplex(10);
    let mut outbox = Outbox::<()>::new();
    let wrote = poll_fn(|cx| {
        outbox.poll_write(
            cx,
            Pin::new(&mut stream),
            usize::MAX,
            &mut Spares::new(),
            |()| {},
        )
    });
    assert_eq!(wrote.await.unwrap(), 0);
    stream.shutdown().await.unwrap();
}

#[test]
fn an_outbox_that_has_been_emptied_keeps_no_long_list_and_the_next_one_takes_it() {
    let mut spares = Spares::new();
    let mut stream = Narrow {
        room: usize::MAX,
        vectored: true,
        taken: Vec::new(),
    };
    let mut cx = Context::from_waker(std::task::Waker::noop());
    let mut lengths = Vec::new();
    for _ in 0..2 {
        let mut outbox = Outbox::new();
        for tag in 0..1_000 {
            outbox.push(&body(10, tag), &[], tag, &mut spares);
            if tag == 20 {
                lengths.push(outbox.entries.capacity());
            }
        }
        let stream = Pin::new(&mut stream);
        let wrote = outbox.poll_write(&mut cx, stream, usize::MAX, &mut spares, |_| {});
        assert!(wrote.is_ready());
        assert_eq!(outbox.entries.capacity(), 0);
    }
    assert!(lengths[0] < 1_000 && lengths[1] >= 1_000, "{lengths:?}");
}
