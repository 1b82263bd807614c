//! The simulator's own promise: a seed means one run, byte for byte.

use std::process::Command;
use understudy_sim::{Tracing, run};

fn printed(seed: u64) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_understudy-sim"))
        .args(["--seed", &seed.to_string(), "--trace"])
        .output()
        .expect("the simulator's binary runs");
    String::from_utf8(output.stdout).expect("a trace is text")
}

#[test]
fn same_seed_gives_the_same_trace_in_two_processes() {
    for seed in [1, 7, 42] {
        let (one, other) = (printed(seed), printed(seed));
        for (number, (left, right)) in one.lines().zip(other.lines()).enumerate() {
            assert_eq!(left, right, "seed {seed}, line {number}");
        }
        assert_eq!(one.lines().count(), other.lines().count(), "seed {seed}");
        assert!(one.lines().count() > 100, "seed {seed} has a trace");
    }
}

#[test]
fn tracing_changes_nothing() {
    for seed in 0..5 {
        let silent = run(seed, None, Tracing::Off);
        let traced = run(seed, None, Tracing::On);
        assert_eq!(silent.fingerprint, traced.fingerprint, "seed {seed}");
        assert_eq!(silent.stats, traced.stats, "seed {seed}");
    }
}

#[test]
fn different_seeds_are_different_runs() {
    assert_ne!(
        run(1, None, Tracing::Off).fingerprint,
        run(2, None, Tracing::Off).fingerprint
    );
}
