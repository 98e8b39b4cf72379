//! The hub against what is promised about a message.

mod endings;
mod flow;
mod model;
mod requests;
mod verbs;
mod world;
