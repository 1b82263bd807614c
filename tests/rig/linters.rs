use crate::{Answer, run};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The repository.
pub fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    root.canonicalize().expect("the repository")
}

/// A program that `tests/install-linters` put in its place.
pub fn linter(name: &str) -> Command {
    let home = root().join("target/test-tools/linters/bin");
    let path = home.join(name);
    assert!(
        path.is_file(),
        "{} is missing: run tests/run, or tests/install-linters",
        path.display()
    );
    let mut command = Command::new(path);
    command.current_dir(root());
    command
}

/// A question for `tests/deploy.py`.
pub async fn ask(question: &[&str]) -> Answer {
    let mut command = linter("python");
    command.arg("tests/deploy.py").args(question);
    run(command).await
}

/// The same, with an answer.
pub async fn answered(question: &[&str]) -> Value {
    let answer = ask(question).await.expect_code(0);
    serde_json::from_str(&answer.stdout).expect("JSON")
}
