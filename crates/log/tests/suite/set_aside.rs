use crate::common::*;
use std::sync::Arc;
use understudy_log::{Disk, Identity, LogError, SimDisk, find_damaged_end, set_aside, verify};
use understudy_types::{DataId, Lsn};

const SEGMENT: u64 = 16 * 1024;
const OLD: DataId = DataId::from_bytes([1; 16]);
const NEW: DataId = DataId::from_bytes([2; 16]);

fn identity() -> Identity {
    Identity::new(CLUSTER, "bravo".parse().unwrap(), OLD, 1)
}

/// A root with a log of several segments.
fn root() -> Arc<SimDisk> {
    let disk = sim();
    understudy_log::DataRoot::create_on(disk.clone(), identity()).unwrap();
    let mut log = open(&disk, SEGMENT).unwrap().log;
    for _ in 0..60 {
        append_one(&mut log, 1, 700);
        log.flush().unwrap();
    }
    disk
}

fn segments(disk: &SimDisk, directory: &str) -> Vec<String> {
    let names = disk.list(directory).unwrap_or_default();
    names.into_iter().filter(|n| n.contains(".seg")).collect()
}

fn data_id(disk: &SimDisk) -> DataId {
    Identity::load(disk).unwrap().unwrap().data_id
}

fn repair(disk: &SimDisk) -> Result<(), LogError> {
    let end = find_damaged_end(disk, CLUSTER, &shard())?.expect("there is damage");
    Ok(set_aside(disk, &identity(), NEW, &[end])?)
}

#[test]
fn sound_log_has_no_damaged_end() {
    let disk = root();
    assert_eq!(find_damaged_end(&*disk, CLUSTER, &shard()).unwrap(), None);
}

#[test]
fn damaged_segment_and_all_later_ones_go_aside_and_the_log_goes_on_before_them() {
    let disk = root();
    let before = segments(&disk, "shards/main");
    assert!(before.len() > 3, "{before:?}");
    disk.flip_bit(&format!("shards/main/{}", before[1]), 5000 * 8);
    let end = find_damaged_end(&*disk, CLUSTER, &shard())
        .unwrap()
        .unwrap();
    assert_eq!(end.segments.len(), before.len() - 1);
    assert!(end.damage.file.ends_with(&before[1]));
    set_aside(&*disk, &identity(), NEW, std::slice::from_ref(&end)).unwrap();

    assert_eq!(segments(&disk, "shards/main"), before[..1]);
    assert_eq!(segments(&disk, "damaged/main"), before[1..]);
    let head = verify(&*disk, CLUSTER, &shard()).unwrap().head.unwrap();
    let next = format!("{:020}.seg", Lsn::after(Some(head.lsn)));
    assert_eq!(next, before[1]);
    assert_eq!(data_id(&disk), NEW);
    let mut log = open(&disk, SEGMENT).unwrap().log;
    append_one(&mut log, 1, 700);
    log.flush().unwrap();
}

#[test]
fn second_repair_keeps_what_the_first_one_set_aside() {
    let disk = root();
    for _ in 0..2 {
        let last = segments(&disk, "shards/main").pop().unwrap();
        disk.flip_bit(&format!("shards/main/{last}"), 10 * 8);
        repair(&disk).unwrap();
        let mut log = open(&disk, SEGMENT).unwrap().log;
        for _ in 0..30 {
            append_one(&mut log, 1, 700);
            log.flush().unwrap();
        }
    }
    let aside = segments(&disk, "damaged/main");
    assert!(aside.len() >= 2, "{aside:?}");
    assert!(verify(&*disk, CLUSTER, &shard()).is_ok());
}

/// Whatever is half done, the root is new before a segment is gone, and doing
/// it again ends with a sound log.
#[test]
fn power_cut_at_any_step_leaves_a_new_root_or_an_untouched_one() {
    for changes in 0..40 {
        let disk = root();
        let before = segments(&disk, "shards/main");
        disk.flip_bit(&format!("shards/main/{}", before[1]), 5000 * 8);
        disk.cut_power_after(changes);
        let done = repair(&disk).is_ok();
        disk.crash(&mut understudy_log::sim::decisions(changes));
        if segments(&disk, "shards/main") != before {
            assert_eq!(data_id(&disk), NEW, "after {changes} changes");
        }
        if find_damaged_end(&*disk, CLUSTER, &shard())
            .unwrap()
            .is_some()
        {
            assert!(!done, "after {changes} changes");
            repair(&disk).unwrap();
        }
        assert!(verify(&*disk, CLUSTER, &shard()).is_ok());
        let kept = segments(&disk, "shards/main").len() + segments(&disk, "damaged/main").len();
        assert_eq!(kept, before.len(), "after {changes} changes");
    }
}
