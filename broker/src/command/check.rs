//! `henhouse check`.

use super::{CONFIG, arguments::ConfigFile, config, out};

pub(crate) fn run(at: &ConfigFile) -> u8 {
    match config::load(&at.config) {
        Ok(plan) => {
            out::say(config::effective(&plan));
            0
        }
        Err(error) => {
            out::complain(error);
            CONFIG
        }
    }
}
