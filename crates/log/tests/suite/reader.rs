use crate::common::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use understudy_log::{Batch, LogError, OsDisk};
use understudy_types::Lsn;

const SEGMENT: u64 = 16 * 1024;

#[test]
fn reader_starts_at_the_batch_that_contains_the_record() {
    let disk = sim();
    let mut log = open(&disk, SEGMENT).unwrap().log;
    let mut written: Vec<Batch> = Vec::new();
    for _ in 0..50 {
        let batch = next_batch(&log, 1, &[&body(1, 400), &body(2, 400)]);
        log.append(&batch).unwrap();
        written.push(batch);
    }
    log.flush().unwrap();
    let factory = log.reader_factory();
    for start in 1..=100 {
        let mut reader = factory.read_from(lsn(start)).unwrap();
        for expected in &written[(start as usize - 1) / 2..] {
            assert_eq!(reader.next(lsn(100)).unwrap().as_ref(), Some(expected));
        }
        assert_eq!(reader.next(lsn(100)).unwrap(), None);
    }
}

#[test]
fn reader_never_sees_what_is_not_flushed_or_above_the_limit() {
    let disk = sim();
    let mut log = open(&disk, SEGMENT).unwrap().log;
    let mut reader = log.reader_factory().read_from(Lsn::FIRST).unwrap();
    assert_eq!(reader.next(lsn(9)).unwrap(), None);
    let batch = next_batch(&log, 1, &[b"a", b"b"]);
    log.append(&batch).unwrap();
    assert_eq!(reader.next(lsn(9)).unwrap(), None, "not flushed");
    log.flush().unwrap();
    assert_eq!(reader.next(lsn(1)).unwrap(), None, "ends above the limit");
    assert_eq!(reader.next(lsn(2)).unwrap(), Some(batch));
}

#[test]
fn reader_keeps_up_with_a_writer_on_another_thread() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(OsDisk::new(folder.path()));
    let mut log = open(&disk, 64 * 1024).unwrap().log;
    let factory = log.reader_factory();
    let flushed = Arc::new(AtomicU64::new(0));
    let seen = flushed.clone();
    let reading = std::thread::spawn(move || {
        let mut reader = factory.read_from(Lsn::FIRST).unwrap();
        while reader.next_lsn() <= lsn(600) {
            let Some(upto) = Lsn::new(seen.load(Ordering::Acquire)) else {
                continue;
            };
            while let Some(batch) = reader.next(upto).unwrap() {
                let number = batch.first_lsn().get();
                assert_eq!(commands(&batch), [body(number, 300 + number as usize)]);
            }
        }
    });
    for number in 1..=600 {
        append_one(&mut log, 1, 300 + number);
        if number % 5 == 0 {
            log.flush().unwrap();
            flushed.store(number as u64, Ordering::Release);
        }
    }
    reading.join().unwrap();
}

#[test]
fn reader_notices_that_the_log_was_cut() {
    let disk = sim();
    let mut log = open(&disk, SEGMENT).unwrap().log;
    let written: Vec<Batch> = (0..20).map(|_| append_one(&mut log, 1, 1000)).collect();
    log.flush().unwrap();
    let factory = log.reader_factory();
    let mut ahead = factory.read_from(Lsn::FIRST).unwrap();
    let mut behind = factory.read_from(Lsn::FIRST).unwrap();
    for _ in 0..10 {
        ahead.next(lsn(20)).unwrap().unwrap();
    }
    behind.next(lsn(20)).unwrap().unwrap();
    log.truncate_after(Some(written[4].position())).unwrap();
    assert!(matches!(
        ahead.next(lsn(20)),
        Err(LogError::HistoryChanged(_))
    ));
    let replacement: Vec<Batch> = (0..10).map(|_| append_one(&mut log, 2, 1000)).collect();
    log.flush().unwrap();
    assert!(matches!(
        ahead.next(lsn(20)),
        Err(LogError::HistoryChanged(_))
    ));
    for expected in written[1..5].iter().chain(&replacement) {
        assert_eq!(behind.next(lsn(20)).unwrap().as_ref(), Some(expected));
    }
}

#[test]
fn reader_refuses_damage() {
    let disk = sim();
    let mut log = open(&disk, SEGMENT).unwrap().log;
    append_one(&mut log, 1, 1000);
    log.flush().unwrap();
    disk.flip_bit("shards/main/00000000000000000001.seg", (4096 + 600) * 8);
    let mut reader = log.reader_factory().read_from(Lsn::FIRST).unwrap();
    assert!(matches!(reader.next(lsn(1)), Err(LogError::Damaged(_))));
}
