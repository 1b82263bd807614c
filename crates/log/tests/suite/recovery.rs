use crate::common::*;
use std::sync::Arc;
use understudy_log::recovery::{After, Content, Decision, Observation, SegmentPlace, decide};
use understudy_log::segment::HEADER_BLOCK_BYTES;
use understudy_log::{Damage, Disk, Log, LogConfig, LogError, SimDisk, verify};
use understudy_types::ClusterId;

const SEGMENT: u64 = 16 * 1024;
const FIRST: &str = "shards/main/00000000000000000001.seg";

fn damage(disk: &Arc<SimDisk>) -> Damage {
    match open(disk, SEGMENT).err() {
        Some(LogError::Damaged(damage)) => *damage,
        other => panic!("{other:?}"),
    }
}

/// Flushed one by one.
fn flushed_log(records: u64) -> Arc<SimDisk> {
    let disk = sim();
    let mut log = open(&disk, SEGMENT).unwrap().log;
    for _ in 0..records {
        append_one(&mut log, 1, 700);
        log.flush().unwrap();
    }
    disk
}

fn segments(disk: &SimDisk) -> Vec<String> {
    let names = disk.list("shards/main").unwrap();
    names
        .into_iter()
        .filter(|name| name.ends_with(".seg"))
        .collect()
}

#[test]
fn table_decides_every_combination() {
    use {After::*, Content::*, Decision::*, SegmentPlace::*};
    for content in [Blank, Hole, Damaged, Unlinked, Linked] {
        for place in [Last, Earlier] {
            for after in [Nothing, SameFlush, Evidence] {
                let torn = place == Last && after != Evidence;
                let expected = match content {
                    Linked => Accept,
                    Unlinked => Refuse,
                    Blank if after == Nothing => CleanEnd,
                    Blank => Refuse,
                    Hole | Damaged if torn => TruncateTorn,
                    Hole | Damaged => Refuse,
                };
                let (found, row) = decide(Observation {
                    content,
                    place,
                    after,
                });
                assert_eq!(found, expected, "{content:?} {place:?} {after:?}");
                assert!(!row.is_empty());
            }
        }
    }
}

#[test]
fn flip_in_the_middle_of_the_last_segment_is_refused_by_name() {
    let disk = flushed_log(5);
    disk.flip_bit(FIRST, (4096 + 840 + 300) * 8);
    let damage = damage(&disk);
    assert_eq!((damage.file.as_str(), damage.offset), (FIRST, 4096 + 840));
    assert!(damage.expected.contains("record 2"), "{damage}");
    assert!(
        damage.found.contains("damage before a flushed batch"),
        "{damage}"
    );
}

#[test]
fn any_flip_before_the_last_batch_is_refused() {
    let before_last = 4096 + 2 * 840;
    for byte in (0..before_last).step_by(37) {
        let disk = flushed_log(3);
        disk.flip_bit(FIRST, byte * 8 + byte % 8);
        damage(&disk);
    }
}

#[test]
fn flip_inside_one_flush_of_many_batches_is_refused() {
    let disk = sim();
    let mut log = open(&disk, SEGMENT).unwrap().log;
    (0..3).for_each(|_| drop(append_one(&mut log, 1, 700)));
    log.flush().unwrap();
    drop(log);
    disk.flip_bit(FIRST, (4096 + 840 + 300) * 8);
    assert_eq!(damage(&disk).offset, 4096 + 840);
}

#[test]
fn flip_in_the_last_batch_is_a_torn_tail() {
    let disk = flushed_log(3);
    disk.flip_bit(FIRST, (4096 + 2 * 840 + 300) * 8);
    let verified = verify(&*disk, CLUSTER, &shard()).unwrap();
    let opened = open(&disk, SEGMENT).unwrap();
    let torn = opened.report.torn_tail.unwrap();
    assert_eq!(
        verified.torn_tail,
        Some(torn.clone()),
        "looking changes nothing"
    );
    assert_eq!(
        (torn.file.as_str(), torn.offset, torn.bytes),
        (FIRST, 4096 + 2 * 840, 837)
    );
    assert_eq!(opened.log.written().map(|head| head.lsn), Some(lsn(2)));
    drop(opened.log);
    assert_eq!(open(&disk, SEGMENT).unwrap().report.torn_tail, None);
}

#[test]
fn damage_in_an_earlier_segment_is_refused() {
    let disk = flushed_log(40);
    let last_batch = disk
        .read(FIRST)
        .unwrap()
        .iter()
        .rposition(|byte| *byte != 0)
        .unwrap();
    disk.flip_bit(FIRST, (last_batch - 10) * 8);
    assert!(damage(&disk).found.contains("damage in a flushed segment"));
}

#[test]
fn missing_segment_is_refused() {
    let disk = flushed_log(60);
    let names = segments(&disk);
    assert!(names.len() > 3);
    for name in &names[..names.len() - 1] {
        let disk = flushed_log(60);
        disk.remove(&format!("shards/main/{name}")).unwrap();
        assert!(
            damage(&disk)
                .expected
                .contains("the segment that begins with record")
        );
    }
}

#[test]
fn segment_of_another_cluster_or_shard_is_refused() {
    let disk = flushed_log(2);
    let cluster = ClusterId::from_bytes([8; 16]);
    let other = LogConfig {
        cluster,
        ..config(SEGMENT)
    };
    assert!(matches!(
        Log::open(disk.clone(), other),
        Err(LogError::Damaged(_))
    ));
    disk.create_dir("shards/other").unwrap();
    disk.rename(FIRST, "shards/other/00000000000000000001.seg")
        .unwrap();
    let other = LogConfig {
        shard: "other".parse().unwrap(),
        ..config(SEGMENT)
    };
    assert!(matches!(Log::open(disk, other), Err(LogError::Damaged(_))));
}

#[test]
fn unknown_segment_version_is_refused_with_file_found_and_supported() {
    let disk = flushed_log(1);
    let file = disk.open(FIRST).unwrap();
    disk.write_at(&file, 8, &7u32.to_le_bytes()).unwrap();
    let text = damage(&disk).to_string();
    assert!(text.contains(FIRST) && text.contains("version 7") && text.contains("versions 1 to 2"));
}

/// An older version would take an audit record for a torn write.
#[test]
fn segment_of_an_older_version_is_read_and_not_appended_to() {
    let disk = flushed_log(1);
    let mut block = disk.read(FIRST).unwrap()[..HEADER_BLOCK_BYTES].to_vec();
    block[8..12].copy_from_slice(&1_u32.to_le_bytes());
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&block[..12]), &block[16..]);
    block[12..16].copy_from_slice(&checksum.to_le_bytes());
    let file = disk.open(FIRST).unwrap();
    disk.write_at(&file, 0, &block).unwrap();
    let mut opened = open(&disk, SEGMENT).unwrap();
    let head = opened.log.flushed().unwrap();
    append_one(&mut opened.log, 1, 40);
    opened.log.flush().unwrap();
    let second = format!("shards/main/{:020}.seg", head.lsn.get() + 1);
    assert!(
        disk.open(&second).is_ok(),
        "the next batch has a segment of its own"
    );
    let report = open(&disk, SEGMENT).unwrap().report;
    assert_eq!(report.records, head.lsn.get() + 1);
}

#[test]
fn leftovers_are_cleaned_and_reported() {
    let disk = flushed_log(1);
    disk.create_new("shards/main/spare.tmp", 100).unwrap();
    let report = open(&disk, SEGMENT).unwrap().report;
    assert_eq!(
        report.removed,
        ["shards/main/spare", "shards/main/spare.tmp"]
    );
}

#[test]
fn stale_batch_of_another_segment_is_not_accepted() {
    // A misdirected write: the bytes of record 1 where record 3 should be.
    let disk = flushed_log(2);
    let bytes = disk.read(FIRST).unwrap();
    let file = disk.open(FIRST).unwrap();
    disk.write_at(&file, 4096 + 2 * 840, &bytes[4096..4096 + 840])
        .unwrap();
    assert!(damage(&disk).found.contains("does not follow"));
}

#[test]
fn sector_lost_from_a_flushed_batch_is_refused() {
    let disk = flushed_log(5);
    let file = disk.open(FIRST).unwrap();
    disk.write_at(&file, 4096 + 2 * 512, &[0; 512]).unwrap();
    assert!(
        damage(&disk)
            .found
            .contains("damage before a flushed batch")
    );
}

#[test]
fn name_of_a_segment_is_durable_before_it_counts() {
    for seed in 0..16 {
        let disk = flushed_log(3);
        disk.rename(FIRST, "shards/main/other").unwrap();
        disk.rename("shards/main/other", FIRST).unwrap();
        let head = open(&disk, SEGMENT).unwrap().log.flushed();
        disk.crash(&mut understudy_log::sim::decisions(seed));
        assert_eq!(
            open(&disk, SEGMENT).unwrap().log.flushed(),
            head,
            "seed {seed}"
        );
    }
}
