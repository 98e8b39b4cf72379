//! Frames come out as they went in however their bytes are cut, and no claim takes memory.
#![no_main]

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use henhouse_proto::limits::READ_BYTES_MAX;
use henhouse_proto::reader::{FrameReader, ReadBuffer};

const BYTES_MAX: u32 = 200_000;

libfuzzer_sys::fuzz_target!(|input: (Vec<u16>, Vec<u8>)| {
    let (cuts, bytes) = input;
    let mut whole = Vec::new();
    let mut rest = &bytes[..];
    while let Some((prefix, behind)) = rest.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*prefix);
        if length > BYTES_MAX || length as usize > behind.len() {
            break;
        }
        whole.push(&behind[..length as usize]);
        rest = &behind[length as usize..];
    }
    let mut cx = Context::from_waker(Waker::noop());
    let mut reader = FrameReader::new(BYTES_MAX);
    let mut buffer = ReadBuffer::new();
    let mut cuts = cuts.into_iter().cycle();
    let (mut rest, mut frames) = (&bytes[..], 0);
    'all: while !rest.is_empty() {
        let cut = usize::from(cuts.next().unwrap_or(u16::MAX)).clamp(1, rest.len());
        let (mut piece, behind) = rest.split_at(cut);
        rest = behind;
        while !piece.is_empty() {
            reader.lend(&mut buffer);
            let Poll::Ready(Ok(_)) = reader.poll_fill(&mut cx, Pin::new(&mut piece), &mut buffer)
            else {
                panic!("a slice is always ready");
            };
            loop {
                match reader.next(&mut buffer) {
                    Ok(Some(frame)) => {
                        assert_eq!(&*frame, whole[frames]);
                        frames += 1;
                    }
                    Ok(None) => break,
                    Err(error) => {
                        assert!(error.claimed > BYTES_MAX);
                        break 'all;
                    }
                }
            }
            reader.keep(&mut buffer);
            assert!(reader.held_bytes() <= 2 * bytes.len() + 2 * READ_BYTES_MAX);
        }
    }
    assert_eq!(frames, whole.len());
});
