//! Many workers in one process, which all get ready at once.

use std::os::unix::net::UnixStream;
use std::thread;

use henhouse_proto::wire::frame::Body;
use henhouse_proto::wire::{self, Pids, Role};
use prost::Message as _;

use crate::talk::{hear, join, say};

/// Joins `count` times; told how many there are in all, gets ready, and reads until everybody
/// is known to everybody. Says how many `egg-pids` came to one at most and what those had in bytes.
pub(crate) fn run(socket: &str, count: usize) {
    let streams: Vec<UnixStream> = (0..count)
        .map(|_| join(socket, Role::Worker).unwrap().0)
        .collect();
    println!("joined");
    let all: usize = std::io::stdin()
        .lines()
        .next()
        .unwrap()
        .unwrap()
        .parse()
        .unwrap();
    let readers: Vec<_> = streams
        .iter()
        .map(|stream| stream.try_clone().unwrap())
        .map(|stream| thread::spawn(move || read(&stream, all)))
        .collect();
    for stream in &streams {
        say(stream, Body::Ready(wire::Ready {})).unwrap();
    }
    let mut heard = (0, 0);
    for reader in readers {
        let (frames, bytes) = reader.join().unwrap();
        heard = (frames.max(heard.0), bytes.max(heard.1));
    }
    println!("{} {}", heard.0, heard.1);
    // Everybody stays until the test has heard everybody.
    let _ = std::io::stdin().lines().next();
}

fn read(stream: &UnixStream, all: usize) -> (usize, usize) {
    let mut heard = (0, 0);
    loop {
        let frame = hear(stream).unwrap();
        if let Some(Body::Message(message)) = frame.body
            && message.action == "egg-pids"
        {
            heard = (heard.0 + 1, heard.1 + message.data.len());
            if Pids::decode(message.data).unwrap().worker.len() == all {
                return heard;
            }
        }
    }
}
