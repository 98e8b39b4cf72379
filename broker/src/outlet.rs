//! Lines for this process's own stdout and stderr, written by a thread of its own.
//!
//! Whatever is at the other end may be slow, stopped or gone (a pager, Ctrl-S, a full disk). Then
//! lines are left out and counted, and nobody waits for it: neither a child nor the master.

use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

/// Lines that may wait.
const LINES_MAX: usize = 4_096;

/// How long what is left may take at the end: nobody may be there to take it.
const FLUSH_MAX: Duration = Duration::from_millis(500);

/// Which of a process's two outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    #[cfg_attr(
        not(unix),
        expect(
            dead_code,
            reason = "only what children write goes there, and there are none"
        )
    )]
    Out,
    Err,
}

/// The way to the thread that writes. It ends with the last clone.
#[derive(Clone, Debug)]
pub(crate) struct Outlet {
    items: SyncSender<Item>,
    left_out: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Item {
    Line(Stream, String),
    /// Everything before it is written; whoever waits for that holds the other end.
    Mark(SyncSender<()>),
}

impl Outlet {
    /// Starts the thread.
    pub(crate) fn open() -> io::Result<Self> {
        Self::onto(write)
    }

    fn onto(write: impl Fn(Stream, &str) + Send + 'static) -> io::Result<Self> {
        let (items, inbox) = sync_channel(LINES_MAX);
        thread::Builder::new()
            .name("henhouse-output".to_owned())
            .spawn(move || pour(inbox, write))?;
        Ok(Self {
            items,
            left_out: Arc::default(),
        })
    }

    /// Writes a line, or counts it where there is no room.
    pub(crate) fn line(&self, stream: Stream, text: String) {
        let left_out = self.left_out.swap(0, Ordering::Relaxed);
        if left_out > 0 {
            let text = format!("[master] {left_out} lines were left out");
            if self.items.try_send(Item::Line(Stream::Err, text)).is_err() {
                self.left_out.fetch_add(left_out, Ordering::Relaxed);
            }
        }
        if self.items.try_send(Item::Line(stream, text)).is_err() {
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until what was given so far is written, or nobody takes it.
    pub(crate) fn flush(&self) {
        let (mark, marked) = sync_channel(1);
        // With no room for a mark nobody takes anything.
        if self.items.try_send(Item::Mark(mark)).is_ok() {
            match marked.recv_timeout(FLUSH_MAX) {
                Ok(()) | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
        }
    }
}

/// Says on stderr why this process ends. Whoever runs it must see that, also where no log is set up.
#[cfg(unix)]
pub(crate) fn last_word(text: &str) {
    if let Ok(outlet) = Outlet::open() {
        outlet.line(Stream::Err, format!("henhouse: {text}"));
        outlet.flush();
    }
}

fn pour(inbox: Receiver<Item>, write: impl Fn(Stream, &str)) {
    for item in inbox {
        match item {
            Item::Line(stream, line) => write(stream, &line),
            Item::Mark(mark) => {
                // Who does not wait any more does not want to know.
                let _ = mark.try_send(());
            }
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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn lines_are_written_in_order_before_a_flush_is_over() {
        let written = Arc::new(Mutex::new(Vec::new()));
        let there = Arc::clone(&written);
        let outlet = Outlet::onto(move |_, line| there.lock().unwrap().push(line.to_owned()));
        let outlet = outlet.unwrap();
        for line in ["one", "two"] {
            outlet.line(Stream::Out, line.to_owned());
        }
        outlet.flush();
        assert_eq!(*written.lock().unwrap(), ["one", "two"]);
    }

    #[test]
    fn where_nobody_takes_lines_they_are_left_out_and_counted_and_nobody_waits() {
        let written = Arc::new(Mutex::new(Vec::new()));
        let there = Arc::clone(&written);
        let (stopped, go_on) = sync_channel::<()>(0);
        let go_on = Mutex::new(go_on);
        let outlet = Outlet::onto(move |_, line| {
            // An error means that the test lets everything through.
            let _ = go_on.lock().unwrap().recv();
            there.lock().unwrap().push(line.to_owned());
        });
        let outlet = outlet.unwrap();
        // One may be in the writer's hand.
        for number in 0..LINES_MAX + 11 {
            outlet.line(Stream::Err, number.to_string());
        }
        assert!(outlet.left_out.load(Ordering::Relaxed) >= 10);
        outlet.flush();
        drop(stopped);
        // Now there is room again, sooner or later.
        while outlet.left_out.load(Ordering::Relaxed) > 0 {
            outlet.line(Stream::Err, "after".to_owned());
            thread::yield_now();
        }
        outlet.flush();
        let written = written.lock().unwrap();
        assert!(
            written
                .iter()
                .any(|line| line.contains("lines were left out"))
        );
    }
}
