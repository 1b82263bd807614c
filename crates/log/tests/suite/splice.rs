use crate::common::*;
use std::sync::Arc;
use understudy_log::{
    Batch, Disk, Gap, LogError, SimDisk, Splice, SpliceError, VerifyReport, find_gap, verify,
};

const SEGMENT: u64 = 16 * 1024;

/// A log of several segments: its disk, its batches, its segments' names.
fn log() -> (Arc<SimDisk>, Vec<Batch>, Vec<String>) {
    let disk = sim();
    let mut log = open(&disk, SEGMENT).unwrap().log;
    let mut batches = Vec::new();
    for _ in 0..80 {
        batches.push(append_one(&mut log, 1, 700));
        log.flush().unwrap();
    }
    let names = disk.list("shards/main").unwrap();
    let names = names.into_iter().filter(|n| n.ends_with(".seg"));
    (disk.clone(), batches, names.collect())
}

fn report(disk: &SimDisk) -> VerifyReport {
    verify(disk, CLUSTER, &shard()).unwrap()
}

fn gap(disk: &SimDisk) -> Option<Gap> {
    find_gap(disk, CLUSTER, &shard()).unwrap()
}

fn splice(disk: &SimDisk, gap: &Gap, batches: &[Batch]) -> Result<(), SpliceError> {
    let mut splice = Splice::begin(disk, gap)?;
    let inside = gap.first_lsn()..=gap.end.lsn;
    for batch in batches {
        if inside.contains(&batch.first_lsn()) {
            splice.push(batch)?;
        }
    }
    splice.finish()
}

#[test]
fn damaged_segments_between_sound_ones_are_what_they_were() {
    for place in [3, 40, 4100, 9000] {
        for damaged in [&[0][..], &[1], &[0, 2], &[1, 2]] {
            let (disk, batches, names) = log();
            let whole = report(&disk);
            for number in damaged {
                disk.flip_bit(&format!("shards/main/{}", names[*number]), place * 8);
            }
            let mut found = 0;
            while let Some(gap) = gap(&disk) {
                splice(&disk, &gap, &batches).unwrap();
                found += 1;
            }
            // Of two in a row the first one's end is not known, when it is the
            // second one's header that is damaged.
            let headers = place < 4096 && damaged == [1, 2];
            if headers {
                assert!(matches!(
                    verify(&*disk, CLUSTER, &shard()),
                    Err(LogError::Damaged(_))
                ));
                continue;
            }
            assert_eq!(found, damaged.len());
            assert_eq!(report(&disk), whole);
            let mut again = open(&disk, SEGMENT).unwrap();
            assert_eq!(again.batches, batches);
            append_one(&mut again.log, 1, 700);
            let kept = disk.list("damaged/main").unwrap();
            assert_eq!(kept.len(), damaged.len());
        }
    }
}

#[test]
fn nothing_else_is_taken_for_what_was_there() {
    let (disk, batches, names) = log();
    let damaged = format!("shards/main/{}", names[1]);
    disk.flip_bit(&damaged, 5000 * 8);
    let before = disk.read(&damaged).unwrap();
    let gap = gap(&disk).unwrap();
    let first = gap.first_lsn().get() as usize;
    let other = batch_after(
        gap.first_lsn(),
        batches[first - 2].position().hash,
        1,
        &[b"x"],
    );
    let mut refused = Splice::begin(&*disk, &gap).unwrap();
    refused.push(&other).unwrap();
    assert!(matches!(
        refused.push(&batches[first]),
        Err(SpliceError::Refused(_))
    ));
    for taken in [0, 1, 3] {
        let mut short = Splice::begin(&*disk, &gap).unwrap();
        for batch in &batches[first - 1..first - 1 + taken] {
            short.push(batch).unwrap();
        }
        assert!(matches!(short.finish(), Err(SpliceError::OtherEnd { .. })));
    }
    assert_eq!(disk.read(&damaged).unwrap(), before);
    assert_eq!(disk.list("damaged/main").unwrap_or_default(), [""; 0]);
}

#[test]
fn damage_in_the_last_segment_has_no_known_end() {
    let (disk, _, names) = log();
    let last = names.last().unwrap();
    disk.flip_bit(&format!("shards/main/{last}"), 10 * 8);
    assert_eq!(gap(&disk), None);
}

#[test]
fn power_cut_at_any_step_leaves_the_damaged_segment_or_the_sound_one() {
    for changes in 0..60 {
        let (disk, batches, names) = log();
        let whole = report(&disk);
        let damaged = format!("shards/main/{}", names[1]);
        disk.flip_bit(&damaged, 5000 * 8);
        let found = gap(&disk).unwrap();
        disk.cut_power_after(changes);
        let done = splice(&disk, &found, &batches).is_ok();
        disk.crash(&mut understudy_log::sim::decisions(changes));
        if let Some(again) = gap(&disk) {
            assert!(!done, "after {changes} changes");
            assert_eq!(again, found);
            splice(&disk, &again, &batches).unwrap();
        }
        assert_eq!(report(&disk), whole, "after {changes} changes");
    }
}
