//! The signals that steer a master.

use std::{future::poll_fn, io, task::Poll};

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::terminal::Terminal;

/// Whether the master listens to the signals that steer it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listening {
    /// TERM, INT, HUP, TTIN and TTOU.
    ToAll,
    /// The embedding program handles them; only the end of children is listened for.
    ToChildren,
}

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Child,
    Stop,
    Interrupt,
    Reload,
    More,
    Fewer,
}

/// All that are listened for.
#[derive(Debug)]
pub(super) struct Signals {
    listened: Vec<(Heard, Signal)>,
    terminal: Terminal,
}

impl Signals {
    pub(super) fn listen(listening: Listening) -> io::Result<Self> {
        let terminal = Terminal::at_start();
        let mut wanted = vec![(Heard::Child, SignalKind::child())];
        if listening == Listening::ToAll {
            wanted.push((Heard::Stop, SignalKind::terminate()));
            wanted.push((Heard::Interrupt, SignalKind::interrupt()));
            wanted.push((Heard::More, SignalKind::from_raw(libc::SIGTTIN)));
            wanted.push((Heard::Fewer, SignalKind::from_raw(libc::SIGTTOU)));
            // Under nohup a hang-up is to be ignored.
            if !terminal.hang_up_is_ignored() {
                wanted.push((Heard::Reload, SignalKind::hangup()));
            }
        }
        let listened = wanted
            .into_iter()
            .map(|(heard, kind)| Ok((heard, signal(kind)?)))
            .collect::<io::Result<_>>()?;
        Ok(Self { listened, terminal })
    }

    /// The next one.
    ///
    /// # Cancel safety
    ///
    /// A signal that was not given yet is given by the next call.
    pub(super) async fn next(&mut self) -> Heard {
        let heard = poll_fn(|context| {
            for (heard, signal) in &mut self.listened {
                if signal.poll_recv(context).is_ready() {
                    return Poll::Ready(*heard);
                }
            }
            Poll::Pending
        })
        .await;
        // A closed terminal says HUP as well, and nobody there wants a reload.
        if heard == Heard::Reload && self.terminal.has_hung_up() {
            return Heard::Stop;
        }
        heard
    }
}
