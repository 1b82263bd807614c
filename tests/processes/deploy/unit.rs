//! The systemd unit, judged by systemd's own tools.

use rig::{Directory, linters, understudy_binary};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// In tenths: what systemd calls "OK" ends at 49, a unit without any
/// confinement has 96. The rest of this one is the network, which it is for.
const EXPOSURE_MAX: &str = "20";

fn unit_text() -> String {
    let path = linters::root().join("deploy/systemd/understudy@.service");
    std::fs::read_to_string(path).expect("the unit")
}

/// The unit with a binary that is here.
async fn written(directory: &Directory, text: &str) -> PathBuf {
    let path = directory.path().join("understudy@.service");
    let binary = understudy_binary();
    let text = text.replace("/usr/bin/understudy", binary.to_str().expect("a path"));
    tokio::fs::write(&path, text).await.expect("a file");
    path
}

fn analyze(arguments: &[&str], unit: &Path) -> Output {
    let output = Command::new("systemd-analyze")
        .args(arguments)
        .arg(unit)
        .output();
    output.expect("systemd-analyze, of Debian's package systemd")
}

/// Empty when systemd understands every line.
async fn complaints(text: &str) -> String {
    let directory = Directory::new();
    let unit = written(&directory, text).await;
    let output = analyze(&["verify", "--man=no"], &unit);
    let said = String::from_utf8_lossy(&output.stderr);
    // Units of the machine itself may be at fault: they are not ours.
    let ours = said.lines().filter(|line| line.contains("understudy"));
    ours.collect::<Vec<_>>().join("\n")
}

async fn is_confined(text: &str) -> bool {
    let directory = Directory::new();
    let unit = written(&directory, text).await;
    let threshold = format!("--threshold={EXPOSURE_MAX}");
    let output = analyze(&["security", "--offline=true", &threshold], &unit);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("Overall exposure level"), "{output:?}");
    output.status.success()
}

#[tokio::test]
async fn systemd_understands_every_line_of_the_unit() {
    assert_eq!(complaints(&unit_text()).await, "");
    let wrong = unit_text().replace("WatchdogSec=60", "WatchdogSec=soon");
    assert!(complaints(&wrong).await.contains("soon"));
    let unknown = unit_text().replace("ProtectClock=", "ProtectsClock=");
    assert!(complaints(&unknown).await.contains("ProtectsClock"));
}

#[tokio::test]
async fn unit_is_confined_as_systemd_measures_it() {
    assert!(is_confined(&unit_text()).await);
    let loose = unit_text().replace("SystemCallFilter=", "#");
    assert!(
        !is_confined(&loose).await,
        "the threshold is close to the unit"
    );
}

#[test]
fn verdict_reads_the_memory_of_the_machine() {
    assert!(
        !unit_text().contains("\nProcSubset=pid"),
        "P09 would refuse"
    );
}
