//! One step of a random program.

use henhouse_proto::wire::{Role, Route, Want};

/// Something that happens. Who it happens to is a number: that of the processes which can do it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    Join(Role),
    Ready(u8),
    Send {
        from: u8,
        to: u8,
        route: Route,
        want: Want,
        others: bool,
        bytes: usize,
    },
    Reply {
        from: u8,
        bytes: usize,
    },
    Read {
        who: u8,
        bytes: usize,
    },
    Wait {
        ms: u64,
    },
    Failing(u8),
    Goodbye(u8),
    Drain(u8),
    Dismiss(u8),
    Die(u8),
    /// It makes the broker answer until it is not read any more.
    Flood(u8),
    ExpectWorkers(u32),
    ShutDown,
}

impl Step {
    /// Any four bytes are a step; zeros are the simplest one.
    pub(super) fn from_bytes([kind, who, how, size]: [u8; 4]) -> Step {
        // Around the limits of `Play`: a message, a part of an outbox, more than an outbox.
        let bytes = [0, 0, 300, 900, 2_100, 6_000][usize::from(size % 6)];
        match kind % 64 {
            0..=5 => Step::Read {
                who,
                bytes: [1 << 20, 1, 60, 1_000, 5_000][usize::from(how % 5)],
            },
            6..=10 => Step::Join(match how % 8 {
                0..=4 => Role::Worker,
                5 | 6 => Role::Agent,
                _ => Role::Operator,
            }),
            11..=16 => Step::Ready(who),
            17..=43 => Step::Send {
                from: who,
                to: size / 6,
                route: [
                    Route::App,
                    Route::Agent,
                    Route::Random,
                    Route::Pid,
                    Route::Broadcast,
                ][usize::from(how % 5)],
                want: [Want::Unspecified, Want::Receipt, Want::Reply][usize::from(how / 5 % 3)],
                others: how >= 128,
                bytes,
            },
            44..=48 => Step::Reply { from: who, bytes },
            49..=52 => Step::Wait {
                ms: [20, 200, 1_000, 4_000, 6_000][usize::from(how % 5)],
            },
            53 => Step::Failing(who),
            54 => Step::Goodbye(who),
            55 => Step::Drain(who),
            56 => Step::Dismiss(who),
            57..=60 => Step::Die(who),
            61 => Step::Flood(who),
            62 => Step::ExpectWorkers(u32::from(how % 4)),
            _ if how < 64 => Step::ShutDown,
            _ => Step::Wait { ms: 50 },
        }
    }
}
