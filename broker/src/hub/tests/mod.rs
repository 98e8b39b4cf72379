//! The hub against what is promised about a message.

#![expect(
    clippy::unwrap_used,
    reason = "a test may panic, and a fuzzer looks for it"
)]
#![cfg_attr(not(test), expect(dead_code, reason = "a fuzzer needs only the model"))]

#[cfg(test)]
mod answers;
#[cfg(test)]
mod draining;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod flow;
#[cfg(test)]
mod in_line;
#[cfg(test)]
mod layer;
#[cfg(test)]
mod leaving;
#[cfg(test)]
mod messages;
mod model;
#[cfg(test)]
mod pace;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod shutdown;
#[cfg(test)]
mod slots;
#[cfg(test)]
mod verbs;
mod world;

#[cfg(feature = "fuzzing")]
pub(crate) use self::model::play;
