//! The power goes at every moment, over many seeds.

use crate::common::*;
use understudy_log::sim::decisions;
use understudy_log::{Batch, Log, LogError, SimDisk, verify};
use understudy_types::Position;

const SEGMENT: u64 = 12 * 1024;

/// Appends and flushes by `decide` until something fails.
fn work(
    log: &mut Log<SimDisk>,
    decide: &mut dyn FnMut() -> u64,
    written: &mut Vec<Batch>,
) -> Result<(), LogError> {
    for _ in 0..60 {
        let length = (decide() % 2500) as usize;
        let batch = next_batch(log, 1, &[&body(log.next_lsn().get(), length)]);
        written.push(batch.clone());
        log.append(&batch)?;
        if decide().is_multiple_of(3) {
            log.flush()?;
        }
    }
    Ok(())
}

/// One run: some work, a power cut, and a look at what is left.
fn survives(seed: u64) {
    let mut decide = decisions(seed);
    let disk = sim();
    let mut written: Vec<Batch> = Vec::new();
    let mut flushed: Option<Position> = None;
    for round in 0..6 {
        disk.cut_power_after(decide() % 120);
        if let Ok(mut opened) = open(&disk, SEGMENT) {
            check_kept(&opened.batches, flushed);
            written = opened.batches;
            // The failure is the power cut; what counts is what is left.
            let _ = work(&mut opened.log, &mut decide, &mut written);
            flushed = opened.log.flushed();
        }
        disk.crash(&mut decide);
        let report = verify(&*disk, CLUSTER, &shard())
            .unwrap_or_else(|error| panic!("seed {seed} round {round}: {error}"));
        let head = report.head.map(|head| head.lsn);
        assert!(
            head >= flushed.map(|f| f.lsn),
            "seed {seed} round {round}: flushed batches"
        );
        check_prefix(&written, report.head);
    }
    disk.crash(&mut decide);
    let opened = open(&disk, SEGMENT).unwrap();
    assert!(written.starts_with(&opened.batches), "seed {seed}");
}

/// What was flushed is in what was found, with the same hash.
fn check_kept(found: &[Batch], flushed: Option<Position>) {
    let same = found.iter().any(|batch| Some(batch.position()) == flushed);
    assert!(flushed.is_none() || same, "a flushed batch is gone");
}

fn check_prefix(written: &[Batch], head: Option<Position>) {
    let ends = written.iter().any(|batch| Some(batch.position()) == head);
    assert!(head.is_none() || ends, "a position that was never written");
}

#[test]
fn flushed_batches_survive_every_power_cut() {
    (0..400).for_each(survives);
}

#[test]
fn process_kill_keeps_all_that_was_written() {
    let disk = sim();
    let mut log = open(&disk, SEGMENT).unwrap().log;
    let written: Vec<Batch> = (0..20).map(|_| append_one(&mut log, 1, 900)).collect();
    drop(log);
    let opened = open(&disk, SEGMENT).unwrap();
    assert_eq!(opened.batches, written);
    drop(opened);
    disk.crash(&mut decisions(3));
    assert_eq!(
        open(&disk, SEGMENT).unwrap().batches,
        written,
        "recovery made it durable"
    );
}

#[test]
fn recovery_survives_a_power_cut_at_each_of_its_steps() {
    for seed in 0..60 {
        for step in 0..12 {
            let mut decide = decisions(seed);
            let disk = sim();
            let mut log = open(&disk, SEGMENT).unwrap().log;
            let mut written = vec![append_one(&mut log, 1, 1500)];
            log.flush().unwrap();
            written.extend((0..3).map(|_| append_one(&mut log, 1, 1500)));
            drop(log);
            disk.crash(&mut decide);
            disk.cut_power_after(step);
            drop(open(&disk, SEGMENT));
            disk.crash(&mut decide);
            let found = open(&disk, SEGMENT).unwrap().batches;
            assert!(
                !found.is_empty() && written.starts_with(&found),
                "{seed} {step}"
            );
        }
    }
}
