//! Every step on which durability rests, cut before, after and in its middle,
//! in every role. CRASHES.md is the table.

use std::collections::{BTreeMap, BTreeSet};
use understudy_log::sim::Subject;
use understudy_sim::{Cell, DurableStep, LeaseStep, Mutation, Role, Thoroughness, crash_matrix};

const TABLE: &str = include_str!("../CRASHES.md");
const COVERED: &str = "✓";
/// The columns, with the name of the step before them.
const COLUMNS: usize = 1 + Role::ALL.len();

/// The cells of the table, by step and role.
fn table() -> BTreeMap<(String, Role), String> {
    let mut table = BTreeMap::new();
    for line in TABLE.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        assert_eq!(cells.len(), COLUMNS, "{line}");
        let step = cells[0].trim_matches('`').to_owned();
        for (role, cell) in Role::ALL.into_iter().zip(&cells[1..]) {
            let before = table.insert((step.clone(), role), (*cell).to_owned());
            assert_eq!(before, None, "{step} has two rows");
        }
    }
    table
}

/// What the letters of the table stand for.
fn reasons() -> BTreeSet<String> {
    let lines = TABLE.lines().filter_map(|line| line.strip_prefix("- "));
    let letters = lines.filter_map(|line| line.split_once(": "));
    letters.map(|(letter, _)| letter.to_owned()).collect()
}

fn crashes() -> Vec<Cell> {
    let thoroughness = match cfg!(debug_assertions) {
        true => Thoroughness::Quick,
        false => Thoroughness::Whole,
    };
    let roles = Role::ALL.into_iter();
    roles
        .flat_map(|role| crash_matrix(role, thoroughness, None))
        .collect()
}

#[test]
fn every_crash_heals_and_every_step_is_in_the_table() {
    let cells = crashes();
    let failed: Vec<_> = cells.iter().filter(|cell| cell.verdict.is_err()).collect();
    assert!(failed.is_empty(), "{failed:#?}");

    let seen: BTreeSet<(String, Role)> = cells
        .iter()
        .map(|cell| (cell.step.to_string(), cell.role))
        .collect();
    let (table, reasons) = (table(), reasons());
    for cell in &seen {
        assert!(
            table.contains_key(cell),
            "CRASHES.md has no row for {cell:?}: add one"
        );
    }
    let is_wrong = |(cell, said): &(&(String, Role), &String)| match seen.contains(cell) {
        true => *said != COVERED,
        false => !reasons.contains(*said),
    };
    let wrong: Vec<_> = table.iter().filter(is_wrong).collect();
    assert!(
        wrong.is_empty(),
        "CRASHES.md says so of cells that are cut, or are not: {wrong:#?}"
    );
    println!("{} crashes, {} cells", cells.len(), seen.len());
}

/// A step that the code knows and no scene takes has a row too, with reasons.
#[test]
fn every_kind_of_step_has_a_row() {
    let rows: BTreeSet<String> = table().into_keys().map(|(step, _)| step).collect();
    for subject in Subject::ALL {
        let prefix = format!("{subject:?}:");
        let has_row = rows.iter().any(|row| row.starts_with(&prefix));
        // What the disk does not know by name must not be changed at all.
        assert_eq!(has_row, subject != Subject::Other, "{subject:?}");
    }
    for step in LeaseStep::ALL {
        let row = DurableStep::Lease(step).to_string();
        assert!(rows.contains(&row), "{row}");
    }
}

#[test]
fn acknowledgement_before_the_flush_is_found_by_a_cut_before_it() {
    let broken = Some(Mutation::AckBeforeFlush);
    let cells = crash_matrix(Role::Primary, Thoroughness::Whole, broken);
    let found = cells.iter().any(|cell| {
        let verdict = cell.verdict.as_ref();
        verdict.is_err_and(|what| what.starts_with("AckedSurvives"))
    });
    assert!(found, "{cells:#?}");
}
