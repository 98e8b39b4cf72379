//! Frames come out as they went in however their bytes are cut, and no claim takes memory.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use henhouse_proto::limits::READ_BYTES_MAX;
use henhouse_proto::reader::{FrameReader, ReadBuffer};

const FRAME_BYTES_MAX: u32 = 200_000;
const STREAM_BYTES_MAX: usize = 500_000;

/// The first byte is how many cuts follow, of two bytes each; the rest is a [`stream`].
pub(crate) fn check(input: &[u8]) {
    let Some((&count, rest)) = input.split_first() else {
        return;
    };
    let (cuts, rest) = rest.split_at(rest.len().min(2 * usize::from(count)));
    let (cuts, _) = cuts.as_chunks::<2>();
    let cuts: Vec<usize> = cuts
        .iter()
        .map(|cut| u16::from_be_bytes(*cut).into())
        .collect();
    read(&stream(rest), &cuts);
}

/// What goes over the wire. Long frames are the interesting ones, and a fuzzer's inputs are
/// short, so that three bytes make one.
fn stream(mut script: &[u8]) -> Vec<u8> {
    let mut stream = Vec::new();
    while let [kind, high, low, rest @ ..] = script
        && stream.len() < STREAM_BYTES_MAX
    {
        let number = usize::from(u16::from_be_bytes([*high, *low]));
        script = rest;
        match kind % 4 {
            0 | 1 => {
                let length = 4 * number;
                stream.extend((length as u32).to_be_bytes());
                stream.extend((0..length).map(|n| (n % 251) as u8));
            }
            // As it stands, whatever it means.
            2 => {
                let (said, rest) = script.split_at(script.len().min(number % 64));
                stream.extend(said);
                script = rest;
            }
            _ => stream.extend((number as u32).to_be_bytes()),
        }
    }
    stream
}

/// Reads a stream that comes in pieces of those lengths, again and again.
fn read(bytes: &[u8], cuts: &[usize]) {
    let whole = whole_frames(bytes);
    let mut cx = Context::from_waker(Waker::noop());
    let mut reader = FrameReader::new(FRAME_BYTES_MAX);
    let mut buffer = ReadBuffer::new();
    let mut cuts = cuts.iter().cycle();
    let (mut rest, mut frames) = (bytes, 0);
    'all: while !rest.is_empty() {
        // No less than so many, or one input would take seconds.
        let shortest = 1 + bytes.len() / 10_000;
        let cut = cuts.next().map_or(usize::MAX, |cut| *cut);
        let (mut piece, behind) = rest.split_at(cut.max(shortest).min(rest.len()));
        rest = behind;
        while !piece.is_empty() {
            reader.lend(&mut buffer);
            let filled = reader.poll_fill(&mut cx, Pin::new(&mut piece), &mut buffer);
            assert!(
                matches!(filled, Poll::Ready(Ok(read)) if read > 0),
                "{filled:?}"
            );
            loop {
                match reader.next(&mut buffer) {
                    Ok(Some(frame)) => {
                        assert_eq!(&*frame, whole[frames]);
                        frames += 1;
                    }
                    Ok(None) => break,
                    Err(error) => {
                        assert!(error.claimed > FRAME_BYTES_MAX);
                        break 'all;
                    }
                }
            }
            reader.keep(&mut buffer);
            assert!(reader.held_bytes() <= 2 * bytes.len() + 2 * READ_BYTES_MAX);
        }
    }
    assert_eq!(frames, whole.len());
}

/// The frames in a stream, up to one that is not whole or too long.
fn whole_frames(mut rest: &[u8]) -> Vec<&[u8]> {
    let mut whole = Vec::new();
    while let Some((prefix, behind)) = rest.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*prefix);
        if length > FRAME_BYTES_MAX || length as usize > behind.len() {
            break;
        }
        let (frame, behind) = behind.split_at(length as usize);
        whole.push(frame);
        rest = behind;
    }
    whole
}
