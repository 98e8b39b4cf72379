//! A child's environment: the master's own, less what was meant for the master, plus what is
//! meant for the child.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
};

/// What an init system said to the master, and what a master above this one said to it.
const NOT_INHERITED: [&str; 7] = [
    "LISTEN_FDNAMES",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_PIDFDID",
    "NOTIFY_SOCKET",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
];

/// Later layers win over earlier ones.
pub(crate) fn compose<'a>(
    own: impl Iterator<Item = (OsString, OsString)>,
    layers: impl IntoIterator<Item = (&'a OsStr, &'a OsStr)>,
) -> Vec<(OsString, OsString)> {
    let mut all: BTreeMap<OsString, OsString> = own
        .filter(|(name, _)| !NOT_INHERITED.iter().any(|not| name == not))
        .filter(|(name, _)| !name.as_encoded_bytes().starts_with(b"HENHOUSE_"))
        .collect();
    for (name, value) in layers {
        all.insert(name.to_owned(), value.to_owned());
    }
    all.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_for_the_master_is_not_passed_on() {
        let own = [
            "PATH=/bin",
            "LISTEN_FDS=1",
            "NOTIFY_SOCKET=x",
            "HENHOUSE_TOKEN=y",
        ]
        .map(|pair| pair.split_once('=').unwrap())
        .map(|(name, value)| (name.into(), value.into()));
        let layers = [("LISTEN_FDS", "2"), ("A", "b")].map(|(n, v)| (n.as_ref(), v.as_ref()));
        let composed = compose(own.into_iter(), layers);
        let expected = [("A", "b"), ("LISTEN_FDS", "2"), ("PATH", "/bin")]
            .map(|(name, value)| (name.into(), value.into()));
        assert_eq!(composed, expected);
    }
}
