//! The process layer: starts the agent and the workers, and keeps them.

mod policy;
