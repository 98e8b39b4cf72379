//! What the children write: read, framed into lines, and the last of them kept.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    os::fd::OwnedFd,
    time::Duration,
};

use tokio::{io::AsyncReadExt, net::unix::pipe, sync::mpsc, task::JoinHandle, time::timeout};

use super::{Incarnation, Place, output::Framer};
use crate::{master::policy::Exit, outlet::Stream};

/// So many lines are kept for each slot.
const LINES_KEPT: usize = 200;

/// Lines that may wait for the driver; a child that writes faster waits in its `write`.
const LINES_WAITING_MAX: usize = 1_024;

/// How long a dead child's pipes are read on: a grandchild outside its group may hold them for
/// ever, and a replacement must not wait for that.
const LAST_WORDS_MAX: Duration = Duration::from_millis(200);

/// One line of one child.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) place: Place,
    pub(super) incarnation: Incarnation,
    /// Which of its two outputs it was written to.
    pub(super) stream: Stream,
    pub(super) text: String,
    /// Its number among the lines of all children.
    pub(super) number: u64,
}

/// What comes from the children, in order: a child's end after its last line.
#[derive(Debug)]
pub(super) enum FromChild {
    Line(Line),
    Ended {
        incarnation: Incarnation,
        exit: Exit,
    },
}

/// Reads from all children.
#[derive(Debug)]
pub(super) struct Children {
    to_driver: mpsc::Sender<FromChild>,
    /// Who is where, and who reads from it; from its start until its end is told.
    readers: HashMap<Incarnation, (Place, Vec<JoinHandle<()>>)>,
    kept: BTreeMap<Place, VecDeque<Line>>,
    number_last: u64,
}

impl Children {
    /// The children of a new master, and where what they say comes from.
    pub(super) fn new() -> (Self, mpsc::Receiver<FromChild>) {
        let (to_driver, from_children) = mpsc::channel(LINES_WAITING_MAX);
        let children = Self {
            to_driver,
            readers: HashMap::new(),
            kept: BTreeMap::new(),
            number_last: 0,
        };
        (children, from_children)
    }

    /// A child is about to be started.
    pub(super) fn expect(&mut self, incarnation: Incarnation, place: Place) {
        self.readers.insert(incarnation, (place, Vec::new()));
    }

    /// Reads what it writes.
    pub(super) fn listen(
        &mut self,
        incarnation: Incarnation,
        stdout: Option<OwnedFd>,
        stderr: Option<OwnedFd>,
    ) {
        let Some((place, readers)) = self.readers.get_mut(&incarnation) else {
            return;
        };
        let pipes = [(Stream::Out, stdout), (Stream::Err, stderr)];
        for (stream, pipe) in pipes {
            let pipe = pipe.map(pipe::Receiver::from_owned_fd);
            match pipe {
                Some(Ok(pipe)) => {
                    let to_driver = self.to_driver.clone();
                    let place = *place;
                    readers.push(tokio::spawn(async move {
                        read(pipe, to_driver, place, incarnation, stream).await;
                    }));
                }
                Some(Err(error)) => tracing::error!("cannot read from {place}: {error}"),
                None => {}
            }
        }
    }

    /// Tells of a child's end, after the last of what it wrote.
    pub(super) fn ended(&mut self, incarnation: Incarnation, exit: Exit) {
        let readers = self.readers.remove(&incarnation);
        let to_driver = self.to_driver.clone();
        tokio::spawn(async move {
            for mut reader in readers.into_iter().flat_map(|(_, readers)| readers) {
                if timeout(LAST_WORDS_MAX, &mut reader).await.is_err() {
                    reader.abort();
                }
            }
            let ended = FromChild::Ended { incarnation, exit };
            let _ = to_driver.send(ended).await;
        });
    }

    /// Keeps a line among the last ones of its slot.
    pub(super) fn remember(&mut self, mut line: Line) {
        self.number_last += 1;
        line.number = self.number_last;
        let kept = self.kept.entry(line.place).or_default();
        if kept.len() == LINES_KEPT {
            kept.pop_front();
        }
        kept.push_back(line);
    }

    /// The last lines of one process.
    pub(super) fn last_lines(&self, incarnation: Incarnation, count: usize) -> Vec<String> {
        let mut lines: Vec<_> = self
            .kept
            .values()
            .flatten()
            .rev()
            .filter(|line| line.incarnation == incarnation)
            .take(count)
            .map(|line| line.text.clone())
            .collect();
        lines.reverse();
        lines
    }

    /// The last lines of all slots that `which` names, in the order in which they came.
    pub(super) fn lines(&self, count: usize, which: impl Fn(Place) -> bool) -> Vec<Line> {
        let mut lines: Vec<_> = self
            .kept
            .iter()
            .filter(|&(&place, _)| which(place))
            .flat_map(|(_, lines)| lines.iter().cloned())
            .collect();
        lines.sort_unstable_by_key(|line| line.number);
        lines.split_off(lines.len().saturating_sub(count))
    }
}

async fn read(
    mut pipe: pipe::Receiver,
    to_driver: mpsc::Sender<FromChild>,
    place: Place,
    incarnation: Incarnation,
    stream: Stream,
) {
    let mut framer = Framer::default();
    let mut bytes = vec![0; 8 * 1024];
    loop {
        let read = pipe.read(&mut bytes).await.unwrap_or_default();
        let lines = match read {
            0 => framer.finish().into_iter().collect(),
            read => framer.push(&bytes[..read]),
        };
        for text in lines {
            let line = Line {
                place,
                incarnation,
                stream,
                text,
                number: 0,
            };
            if to_driver.send(FromChild::Line(line)).await.is_err() {
                return;
            }
        }
        if read == 0 {
            return;
        }
    }
}
