//! A place for one process, and the processes that fill it now, are to fill it, or are leaving it.

use super::{
    backoff::Backoff,
    model::{Generation, Incarnation, Now, Place},
    rules::RoleRules,
};

/// One process, from its start until it is reaped.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    pub(crate) incarnation: Incarnation,
    pub(crate) generation: Generation,
    pub(crate) pid: Option<u32>,
    pub(crate) phase: Phase,
    pub(crate) started: Now,
    pub(crate) ready_at: Option<Now>,
    /// When it last said Beat; one that never did has no watchdog.
    pub(crate) beat_at: Option<Now>,
}

/// How far a process is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Started, and not yet ready.
    Starting { until: Now },
    /// At work.
    Ready,
    /// Its connection ended; its death is probably on the way.
    Lost { until: Now },
    /// Asked to finish and leave.
    Draining { until: Now },
    /// Sent TERM.
    Terminating { until: Now },
    /// Sent KILL.
    Killed,
}

/// How a process is made to go.
#[derive(Clone, Debug)]
pub(super) enum Manner {
    /// It is asked to finish.
    Drain { cause: String },
    /// It is asked to finish, and has nothing to finish unless its Ready is on the way.
    DrainUnready { cause: String },
    /// It is going already, and is given the time of a drain.
    Wait { until: Now },
    /// It is sent TERM.
    Terminate { until: Now },
    /// It is sent KILL.
    Kill,
}

impl Process {
    /// When the machine must look at it again.
    pub(crate) fn deadline(&self, rules: &RoleRules) -> Option<Now> {
        match self.phase {
            Phase::Starting { until }
            | Phase::Lost { until }
            | Phase::Draining { until }
            | Phase::Terminating { until } => Some(until),
            Phase::Ready => Some(self.beat_at? + rules.watchdog?),
            Phase::Killed => None,
        }
    }

    /// Whether it is at work.
    pub(crate) fn is_ready(&self) -> bool {
        self.phase == Phase::Ready
    }

    /// Since when it has been at work without a break, if it is.
    pub(crate) fn ready_since(&self) -> Option<Now> {
        self.ready_at.filter(|_| self.is_ready())
    }
}

/// A place for one process.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub(crate) place: Place,
    /// The process that fills it, or that is being started to.
    pub(crate) current: Option<Process>,
    /// Its replacement, while `current` still serves. The agent's slot never has one.
    pub(crate) incoming: Option<Process>,
    /// Those that were asked to go and have not been reaped.
    pub(crate) leaving: Vec<Process>,
    /// Where there is no `current`: when to start one. A slot is never empty without it, except
    /// before boot and at the end.
    pub(crate) wake: Option<Now>,
    /// When `current` is to be replaced though nothing is wrong with it.
    pub(crate) renew_at: Option<Now>,
    pub(crate) backoff: Backoff,
    /// How often a process was started here.
    pub(crate) starts: u64,
    /// How the last process that was here ended.
    pub(crate) last_end: Option<String>,
    /// Not to be filled again: it ends with the last process in it.
    pub(crate) removed: bool,
}

/// Where in its slot a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seat {
    Current,
    Incoming,
    Leaving(usize),
}

impl Slot {
    pub(crate) fn new(place: Place) -> Self {
        Self {
            place,
            current: None,
            incoming: None,
            leaving: Vec::new(),
            wake: None,
            renew_at: None,
            backoff: Backoff::default(),
            starts: 0,
            last_end: None,
            removed: false,
        }
    }

    /// Every process of this slot.
    pub(crate) fn processes(&self) -> impl Iterator<Item = &Process> {
        self.current
            .iter()
            .chain(&self.incoming)
            .chain(&self.leaving)
    }

    /// Every process of this slot, to change.
    pub(crate) fn processes_mut(&mut self) -> impl Iterator<Item = &mut Process> {
        self.current
            .iter_mut()
            .chain(&mut self.incoming)
            .chain(&mut self.leaving)
    }

    /// Where that process is.
    pub(crate) fn seat(&self, incarnation: Incarnation) -> Option<Seat> {
        let is_it = |process: &Process| process.incarnation == incarnation;
        if self.current.as_ref().is_some_and(is_it) {
            return Some(Seat::Current);
        }
        if self.incoming.as_ref().is_some_and(is_it) {
            return Some(Seat::Incoming);
        }
        self.leaving.iter().position(is_it).map(Seat::Leaving)
    }

    /// Takes the process out of its seat.
    pub(crate) fn take(&mut self, seat: Seat) -> Process {
        match seat {
            Seat::Current => self.current.take().expect("the seat was found taken"),
            Seat::Incoming => self.incoming.take().expect("the seat was found taken"),
            Seat::Leaving(index) => self.leaving.swap_remove(index),
        }
    }

    /// Whether a process in it is at work.
    pub(crate) fn is_ready(&self) -> bool {
        self.current.as_ref().is_some_and(Process::is_ready)
            || self.incoming.as_ref().is_some_and(Process::is_ready)
    }

    /// How many of its processes count against the limit on extra ones. One that was killed does
    /// not: where the kernel cannot end it at once, that must not keep others from starting.
    pub(crate) fn live(&self) -> u32 {
        let live = self
            .processes()
            .filter(|process| process.phase != Phase::Killed)
            .count();
        u32::try_from(live).unwrap_or(u32::MAX)
    }

    /// Whether nothing is left in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.current.is_none() && self.incoming.is_none() && self.leaving.is_empty()
    }
}
