//! `henhouse start`.

use std::{path::PathBuf, process::ExitCode};

use super::{CONFIG, arguments::ConfigFile, config, log, out};
use crate::master::{self, Listening, Options, Strangers};

pub(crate) fn run(at: &ConfigFile) -> ExitCode {
    log::begin();
    // A reload reads the same file, also where the directory has changed meanwhile.
    let file = std::path::absolute(&at.config).unwrap_or_else(|_| PathBuf::from(&at.config));
    let plan = match config::load(&file) {
        Ok(plan) => plan,
        Err(error) => {
            out::complain(error);
            return ExitCode::from(CONFIG);
        }
    };
    let loader = Box::new(move || config::load(&file).map_err(|error| error.to_string()));
    let options = Options {
        signals: Listening::ToAll,
        // This program has no children but the master's.
        strangers: Strangers::Reap,
    };
    master::run(plan, loader, options)
}
