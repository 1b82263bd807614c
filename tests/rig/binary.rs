use std::path::{Path, PathBuf};

/// The binary under test: `$UNDERSTUDY_BIN`, or the workspace's own in the
/// profile of this code. Panics when it is not built.
pub fn understudy_binary() -> PathBuf {
    let (directory, flag) = match cfg!(debug_assertions) {
        true => ("debug", ""),
        false => ("release", " --release"),
    };
    let path = match std::env::var_os("UNDERSTUDY_BIN") {
        Some(path) => PathBuf::from(path),
        None => target().join(directory).join("understudy"),
    };
    assert!(
        path.is_file(),
        "{} is missing: build it with `cargo build{flag} --workspace --bins`, \
         or run the tests with tests/run, which does",
        path.display()
    );
    path
}

fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(path) => PathBuf::from(path),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"),
    }
}
