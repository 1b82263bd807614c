use crate::common::*;
use std::sync::Arc;
use understudy_log::{AppendRefusal, EpochFork, LogError, OsDisk, verify};
use understudy_types::{ChainHash, Epoch};

const SEGMENT: u64 = 16 * 1024;

#[test]
fn log_reopens_as_it_was_over_many_segments() {
    let disk = sim();
    let mut log = open(&disk, SEGMENT).unwrap().log;
    let written: Vec<_> = (0..100)
        .map(|i| append_one(&mut log, 1 + i / 30, 700))
        .collect();
    log.flush().unwrap();
    let (head, bytes) = (log.written(), log.bytes_total());
    let epochs = log.epoch_history().to_vec();
    drop(log);
    let again = open(&disk, SEGMENT).unwrap();
    assert_eq!(again.batches, written);
    assert_eq!((again.log.written(), again.log.flushed()), (head, head));
    assert_eq!(again.log.bytes_total(), bytes);
    assert_eq!(again.log.epoch_history(), epochs);
    assert!(again.report.segments > 3 && again.report.torn_tail.is_none());
    assert_eq!((again.report.records, again.report.batches), (100, 100));
    let verified = verify(&*disk, CLUSTER, &shard()).unwrap();
    assert_eq!((verified.head, verified.bytes), (head, bytes));
}

#[test]
fn log_works_on_the_disk_of_the_system() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(OsDisk::new(folder.path()));
    let mut log = open(&disk, SEGMENT).unwrap().log;
    let written: Vec<_> = (0..60).map(|_| append_one(&mut log, 1, 1000)).collect();
    log.flush().unwrap();
    drop(log);
    assert_eq!(open(&disk, SEGMENT).unwrap().batches, written);
}

#[test]
fn batch_larger_than_a_segment_gets_a_segment_of_its_own() {
    let disk = sim();
    let mut log = open(&disk, SEGMENT).unwrap().log;
    let written: Vec<_> = [10, 100_000, 10]
        .into_iter()
        .map(|length| append_one(&mut log, 1, length))
        .collect();
    log.flush().unwrap();
    assert_eq!(open(&disk, SEGMENT).unwrap().batches, written);
}

#[test]
fn batch_that_does_not_follow_writes_nothing() {
    let disk = sim();
    let mut log = open(&disk, SEGMENT).unwrap().log;
    append_one(&mut log, 5, 100);
    let (head, hash) = (log.written(), log.head_hash());
    let mut refusal = |batch| match log.append(&batch) {
        Err(LogError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    };
    let gap = refusal(batch_after(lsn(3), hash, 5, &[b"x"]));
    assert!(matches!(gap, AppendRefusal::NotContiguous { .. }));
    let other = refusal(batch_after(
        lsn(2),
        ChainHash::from_bytes([0; 32]),
        5,
        &[b"x"],
    ));
    assert!(matches!(other, AppendRefusal::NotLinked { .. }));
    let older = refusal(batch_after(lsn(2), hash, 4, &[b"x"]));
    assert_eq!(
        older,
        AppendRefusal::OlderEpoch {
            last: Epoch::new(5),
            found: Epoch::new(4)
        }
    );
    assert_eq!(log.written(), head);
    append_one(&mut log, 5, 100);
}

#[test]
fn watermarks_move_only_by_append_and_flush() {
    let disk = sim();
    let mut log = open(&disk, SEGMENT).unwrap().log;
    assert_eq!(
        (log.written(), log.flush().unwrap(), log.head_hash()),
        (None, None, genesis())
    );
    let position = append_one(&mut log, 1, 10).position();
    assert_eq!((log.written(), log.flushed()), (Some(position), None));
    let syncs = disk.sync_count();
    assert_eq!(log.flush().unwrap(), Some(position));
    assert_eq!(log.flush().unwrap(), Some(position));
    assert_eq!(disk.sync_count(), syncs + 1, "nothing new, no sync");
}

#[test]
fn failed_flush_poisons_the_log() {
    let disk = sim();
    let mut log = open(&disk, SEGMENT).unwrap().log;
    append_one(&mut log, 1, 10);
    log.flush().unwrap();
    let batch = append_one(&mut log, 1, 10);
    disk.fail_sync_after(0);
    assert!(matches!(log.flush(), Err(LogError::Flush(_))));
    let syncs = disk.sync_count();
    assert!(matches!(log.flush(), Err(LogError::Poisoned)));
    assert!(matches!(log.append(&batch), Err(LogError::Poisoned)));
    assert!(matches!(log.truncate_after(None), Err(LogError::Poisoned)));
    assert!(matches!(log.position_at(lsn(1)), Err(LogError::Poisoned)));
    assert_eq!(disk.sync_count(), syncs, "the flush is never tried again");
    assert_eq!(log.flushed().map(|flushed| flushed.lsn), Some(lsn(1)));
}

#[test]
fn what_a_failed_flush_left_is_written_again_before_it_counts() {
    for seed in 0..64 {
        let disk = sim();
        let mut log = open(&disk, SEGMENT).unwrap().log;
        append_one(&mut log, 1, 2000);
        disk.fail_sync_after(0);
        log.flush().unwrap_err();
        drop(log);
        // The process restarts, the machine does not: the bytes can be read.
        let log = open(&disk, SEGMENT).unwrap().log;
        let flushed = log.flushed();
        assert_eq!(flushed.map(|flushed| flushed.lsn), Some(lsn(1)));
        drop(log);
        disk.crash(&mut understudy_log::sim::decisions(seed));
        assert_eq!(
            open(&disk, SEGMENT).unwrap().log.flushed(),
            flushed,
            "seed {seed}"
        );
    }
}

#[test]
fn full_disk_leaves_the_log_consistent() {
    for space in (0..40_000).step_by(511) {
        let disk = sim();
        let mut log = open(&disk, SEGMENT).unwrap().log;
        append_one(&mut log, 1, 3000);
        log.flush().unwrap();
        disk.limit_space(Some(space));
        let full = loop {
            let batch = next_batch(&log, 1, &[&body(log.next_lsn().get(), 3000)]);
            let head = log.written();
            match log.append(&batch) {
                Ok(()) => {}
                Err(LogError::Full(_)) => break head,
                Err(other) => panic!("{other}"),
            }
        };
        assert_eq!(log.written(), full, "space {space}");
        disk.limit_space(None);
        append_one(&mut log, 1, 5);
        append_one(&mut log, 1, 5);
        let head = log.flush().unwrap();
        drop(log);
        let again = open(&disk, SEGMENT).unwrap();
        assert_eq!(
            (again.log.written(), again.report.torn_tail),
            (head, None),
            "space {space}"
        );
    }
}

#[test]
fn epochs_remember_where_they_began() {
    let disk = sim();
    let mut log = open(&disk, SEGMENT).unwrap().log;
    append_one(&mut log, 2, 10);
    let two = append_one(&mut log, 2, 10).position();
    let five = append_one(&mut log, 5, 10).position();
    append_one(&mut log, 6, 10);
    let fork = |epoch, fork| EpochFork {
        epoch: Epoch::new(epoch),
        fork,
    };
    assert_eq!(
        log.epoch_history(),
        [fork(2, None), fork(5, Some(two)), fork(6, Some(five))]
    );
    assert_eq!(log.last_epoch(), Some(Epoch::new(6)));
    let end = |epoch| log.end_of_epoch(Epoch::new(epoch));
    assert_eq!(
        [end(1), end(2), end(4)],
        [Some(None), Some(Some(two)), Some(Some(two))]
    );
    assert_eq!([end(5), end(6), end(7)], [Some(Some(five)), None, None]);
}

#[test]
fn position_exists_only_at_the_end_of_a_batch() {
    let disk = sim();
    let mut log = open(&disk, SEGMENT).unwrap().log;
    let mut ends = Vec::new();
    for _ in 0..40 {
        let batch = next_batch(&log, 1, &[&body(1, 500), &body(2, 500)]);
        log.append(&batch).unwrap();
        ends.push(batch.position());
    }
    for end in ends {
        assert_eq!(log.position_at(end.lsn).unwrap(), Some(end));
        assert_eq!(log.position_at(lsn(end.lsn.get() - 1)).unwrap(), None);
    }
    assert_eq!(log.position_at(lsn(81)).unwrap(), None);
}
