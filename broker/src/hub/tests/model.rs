//! Random programs against a plain model of what is promised about a message.
//!
//! A program is a list of steps, each made of four bytes: they shrink well, and a fuzzer can
//! write them too. [`Play`] does the steps to a hub, [`ledger`] knows what each message is owed.

mod holding;
mod ledger;
mod members;
mod owing;
mod player;
mod step;
mod talking;

#[cfg(test)]
use proptest::collection::vec;
#[cfg(test)]
use proptest::prelude::*;

use self::player::Play;
use self::step::Step;

/// Plays a program to its end, and checks everything on the way.
fn run(steps: &[Step]) {
    let mut play = Play::new();
    for step in steps {
        play.step(*step);
    }
    play.finish();
}

/// Plays the program that these bytes are.
#[cfg(feature = "fuzzing")]
pub(crate) fn play(bytes: &[u8]) {
    let (steps, _) = bytes.as_chunks::<4>();
    let steps: Vec<Step> = steps
        .iter()
        .copied()
        .map(Step::from_bytes)
        .take(200)
        .collect();
    run(&steps);
}

#[cfg(test)]
proptest! {
    #[test]
    fn every_message_ends_as_promised(
        steps in vec(any::<[u8; 4]>().prop_map(Step::from_bytes), 1..120)
    ) {
        run(&steps);
    }
}
