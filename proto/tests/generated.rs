//! The committed code is what the schema says.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};

/// Where the committed code lives. Run with `HENHOUSE_REGENERATE=1` to write it anew.
const COMMITTED: &str = "src/generated/henhouse.v1.rs";

#[test]
fn the_committed_code_is_what_the_schema_generates() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let generated = generate(package);
    let committed = package.join(COMMITTED);
    if std::env::var_os("HENHOUSE_REGENERATE").is_some() {
        std::fs::write(&committed, &generated).unwrap();
    }
    let found = std::fs::read_to_string(&committed).unwrap();
    assert!(
        found == generated,
        "{COMMITTED} is not what the schema generates; run this test with HENHOUSE_REGENERATE=1"
    );
}

fn generate(package: &Path) -> String {
    let out = tempfile::tempdir().unwrap();
    let schema = PathBuf::from("henhouse/v1/henhouse.proto");
    let descriptors = protox::compile([&schema], [package]).unwrap();
    prost_build::Config::new()
        .bytes(["."])
        .out_dir(out.path())
        .compile_fds(descriptors)
        .unwrap();
    std::fs::read_to_string(out.path().join("henhouse.v1.rs")).unwrap()
}
