use crate::common::*;
use std::sync::Arc;
use understudy_log::{Disk, Log, LogError, Scrub, Scrubbed, SimDisk};

const SEGMENT: u64 = 16 * 1024;

/// A log of several segments, that goes on.
fn log() -> (Arc<SimDisk>, Log<SimDisk>) {
    let disk = sim();
    let mut log = open(&disk, SEGMENT).unwrap().log;
    grow(&mut log, 60);
    (disk, log)
}

fn grow(log: &mut Log<SimDisk>, records: usize) {
    for _ in 0..records {
        append_one(log, 1, 700);
        log.flush().unwrap();
    }
}

/// Verifies all sealed segments; bytes of their batches, or what is wrong.
fn pass(scrub: &Scrub<SimDisk>) -> Result<usize, LogError> {
    let mut bytes = 0;
    for segment in scrub.sealed() {
        let scrubbed = scrub.verify(&segment, &mut |batch| bytes += batch)?;
        assert_eq!(scrubbed, Scrubbed::Sound);
    }
    Ok(bytes)
}

fn segments(disk: &SimDisk) -> Vec<String> {
    let names = disk.list("shards/main").unwrap();
    names.into_iter().filter(|n| n.ends_with(".seg")).collect()
}

#[test]
fn all_but_the_segment_that_is_written_is_verified() {
    let (disk, mut log) = log();
    let scrub = log.scrub();
    let sealed = scrub.sealed();
    assert_eq!(sealed.len(), segments(&disk).len() - 1);
    let bytes: u64 = sealed.iter().map(|segment| segment.bytes).sum();
    assert_eq!(pass(&scrub).unwrap() as u64, bytes);
    grow(&mut log, 60);
    assert!(scrub.sealed().len() > sealed.len());
    pass(&scrub).unwrap();
}

/// In the header block, in a batch, and in the zeros behind the last one: a
/// recovery would refuse each.
#[test]
fn any_flip_in_a_sealed_segment_is_found_and_named_as_recovery_names_it() {
    for offset in [3, 40, 4096, 5000, 12_000, SEGMENT - 1] {
        let (disk, log) = log();
        let damaged = format!("shards/main/{}", segments(&disk)[1]);
        disk.flip_bit(&damaged, offset as usize * 8);
        let Err(LogError::Damaged(found)) = pass(&log.scrub()) else {
            panic!("nothing found at {offset}");
        };
        assert_eq!(found.file, damaged);
        assert!(found.offset <= offset, "{found}");
        drop(log);
        match open(&disk, SEGMENT) {
            Err(LogError::Damaged(recovery)) => assert_eq!(recovery, found),
            _ => panic!("recovery accepts a flip at {offset}"),
        }
    }
}

#[test]
fn segment_that_is_gone_is_damage() {
    let (disk, log) = log();
    let gone = format!("shards/main/{}", segments(&disk)[1]);
    disk.remove(&gone).unwrap();
    match pass(&log.scrub()) {
        Err(LogError::Damaged(found)) => assert_eq!(found.file, gone),
        other => panic!("{other:?}"),
    }
}

#[test]
fn cut_of_the_log_is_no_damage() {
    let (_, mut log) = log();
    let scrub = log.scrub();
    let sealed = scrub.sealed();
    let keep = log.position_at(lsn(5)).unwrap();
    log.truncate_after(keep).unwrap();
    for segment in sealed {
        let scrubbed = scrub.verify(&segment, &mut |_| {}).unwrap();
        assert_eq!(scrubbed, Scrubbed::Cut);
    }
    pass(&scrub).unwrap();
}
