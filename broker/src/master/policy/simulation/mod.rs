//! Plays hours of random faults through the state machine, and checks its promises at each step.
//!
//! `HENHOUSE_SIMULATION_HOURS` makes the run longer; a seed that fails prints its story, and
//! `HENHOUSE_SIMULATION_SEED` plays that one again.

mod promises;
mod world;

use std::time::{Duration, Instant};

use super::{
    Supervisor,
    model::{Action, Ask, Change, End, Event, Now, Place},
    rules::{RoleRules, Rules},
};
use promises::Promises;
use world::{Weather, What, World};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// In every test run; the long run is asked for by the environment.
const HOURS_BY_DEFAULT: u64 = 400;

/// More ticks than this without time going on: the machine asks for ticks that change nothing.
const TICKS_AT_ONCE_MAX: u32 = 200;

#[test]
fn the_promises_hold_over_hours_of_random_faults() {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse().ok());
    if let Some(seed) = number("HENHOUSE_SIMULATION_SEED") {
        House::new(seed, true).live();
        return;
    }
    let hours = number("HENHOUSE_SIMULATION_HOURS").unwrap_or(HOURS_BY_DEFAULT);
    let (began, mut lived, mut houses, mut starts) = (Instant::now(), Now::ZERO, 0, 0);
    while lived < HOUR * u32::try_from(hours).unwrap() {
        let mut house = House::new(houses, false);
        lived += house.live();
        houses += 1;
        starts += house.world.starts();
    }
    println!(
        "{} virtual hours in {houses} houses with {starts} processes, in {:?}",
        lived.as_secs() / 3600,
        began.elapsed()
    );
}

/// One master's life from boot to end, in a world of its own.
struct House {
    seed: u64,
    machine: Supervisor,
    world: World,
    promises: Promises,
    story: Vec<String>,
    aloud: bool,
    now: Now,
    rng: fastrand::Rng,
    end: Option<End>,
}

impl House {
    fn new(seed: u64, aloud: bool) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let rules = random_rules(&mut rng);
        let machine = Supervisor::new(rules.clone(), 1, fastrand::Rng::with_seed(rng.u64(..)));
        Self {
            seed,
            machine,
            world: World::new(rng.u64(..)),
            promises: Promises::new(rules),
            story: Vec::new(),
            aloud,
            now: Now::ZERO,
            rng,
            end: None,
        }
    }

    /// Boot, a long time of changing weather, a calm in which all must be well again, the end.
    fn live(&mut self) -> Now {
        self.tell(Event::Boot);
        let stormy_for = MINUTE * self.rng.u32(1..60 * 24);
        if self.rng.u8(..10) == 0 {
            self.world.weather = Weather::Stormy;
        }
        if self.rng.u8(..10) == 0 {
            // Somebody thinks better of it.
            let end = self.now + Duration::from_millis(self.rng.u64(..8_000));
            self.run_until(end);
            self.stop();
            return self.now;
        }
        let booted = self.now + MINUTE * 2;
        self.run_until(booted);
        self.world.plan_weather(self.now);
        self.world.plan_operator(self.now, Duration::ZERO);
        let end = self.now + stormy_for;
        self.run_until(end);
        if self.rng.bool() {
            self.world.make_fine();
            let end = self.now + MINUTE * 15;
            self.run_until(end);
            if self.end.is_none() {
                let checked = self.promises.all_is_well(&self.machine);
                self.hold(checked);
            }
        }
        self.stop();
        self.now
    }

    fn stop(&mut self) {
        let asked = self.now;
        match self.rng.u8(..4) {
            0 => self.tell(Event::Interrupt),
            1 => self.tell(Event::StopNow { ask: None }),
            _ => {
                let ask = Some(self.promises.ask(self.now));
                self.tell(Event::Stop { ask });
            }
        }
        if self.rng.u8(..8) == 0 {
            self.run_until(asked + SECOND * 2);
            self.tell(Event::Interrupt);
            self.tell(Event::Interrupt);
        }
        let latest = asked + self.promises.shutdown_max();
        self.run_until(latest);
        let checked = self.promises.has_ended(self.end.as_ref());
        self.hold(checked);
    }

    fn run_until(&mut self, end: Now) {
        let mut ticks_at_once = 0;
        while self.end.is_none() {
            let due = self.machine.next_deadline().map(|at| at.max(self.now));
            let next = self.world.next_at().map(|at| at.max(self.now));
            match (due, next) {
                (None, None) => break,
                (Some(due), next) if next.is_none_or(|next| due <= next) => {
                    if due > end {
                        break;
                    }
                    ticks_at_once = if due > self.now { 0 } else { ticks_at_once + 1 };
                    if ticks_at_once > TICKS_AT_ONCE_MAX {
                        self.hold(Err("the machine ticks and nothing changes".to_owned()));
                    }
                    self.now = due + self.world.lateness();
                    self.tell(Event::Tick);
                }
                (_, Some(next)) if next <= end => {
                    self.now = next;
                    ticks_at_once = 0;
                    if let Some(what) = self.world.take() {
                        self.happen(what);
                    }
                }
                _ => break,
            }
        }
        if self.end.is_none() {
            self.now = self.now.max(end);
        }
    }

    fn happen(&mut self, what: What) {
        match what {
            What::Tell(event) => {
                if self.world.is_true(&event) {
                    self.tell(event);
                }
            }
            What::Operator => {
                let event = self.order();
                self.tell(event);
                let pause = MINUTE * self.rng.u32(1..90);
                self.world.plan_operator(self.now, pause);
            }
            What::Weather => self.world.plan_weather(self.now),
            What::Die(incarnation, exit) => self.world.die(self.now, incarnation, exit),
        }
    }

    /// What somebody asks of the master.
    fn order(&mut self) -> Event {
        let ask = (self.rng.u8(..4) > 0).then(|| self.promises.ask(self.now));
        let workers = self.machine.rules.workers;
        match self.rng.u8(..10) {
            0..4 => {
                let (generation, rules) = self.world.next_generation(&self.machine.rules);
                Event::Reload {
                    ask,
                    generation,
                    rules: Box::new(rules),
                    agent: self.rng.bool(),
                }
            }
            4 => Event::Scale {
                ask,
                change: Change::By(self.rng.i32(-2..3)),
            },
            5 => Event::Scale {
                ask,
                change: Change::To(self.rng.u32(1..10)),
            },
            6 => Event::Restart {
                ask,
                place: Place::Agent,
            },
            _ => Event::Restart {
                ask,
                place: Place::Worker(self.rng.u32(..workers + 1)),
            },
        }
    }

    fn tell(&mut self, event: Event) {
        if self.end.is_some() {
            return;
        }
        self.log(format!("> {event:?}"));
        let checked = self.promises.before(self.now, &event, &self.world);
        self.hold(checked);
        let mut actions = Vec::new();
        self.machine.handle(self.now, event, &mut actions);
        for action in actions {
            self.log(format!("    {action:?}"));
            let checked = self
                .promises
                .action(self.now, &action, &self.machine, &self.world);
            self.hold(checked);
            if let Action::End(end) = &action {
                self.end = Some(end.clone());
            }
            self.world.obey(self.now, &action);
        }
        // What could be done was done: looking once more at the same moment finds nothing.
        let mut more = Vec::new();
        self.machine
            .clone()
            .handle(self.now, Event::Tick, &mut more);
        if !more.is_empty() {
            self.hold(Err(format!("the machine had not settled: {more:?}")));
        }
        let checked = self.promises.after(self.now, &self.machine);
        self.hold(checked);
    }

    fn log(&mut self, line: String) {
        let line = format!("{:12.3} {line}", self.now.as_secs_f64());
        if self.aloud {
            println!("{line}");
        }
        self.story.push(line);
        if self.story.len() > 2_000 {
            self.story.drain(..1_000);
        }
    }

    #[track_caller]
    fn hold(&self, checked: Result<(), String>) {
        if let Err(broken) = checked {
            let tail = self.story.len().saturating_sub(150);
            for line in &self.story[tail..] {
                println!("{line}");
            }
            panic!(
                "{broken}; play it again with HENHOUSE_SIMULATION_SEED={}\n{:#?}",
                self.seed,
                self.machine.snapshot()
            );
        }
    }
}

fn random_rules(rng: &mut fastrand::Rng) -> Rules {
    let role = |rng: &mut fastrand::Rng, base: RoleRules| RoleRules {
        start_timeout: SECOND * rng.u32(5..61),
        age_max: (rng.u8(..3) == 0).then(|| MINUTE * rng.u32(2..300)),
        watchdog: rng.bool().then_some(SECOND * 30),
        intensity: rng.bool().then(|| rng.u32(3..40)),
        ..base
    };
    Rules {
        agent: (rng.u8(..5) > 0).then(|| role(rng, RoleRules::agent())),
        worker: role(rng, RoleRules::worker()),
        workers: rng.u32(1..13),
        min_ready_for: SECOND * rng.u32(0..6),
        give_up_after: (rng.u8(..3) > 0).then_some(MINUTE * 5),
        ..Rules::default()
    }
}

/// An answer that somebody waits for.
type Asked = (Ask, Now);
