use super::*;
use crate::contents::Stored;
use bytes::Bytes;
use tempfile::TempDir;

fn put(key: &str, body: &[u8]) -> Change {
    let object = Stored {
        etag: crate::shelf::etag_of(body).into(),
        body: Bytes::copy_from_slice(body),
        modified: 7,
    };
    Change::Put {
        bucket: "bucket".into(),
        key: key.into(),
        object,
    }
}

fn delete(key: &str) -> Change {
    Change::Delete {
        bucket: "bucket".into(),
        key: key.into(),
    }
}

/// A journal of three records, its bytes, and where each record begins.
fn three_records() -> (TempDir, Vec<u8>, [usize; 3]) {
    let dir = TempDir::new().expect("a directory");
    let (mut journal, _) = Journal::open(dir.path()).expect("opens");
    let starts = [put("a", b"one"), put("b", b"two"), put("c", b"three")].map(|change| {
        let start = journal.end as usize;
        journal.append(&change).expect("appends");
        start
    });
    let bytes = read_all(&dir.path().join(FILE_NAME)).expect("reads");
    (dir, bytes, starts)
}

fn overwrite(dir: &TempDir, bytes: &[u8]) {
    let file = OpenOptions::new()
        .write(true)
        .truncate(true)
        .open(dir.path().join(FILE_NAME));
    file.and_then(|mut file| file.write_all(bytes))
        .expect("writes");
}

fn keys(contents: &Contents) -> Vec<&str> {
    contents
        .buckets
        .values()
        .flat_map(|bucket| bucket.objects.keys().map(String::as_str))
        .collect()
}

#[test]
fn reopening_gives_what_was_appended() {
    let dir = TempDir::new().expect("a directory");
    let (mut journal, contents) = Journal::open(dir.path()).expect("opens");
    assert_eq!(contents, Contents::default());
    let make = Change::MakeBucket {
        bucket: "empty".into(),
        modified: 3,
    };
    let changes = [
        make,
        put("a", b"one"),
        put("a", b"two"),
        put("b", b""),
        delete("b"),
    ];
    let mut expected = Contents::default();
    for change in changes {
        journal.append(&change).expect("appends");
        expected.apply(change);
    }
    drop(journal);
    let (_, contents) = Journal::open(dir.path()).expect("opens again");
    assert_eq!(contents, expected);
}

#[test]
fn a_tail_torn_anywhere_is_cut_off_and_the_rest_is_kept() {
    let (dir, bytes, [_, _, last]) = three_records();
    for length in last + 1..bytes.len() {
        overwrite(&dir, &bytes[..length]);
        let (mut journal, contents) = Journal::open(dir.path()).expect("a torn tail is no damage");
        assert_eq!(keys(&contents), ["a", "b"], "cut at {length}");
        journal
            .append(&put("d", b"four"))
            .expect("appends after the cut");
        drop(journal);
        let (_, contents) = Journal::open(dir.path()).expect("opens");
        assert_eq!(keys(&contents), ["a", "b", "d"], "cut at {length}");
    }
}

#[test]
fn a_tail_of_zeros_is_torn() {
    let (dir, mut bytes, [_, _, last]) = three_records();
    bytes[last..].fill(0);
    overwrite(&dir, &bytes);
    let (_, contents) = Journal::open(dir.path()).expect("a torn tail is no damage");
    assert_eq!(keys(&contents), ["a", "b"]);
}

#[test]
fn any_flipped_bit_before_the_last_record_is_refused() {
    let (dir, bytes, [first, second, last]) = three_records();
    for at in 0..last {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        overwrite(&dir, &damaged);
        let record = [first, second]
            .into_iter()
            .filter(|start| *start <= at)
            .max()
            .unwrap_or(0);
        match Journal::open(dir.path()) {
            Err(DevStoreError::Damaged { offset, .. }) => assert_eq!(offset, record as u64),
            other => panic!("flipped at {at}: {other:?}"),
        }
        let kept = read_all(&dir.path().join(FILE_NAME)).expect("reads");
        assert_eq!(kept, damaged, "a refused journal is left as it is");
    }
}

#[test]
fn a_flipped_bit_in_the_last_record_never_gives_another_body() {
    let (dir, bytes, [_, _, last]) = three_records();
    for at in last..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x01;
        overwrite(&dir, &damaged);
        let (_, contents) = Journal::open(dir.path()).expect("as a torn tail");
        assert_eq!(keys(&contents), ["a", "b"], "flipped at {at}");
    }
}

#[test]
fn a_record_inside_a_body_is_not_taken_for_one() {
    let (dir, bytes, [first, second, _]) = three_records();
    let (mut journal, _) = Journal::open(dir.path()).expect("opens");
    let start = journal.end as usize;
    journal
        .append(&put("carrier", &bytes[first..second]))
        .expect("appends");
    drop(journal);
    let mut torn = read_all(&dir.path().join(FILE_NAME)).expect("reads");
    torn[start] ^= 0xff;
    overwrite(&dir, &torn);
    let (_, contents) = Journal::open(dir.path()).expect("nothing sound follows");
    assert_eq!(keys(&contents), ["a", "b", "c"]);
}

#[test]
fn a_file_that_is_no_journal_is_refused() {
    let (dir, _, _) = three_records();
    overwrite(
        &dir,
        b"something else that is longer than the journal's first line",
    );
    assert!(matches!(
        Journal::open(dir.path()),
        Err(DevStoreError::Damaged { offset: 0, .. })
    ));
}

#[test]
fn a_journal_that_is_mostly_dead_is_rewritten_at_start() {
    let dir = TempDir::new().expect("a directory");
    let (mut journal, mut expected) = Journal::open(dir.path()).expect("opens");
    for round in 0..20_u8 {
        for change in [put("lease", &vec![round; 64 << 10]), put("kept", b"kept")] {
            journal.append(&change).expect("appends");
            expected.apply(change);
        }
    }
    let before = journal.end;
    drop(journal);
    let (journal, contents) = Journal::open(dir.path()).expect("opens");
    assert_eq!(contents, expected);
    assert!(journal.end < before / 10, "{} of {before}", journal.end);
    drop(journal);
    let (_, contents) = Journal::open(dir.path()).expect("opens the rewritten one");
    assert_eq!(contents, expected);
}

#[test]
fn after_a_failed_append_nothing_more_is_written() {
    let (dir, _, _) = three_records();
    let (mut journal, _) = Journal::open(dir.path()).expect("opens");
    let read_only = File::open(dir.path().join(FILE_NAME)).expect("opens");
    let writable = std::mem::replace(&mut journal.file, read_only);
    assert!(matches!(
        journal.append(&put("d", b"four")),
        Err(DevStoreError::Disk { .. })
    ));
    journal.file = writable;
    assert!(matches!(
        journal.append(&put("d", b"four")),
        Err(DevStoreError::Stopped)
    ));
}
