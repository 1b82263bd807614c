//! Every mutation is caught. MUTATIONS.md is the table.

use understudy_sim::{Campaign, Mutation, StopEarly, Tracing, campaign, run};

const TABLE: &str = include_str!("../MUTATIONS.md");

/// How far another seed is looked for when the one in the table is out of date.
const SEARCH: u64 = 4000;

struct Row {
    mutation: Mutation,
    seed: u64,
    invariant: String,
}

fn rows() -> Vec<Row> {
    let lines = TABLE.lines().filter(|line| line.starts_with("| `"));
    let row = |line: &str| {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        Row {
            mutation: cells[1]
                .trim_matches('`')
                .parse()
                .expect("a known mutation"),
            seed: cells[3].parse().expect("a seed"),
            invariant: cells[4].to_owned(),
        }
    };
    lines.map(row).collect()
}

fn is_caught(row: &Row) -> Result<(), String> {
    let outcome = run(row.seed, Some(row.mutation), Tracing::Off);
    let found = outcome
        .violation
        .map(|violation| violation.invariant.to_string());
    if found.as_ref() == Some(&row.invariant) {
        return Ok(());
    }
    let plan = Campaign {
        from: 0,
        seeds: SEARCH,
        mutation: Some(row.mutation),
        stop_early: StopEarly::AtFirstFailure,
    };
    match campaign(plan).failures.first() {
        Some(failure) => {
            let Row {
                mutation,
                seed,
                invariant,
            } = row;
            println!(
                "{mutation}: seed {seed} no longer shows {invariant} ({found:?}), seed {} shows {}: put it into MUTATIONS.md",
                failure.seed,
                failure.invariant()
            );
            Ok(())
        }
        None => Err(format!("{} is not caught by {SEARCH} seeds", row.mutation)),
    }
}

#[test]
fn every_mutation_is_in_the_table() {
    let listed: Vec<_> = rows().iter().map(|row| row.mutation).collect();
    assert_eq!(listed, Mutation::ALL);
}

#[test]
fn every_mutation_is_caught() {
    let missed: Vec<_> = rows()
        .iter()
        .filter_map(|row| is_caught(row).err())
        .collect();
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
