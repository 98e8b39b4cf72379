//! Messages that fill what there is of room.

use std::time::Duration;

use henhouse_proto::wire::{Message, Route, Want};

use super::world::{World, message};
use crate::limits::Limits;
use crate::roster::Key;

/// Limits under which a few messages fill everything.
pub(super) fn narrow() -> Limits {
    Limits {
        outbox_bytes_max: 10_000,
        waiting_bytes_max: 100_000,
        stall: Duration::from_secs(3_600),
        ..Limits::default()
    }
}

/// Three of them are more than an outbox has room for.
pub(super) fn big(route: Route, pid: u32, id: u64) -> Message {
    Message {
        route: route.into(),
        pid,
        id,
        data: vec![1; 4_000].into(),
        ..message("big")
    }
}

/// Fills what waits for `pid` so far that the next big message finds no room.
pub(super) fn fill(world: &mut World, from: Key, route: Route, pid: u32) {
    for _ in 0..2 {
        world.send_message(from, big(route, pid, 0));
    }
}

pub(super) fn ask(world: &mut World, from: Key, to: Message, id: u64, timeout_ms: u32) {
    let want = Want::Reply.into();
    world.send_message(
        from,
        Message {
            id,
            want,
            timeout_ms,
            ..to
        },
    );
}

pub(super) fn to_agent() -> Message {
    Message {
        route: Route::Agent.into(),
        ..message("ask")
    }
}

pub(super) fn to_pid(pid: u32) -> Message {
    Message {
        route: Route::Pid.into(),
        pid,
        ..message("ask")
    }
}

/// A big reply to the one that asked.
pub(super) fn big_reply(connection: u64, in_reply_to: u64) -> Message {
    Message {
        connection,
        in_reply_to,
        ..big(Route::Reply, 0, 0)
    }
}
