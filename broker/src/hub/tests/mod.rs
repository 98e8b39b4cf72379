//! The hub against what is promised about a message.

mod endings;
mod flow;
mod layer;
mod model;
mod requests;
mod verbs;
mod world;
