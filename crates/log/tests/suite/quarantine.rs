use crate::common::*;
use std::sync::Arc;
use understudy_log::quarantine::{Notice, QuarantineError, Summary, list, read, store};
use understudy_log::sim::decisions;
use understudy_log::{Batch, Disk, SimDisk};

fn tail() -> Vec<Batch> {
    let mut previous = genesis();
    let mut batches = Vec::new();
    for number in 0..4 {
        let batch = batch_after(
            lsn(1 + 2 * number),
            previous,
            2,
            &[&body(number, 900), b"b"],
        );
        previous = batch.position().hash;
        batches.push(batch);
    }
    batches
}

fn notice(reason: &str) -> Notice {
    Notice {
        cluster: CLUSTER,
        shard: shard(),
        node: "berlin".parse().unwrap(),
        reason: reason.to_owned(),
        fork: None,
        wall_millis: 55,
    }
}

fn keep(disk: &Arc<SimDisk>, reason: &str) -> Result<Summary, QuarantineError> {
    store(&**disk, &notice(reason), tail().into_iter().map(Ok))
}

#[test]
fn tail_is_kept_listed_and_read_back() {
    let disk = sim();
    assert_eq!(list(&*disk, &shard()).unwrap(), []);
    let summary = keep(&disk, "after failover").unwrap();
    assert_eq!(summary.path(), "quarantine/main/2-1-8.batches");
    assert_eq!((summary.records(), summary.batches), (8, 4));
    assert_eq!(
        list(&*disk, &shard()).unwrap(),
        std::slice::from_ref(&summary)
    );
    let (found, batches) = read(&*disk, &shard(), &summary.file_name()).unwrap();
    assert_eq!((found, batches), (summary, tail()));
}

#[test]
fn storing_again_keeps_the_first() {
    let disk = sim();
    let first = keep(&disk, "first").unwrap();
    assert_eq!(keep(&disk, "second").unwrap(), first);
    assert_eq!(list(&*disk, &shard()).unwrap().len(), 1);
}

#[test]
fn power_cut_at_any_step_leaves_the_whole_tail_or_none() {
    for seed in 0..40 {
        for step in 0..18 {
            let disk = sim();
            disk.cut_power_after(step);
            let done = keep(&disk, "cut").is_ok();
            disk.crash(&mut decisions(seed));
            let kept = list(&*disk, &shard()).unwrap();
            assert!(!done || kept.len() == 1, "durable on return: {seed} {step}");
            for summary in kept {
                assert_eq!(
                    read(&*disk, &shard(), &summary.file_name()).unwrap().1,
                    tail()
                );
            }
            keep(&disk, "again").unwrap();
            disk.crash(&mut decisions(seed + 1));
            assert_eq!(list(&*disk, &shard()).unwrap().len(), 1);
        }
    }
}

#[test]
fn damaged_file_is_refused_and_not_replaced() {
    let disk = sim();
    let summary = keep(&disk, "x").unwrap();
    disk.flip_bit(&summary.path(), (4096 + 1300) * 8);
    let error = read(&*disk, &shard(), &summary.file_name()).unwrap_err();
    assert!(matches!(error, QuarantineError::Damaged(_)), "{error}");
    let damaged = disk.read(&summary.path()).unwrap();
    let error = keep(&disk, "y").unwrap_err();
    assert!(matches!(error, QuarantineError::Damaged(_)), "{error}");
    assert_eq!(disk.read(&summary.path()).unwrap(), damaged);
}

/// The same lsns in the same epoch, and other records.
#[test]
fn other_tail_under_the_same_name_is_a_conflict() {
    let disk = sim();
    let first = keep(&disk, "first").unwrap();
    let mut other = tail();
    let last = other.pop().unwrap();
    other.push(batch_after(
        last.first_lsn(),
        last.previous(),
        2,
        &[b"other", b"b"],
    ));
    let error = store(&*disk, &notice("other"), other.into_iter().map(Ok)).unwrap_err();
    assert!(matches!(error, QuarantineError::Conflict { .. }), "{error}");
    assert_eq!(list(&*disk, &shard()).unwrap(), [first]);
}

#[test]
fn file_that_cannot_be_read_is_an_error_of_the_disk() {
    let disk = sim();
    disk.create_dir("quarantine/main/2-1-8.batches").unwrap();
    let error = keep(&disk, "x").unwrap_err();
    assert!(matches!(error, QuarantineError::Disk(_)), "{error}");
}

#[test]
fn tail_with_a_gap_is_refused() {
    let disk = sim();
    let mut tail = tail();
    tail.remove(1);
    let stored = store(&*disk, &notice("gap"), tail.into_iter().map(Ok));
    assert!(matches!(stored, Err(QuarantineError::Unlinked { .. })));
    let nothing = store(&*disk, &notice("none"), std::iter::empty());
    assert!(matches!(nothing, Err(QuarantineError::Nothing)));
    assert_eq!(list(&*disk, &shard()).unwrap(), []);
}
