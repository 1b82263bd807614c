//! docs/faults.md says which test shows which fault.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Names of all functions under a `test` attribute.
fn tests_below(directory: &Path, names: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(directory).expect("a directory").flatten() {
        let path = entry.path();
        if path.is_dir() {
            tests_below(&path, names);
        } else if path.extension().is_some_and(|end| end == "rs") {
            tests_in(&std::fs::read_to_string(&path).expect("text"), names);
        }
    }
}

fn tests_in(text: &str, names: &mut BTreeSet<String>) {
    let mut is_test = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if let Some(rest) = function(line).filter(|_| is_test) {
            names.insert(rest.to_owned());
            is_test = false;
        }
    }
}

fn function(line: &str) -> Option<&str> {
    let line = line.strip_prefix("async ").unwrap_or(line);
    line.strip_prefix("fn ")?.split('(').next()
}

/// What stands in backticks and could be a function's name.
fn named(page: &str) -> BTreeSet<&str> {
    let quoted = page.split('`').skip(1).step_by(2);
    let is_name = |text: &&str| {
        let mut letters = text.chars();
        letters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    quoted
        .filter(|text| text.contains('_'))
        .filter(is_name)
        .collect()
}

#[test]
fn every_fault_has_a_row_and_every_named_test_exists() {
    let page = std::fs::read_to_string(repository().join("docs/faults.md")).expect("the page");
    let mut tests = BTreeSet::new();
    for directory in ["crates", "tests"] {
        tests_below(&repository().join(directory), &mut tests);
    }
    let named = named(&page);
    assert!(named.len() > 50, "{named:?}");
    let gone: Vec<_> = named
        .iter()
        .filter(|name| !tests.contains(**name))
        .collect();
    assert!(
        gone.is_empty(),
        "docs/faults.md names tests that are not there: {gone:?}"
    );

    let faults = (1..=74).map(|number| format!("F{number:02}"));
    for fault in faults.chain(["F28b".to_owned()]) {
        let rows = page
            .lines()
            .filter(|line| line.starts_with(&format!("| {fault} ")));
        assert_eq!(rows.count(), 1, "{fault}");
    }
}
