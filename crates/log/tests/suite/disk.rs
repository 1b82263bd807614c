//! One suite for every implementation of `Disk`.

use crate::common::sim;
use understudy_log::{Disk, DiskErrorKind, OsDisk};

fn conforms<D: Disk>(disk: &D) {
    names_are_listed_in_order(disk);
    bytes_read_back_as_written(disk);
    a_new_file_is_zeros(disk);
    names_move_and_vanish(disk);
    errors_have_their_kind(disk);
}

fn names_are_listed_in_order<D: Disk>(disk: &D) {
    disk.create_dir("a/b").unwrap();
    disk.create_dir("a/b").unwrap();
    disk.create_new("a/z", 0).unwrap();
    disk.create_new("a/c", 0).unwrap();
    assert_eq!(disk.list("a").unwrap(), ["b", "c", "z"]);
    assert_eq!(disk.list("a/b").unwrap(), [""; 0]);
    disk.sync_dir("a").unwrap();
    disk.sync_dir("").unwrap();
    assert!(disk.free_bytes().unwrap() > 0);
}

fn bytes_read_back_as_written<D: Disk>(disk: &D) {
    let file = disk.create_new("bytes", 10).unwrap();
    disk.write_at(&file, 6, b"abcdefgh").unwrap();
    assert_eq!(disk.len(&file).unwrap(), 14);
    disk.sync_data(&file).unwrap();
    assert_eq!(&disk.read("bytes").unwrap()[..], b"\0\0\0\0\0\0abcdefgh");
    let mut buffer = [9; 6];
    assert_eq!(disk.read_at(&file, 10, &mut buffer).unwrap(), 4);
    assert_eq!(&buffer, b"efgh\x09\x09");
    assert_eq!(disk.read_at(&file, 100, &mut buffer).unwrap(), 0);
    disk.truncate(&file, 8).unwrap();
    disk.truncate(&file, 9).unwrap();
    assert_eq!(&disk.read("bytes").unwrap()[..], b"\0\0\0\0\0\0ab\0");
}

fn a_new_file_is_zeros<D: Disk>(disk: &D) {
    let file = disk.create_new("zeros", 700_000).unwrap();
    assert_eq!(disk.len(&file).unwrap(), 700_000);
    assert!(disk.read("zeros").unwrap().iter().all(|byte| *byte == 0));
}

fn names_move_and_vanish<D: Disk>(disk: &D) {
    let file = disk.create_new("from", 0).unwrap();
    disk.write_at(&file, 0, b"new").unwrap();
    disk.create_new("to", 5).unwrap();
    disk.rename("from", "to").unwrap();
    assert_eq!(&disk.read("to").unwrap()[..], b"new");
    disk.remove("to").unwrap();
    // An open file outlives its name.
    let mut buffer = [0; 3];
    assert_eq!(disk.read_at(&file, 0, &mut buffer).unwrap(), 3);
}

fn errors_have_their_kind<D: Disk>(disk: &D) {
    disk.create_new("once", 0).unwrap();
    let twice = disk.create_new("once", 0).err().unwrap();
    assert_eq!(
        (twice.kind, twice.path.as_str()),
        (DiskErrorKind::AlreadyExists, "once")
    );
    let missing = [
        disk.read("none").err(),
        disk.open("none").err(),
        disk.list("none").err(),
        disk.remove("none").err(),
        disk.rename("none", "other").err(),
        disk.create_new("none/file", 0).err(),
    ];
    for error in missing {
        assert_eq!(error.unwrap().kind, DiskErrorKind::NotFound);
    }
}

#[test]
fn simulated_disk_conforms() {
    conforms(&*sim());
}

#[test]
fn disk_of_the_system_conforms() {
    let folder = tempfile::tempdir().unwrap();
    conforms(&OsDisk::new(folder.path()));
}

#[test]
fn power_cut_tears_only_what_was_not_synced() {
    let mut kinds = std::collections::BTreeSet::new();
    for seed in 0..64 {
        let disk = sim();
        let file = disk.create_new("file", 2048).unwrap();
        disk.sync_dir("").unwrap();
        disk.write_at(&file, 0, &[1; 512]).unwrap();
        disk.sync_data(&file).unwrap();
        disk.write_at(&file, 512, &[2; 1024]).unwrap();
        disk.crash(&mut understudy_log::sim::decisions(seed));
        let bytes = disk.read("file").unwrap();
        assert!(
            bytes[..512].iter().all(|byte| *byte == 1),
            "synced bytes survive"
        );
        kinds.insert((bytes[512], bytes[1024]));
        assert!(disk.len(&file).is_err(), "an open file does not survive");
    }
    assert_eq!(kinds.len(), 4, "lost, kept, and torn both ways");
}

#[test]
fn power_cut_loses_names_that_were_not_synced() {
    let mut found = std::collections::BTreeSet::new();
    for seed in 0..64 {
        let disk = sim();
        disk.create_new("old", 0).unwrap();
        disk.sync_dir("").unwrap();
        disk.rename("old", "new").unwrap();
        disk.create_new("other", 0).unwrap();
        disk.crash(&mut understudy_log::sim::decisions(seed));
        found.insert(disk.list("").unwrap());
    }
    assert_eq!(
        found.len(),
        4,
        "each change alone is kept or undone: {found:?}"
    );
}

#[test]
fn rename_carries_the_file_that_had_the_name_and_no_former_one() {
    let mut found = std::collections::BTreeSet::new();
    for seed in 0..64 {
        let disk = sim();
        disk.create_new("name", 1).unwrap();
        disk.sync_dir("").unwrap();
        disk.remove("name").unwrap();
        disk.create_new("name", 2).unwrap();
        disk.rename("name", "other").unwrap();
        disk.crash(&mut understudy_log::sim::decisions(seed));
        found.insert(disk.read("other").ok().map(|bytes| bytes.len()));
    }
    assert_eq!(found, [None, Some(2)].into());
}
