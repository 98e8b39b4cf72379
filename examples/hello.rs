//! Two processes, one message.
fn main() {}
