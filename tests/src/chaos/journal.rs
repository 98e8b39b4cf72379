//! A file that keeps what was written to it though its writer is killed.

use std::fs::File;
use std::io::Write as _;
use std::sync::Mutex;

pub(crate) struct Journal(Mutex<File>);

impl Journal {
    pub(crate) fn create(path: &str) -> Journal {
        Journal(Mutex::new(File::create(path).unwrap()))
    }

    /// One line, with the kernel when this returns.
    pub(crate) fn note(&self, line: &str) {
        let mut file = self.0.lock().unwrap();
        file.write_all(format!("{line}\n").as_bytes()).unwrap();
    }
}
