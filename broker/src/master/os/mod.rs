//! The thin layer over the operating system: it starts, signals and reaps, and decides nothing.

mod environment;
mod explain;
mod launch;
pub(crate) mod listener;
mod raw;
mod reserve;
mod spawner;
#[cfg(test)]
mod tests;

pub use self::launch::Orphan;
pub(crate) use self::{
    launch::Launch,
    raw::LISTENERS_MAX,
    spawner::{Reply, Request, Spawner, Strangers},
};
