//! The program of the usual client libraries: `tests/benches/libraries`, which is no part of the
//! workspace, so that only who measures builds the libraries of others.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Trouble;

/// Builds it, and gives its path.
pub(crate) fn build() -> Result<PathBuf, Trouble> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/libraries");
    // This program is in target/release/deps.
    let own = std::env::current_exe()?;
    let target = own.ancestors().nth(3).ok_or("no target directory")?;
    let target = target.join("libraries");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--quiet", "--release"])
        .arg("--manifest-path")
        .arg(package.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .status()?;
    match status.success() {
        true => Ok(target.join("release/library-client")),
        false => Err(format!("cargo build of {}: {status}", package.display()).into()),
    }
}

/// Which versions it is made of: a name and a version each.
pub(crate) fn versions() -> Result<Vec<(String, String)>, Trouble> {
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/libraries/Cargo.lock");
    let lock = std::fs::read_to_string(lock)?;
    let mut versions = Vec::new();
    for package in lock.split("[[package]]") {
        let value = |key: &str| {
            let mut lines = package.lines();
            lines.find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "))
        };
        if let (Some(name @ ("\"async-nats\"" | "\"tokio\"")), Some(version)) =
            (value("name"), value("version"))
        {
            versions.push((name, version));
        }
    }
    let plain = |text: &str| text.trim_matches('"').to_owned();
    let plain = |(name, version)| (plain(name), plain(version));
    Ok(versions.into_iter().map(plain).collect())
}
