//! Where a socket is when nobody said where.

use std::{env, path::PathBuf};
#[cfg(feature = "cli")]
use std::{os::unix::ffi::OsStrExt as _, path::Path};

/// The socket of the master that belongs to that file: the same one for every command that names
/// the same file, whatever the path it is named by.
#[cfg(feature = "cli")]
pub(crate) fn default_socket(of: &Path) -> PathBuf {
    let real = of.canonicalize().unwrap_or_else(|_| of.to_owned());
    let hash = fnv1a(real.as_os_str().as_bytes());
    runtime_directory().join(format!("henhouse-{hash:016x}.sock"))
}

/// The socket of a master inside another program: one for each process, since nobody looks for it.
pub(crate) fn own_socket() -> PathBuf {
    runtime_directory().join(format!("henhouse-{}.sock", std::process::id()))
}

/// FNV-1a: std's hashers may change from one release to the next, and then a new command would not
/// find an old master.
#[cfg(feature = "cli")]
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// A directory that is this user's alone.
fn runtime_directory() -> PathBuf {
    let uid = rustix::process::getuid().as_raw();
    let given = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let usual = PathBuf::from(format!("/run/user/{uid}"));
    given
        .into_iter()
        .chain([usual])
        .find(|directory| directory.is_absolute() && directory.is_dir())
        .unwrap_or_else(|| env::temp_dir().join(format!("henhouse-{uid}")))
}

#[cfg(all(test, feature = "cli"))]
mod tests {
    use super::*;

    #[test]
    fn the_same_file_has_the_same_socket_by_every_path() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("henhouse.toml");
        std::fs::write(&file, "").unwrap();
        let detour = directory
            .path()
            .join("../")
            .join(directory.path())
            .join("./henhouse.toml");
        assert_eq!(default_socket(&file), default_socket(&detour));
        assert_ne!(default_socket(&file), default_socket(directory.path()));
    }
}
