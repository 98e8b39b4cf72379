//! `henhouse start`.

use std::{path::PathBuf, process::ExitCode};

use super::{CONFIG, arguments::ConfigFile, config, log, out};
use crate::{
    master::{self, Listening, Options, Strangers},
    outlet::last_word,
};

pub(crate) fn run(at: &ConfigFile) -> ExitCode {
    let log = log::begin();
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
    let ended = master::run(plan, loader, options);
    drop(log);
    if ended.code != 0 {
        last_word(&ended.reason);
    }
    ExitCode::from(ended.code)
}
