//! The master's own output: the children's lines with their names before them.
//!
//! A thread of its own writes, for whatever is at the other end may be slow or stopped. Then lines
//! are left out and counted, and neither a child nor the master waits for it.

use std::{
    io::{self, Write},
    sync::mpsc::{SyncSender, TrySendError, sync_channel},
    thread::{self, JoinHandle},
};

use super::children::{Line, Stream};

/// Lines that may wait for the terminal, the pipe or the journal.
const LINES_MAX: usize = 4_096;

#[derive(Debug)]
pub(super) struct Sink {
    lines: SyncSender<(Stream, String)>,
    writer: JoinHandle<()>,
    left_out: u64,
}

impl Sink {
    pub(super) fn start() -> io::Result<Self> {
        let (lines, inbox) = sync_channel::<(Stream, String)>(LINES_MAX);
        let writer = thread::Builder::new()
            .name("henhouse-output".to_owned())
            .spawn(move || {
                for (stream, line) in inbox {
                    write(stream, &line);
                }
            })?;
        Ok(Self {
            lines,
            writer,
            left_out: 0,
        })
    }

    /// Writes a child's line, or counts it where there is no room.
    pub(super) fn line(&mut self, line: &Line) {
        if self.left_out > 0 {
            let text = format!("[master] {} lines were left out", self.left_out);
            if self.lines.try_send((Stream::Err, text)).is_ok() {
                self.left_out = 0;
            }
        }
        let text = format!("[{}] {}", line.place, line.text);
        if let Err(TrySendError::Full(_)) = self.lines.try_send((line.stream, text)) {
            self.left_out += 1;
        }
    }

    /// Writes what is left, unless nobody takes it.
    pub(super) fn finish(self) {
        drop(self.lines);
        // A terminal that was stopped (Ctrl-S) must not keep the master from ending.
        for _ in 0..50 {
            if self.writer.is_finished() {
                return;
            }
            thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}

/// Nobody can be told that the output is gone, so that is passed over.
fn write(stream: Stream, line: &str) {
    let _ = match stream {
        Stream::Out => writeln!(io::stdout().lock(), "{line}"),
        Stream::Err => writeln!(io::stderr().lock(), "{line}"),
    };
}
