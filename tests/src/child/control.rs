//! The child's line to its test: JSON, one value per line, both ways.

use std::io;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedReadHalf;
use tokio::sync::mpsc;

/// How many lines may wait for the test to read them.
const LINES_MAX: usize = 1 << 16;

/// Tells the test what happens.
#[derive(Clone)]
pub(crate) struct Control {
    lines: mpsc::Sender<Value>,
}

/// What the test wants done.
pub(crate) struct Orders {
    lines: Lines<BufReader<OwnedReadHalf>>,
}

impl Control {
    pub(crate) async fn connect(path: &str) -> io::Result<(Control, Orders)> {
        let (read, mut write) = UnixStream::connect(path).await?.into_split();
        let (lines, mut waiting) = mpsc::channel::<Value>(LINES_MAX);
        tokio::spawn(async move {
            while let Some(line) = waiting.recv().await {
                if write
                    .write_all(format!("{line}\n").as_bytes())
                    .await
                    .is_err()
                {
                    return;
                }
            }
        });
        Ok((
            Control { lines },
            Orders {
                lines: BufReader::new(read).lines(),
            },
        ))
    }

    /// Tells one thing.
    pub(crate) fn say(&self, line: Value) {
        // A test that does not listen any more needs to hear nothing.
        let _ = self.lines.try_send(line);
    }
}

impl Orders {
    pub(crate) async fn next(&mut self) -> io::Result<Option<Value>> {
        let Some(line) = self.lines.next_line().await? else {
            return Ok(None);
        };
        serde_json::from_str(&line)
            .map(Some)
            .map_err(io::Error::other)
    }
}
