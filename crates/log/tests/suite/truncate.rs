use crate::common::*;
use std::sync::Arc;
use understudy_log::sim::decisions;
use understudy_log::{Batch, Log, LogError, SimDisk};
use understudy_types::{ChainHash, Position};

const SEGMENT: u64 = 12 * 1024;

fn filled() -> (Arc<SimDisk>, Log<SimDisk>, Vec<Batch>) {
    let disk = sim();
    let mut log = open(&disk, SEGMENT).unwrap().log;
    let written = (0..30)
        .map(|i| append_one(&mut log, 1 + i / 10, 1000))
        .collect();
    log.flush().unwrap();
    (disk, log, written)
}

#[test]
fn log_ends_where_it_was_cut_and_goes_on_from_there() {
    for keep in 0..=30 {
        let (disk, mut log, written) = filled();
        let position = written[..keep].last().map(Batch::position);
        log.truncate_after(position).unwrap();
        assert_eq!((log.written(), log.flushed()), (position, position));
        let bytes: u64 = written[..keep]
            .iter()
            .map(|batch| batch.bytes().len() as u64)
            .sum();
        assert_eq!(log.bytes_total().get(), bytes);
        assert_eq!(log.last_epoch(), written[..keep].last().map(Batch::epoch));
        let mut expected = written[..keep].to_vec();
        expected.extend((0..15).map(|_| append_one(&mut log, 9, 900)));
        log.flush().unwrap();
        drop(log);
        assert_eq!(
            open(&disk, SEGMENT).unwrap().batches,
            expected,
            "keep {keep}"
        );
    }
}

#[test]
fn position_that_is_not_in_the_log_is_refused() {
    let (_disk, mut log, written) = filled();
    let head = log.written();
    let wrong_hash = Position {
        lsn: lsn(5),
        hash: ChainHash::from_bytes([3; 32]),
    };
    let too_far = Position {
        lsn: lsn(99),
        hash: written[0].position().hash,
    };
    for position in [wrong_hash, too_far] {
        let refused = log.truncate_after(Some(position));
        assert!(matches!(refused, Err(LogError::UnknownPosition(_))));
    }
    assert_eq!(log.written(), head);
    append_one(&mut log, 3, 10);
}

#[test]
fn full_disk_does_not_stop_a_cut_that_the_spare_makes_room_for() {
    let (disk, mut log, written) = filled();
    disk.limit_space(Some(0));
    let keep = Some(written[2].position());
    match log.truncate_after(keep) {
        Err(LogError::Full(_)) => assert_eq!(log.written(), Some(written[29].position())),
        other => panic!("the simulated disk gives no space back: {other:?}"),
    }
    disk.limit_space(None);
    log.truncate_after(keep).unwrap();
    assert_eq!(open(&disk, SEGMENT).unwrap().batches, written[..3]);
}

#[test]
fn power_cut_at_any_step_leaves_a_whole_log_that_can_be_cut_again() {
    for seed in 0..40 {
        for step in 0..24 {
            let (disk, mut log, written) = filled();
            let keep = (seed as usize * 7) % 30;
            let position = written[..keep].last().map(Batch::position);
            disk.cut_power_after(step);
            let done = log.truncate_after(position).is_ok();
            drop(log);
            disk.crash(&mut decisions(seed * 100 + step));
            let mut opened = open(&disk, SEGMENT)
                .unwrap_or_else(|error| panic!("seed {seed} step {step}: {error}"));
            assert!(written.starts_with(&opened.batches) && opened.batches.len() >= keep);
            assert!(!done || opened.batches.len() == keep, "durable on return");
            opened.log.truncate_after(position).unwrap();
            assert_eq!(opened.log.written(), position);
        }
    }
}
