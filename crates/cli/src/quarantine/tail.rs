//! What a quarantined tail would have left behind, key by key.

use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use understudy_kv::{Command, DeleteRangeRequest, KeyRange, Operation, PutRequest, Txn};
use understudy_log::{Batch, Record};

/// The tail's last word about a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Put(Bytes),
    Deleted,
    /// It depends on what was there: a transaction with comparisons, or a put
    /// that keeps the former value.
    Perhaps,
}

/// Whether an operation was carried out for certain.
#[derive(Clone, Copy)]
enum Taken {
    Surely,
    Perhaps,
}

#[derive(Debug, Default)]
pub(super) struct Tail {
    pub(super) keys: BTreeMap<Bytes, Word>,
    /// Ranges of more than one key that were deleted, perhaps.
    pub(super) ranges: BTreeSet<(Bytes, Bytes)>,
    /// Records that say of no key what became of it: leases, and what this
    /// version cannot read.
    pub(super) unseen: u64,
}

impl Tail {
    pub(super) fn of(batches: &[Batch]) -> Tail {
        let mut tail = Tail::default();
        let records = batches.iter().flat_map(|batch| batch.records());
        records.for_each(|(_, record)| tail.add(&record));
        tail
    }

    fn add(&mut self, record: &Record) {
        let Record::Command(body) = record else {
            return;
        };
        match Command::decode(body) {
            Ok(Command::Put(put)) => self.put(put, Taken::Surely),
            Ok(Command::DeleteRange(delete)) => self.delete(&delete, Taken::Surely),
            Ok(Command::Txn(txn)) => self.txn(txn, Taken::Surely),
            Ok(Command::Compact(_)) => {}
            Ok(Command::LeaseGrant(_) | Command::LeaseRevoke(_)) | Err(_) => self.unseen += 1,
        }
    }

    fn put(&mut self, put: PutRequest, taken: Taken) {
        let word = match taken {
            Taken::Surely if !put.ignore_value => Word::Put(put.value),
            Taken::Surely | Taken::Perhaps => Word::Perhaps,
        };
        self.keys.insert(put.key, word);
    }

    fn delete(&mut self, delete: &DeleteRangeRequest, taken: Taken) {
        let word = match taken {
            Taken::Surely => Word::Deleted,
            Taken::Perhaps => Word::Perhaps,
        };
        let range = KeyRange::new(delete.key.clone(), delete.range_end.clone());
        if range.is_empty() {
            return;
        }
        if delete.range_end.is_empty() {
            self.keys.insert(delete.key.clone(), word);
            return;
        }
        let (first, end): (Bound<&[u8]>, Bound<&[u8]>) = range.bounds();
        for (_, known) in self.keys.range_mut::<[u8], _>((first, end)) {
            *known = word.clone();
        }
        let range = (delete.key.clone(), delete.range_end.clone());
        self.ranges.insert(range);
    }

    fn txn(&mut self, txn: Txn, taken: Taken) {
        let (success, failure) = match (txn.compare.is_empty(), taken) {
            (true, taken) => (taken, None),
            (false, _) => (Taken::Perhaps, Some(Taken::Perhaps)),
        };
        self.operations(txn.success, success);
        if let Some(taken) = failure {
            self.operations(txn.failure, taken);
        }
    }

    fn operations(&mut self, operations: Vec<Operation>, taken: Taken) {
        for operation in operations {
            match operation {
                Operation::Range(_) => {}
                Operation::Put(put) => self.put(put, taken),
                Operation::DeleteRange(delete) => self.delete(&delete, taken),
                Operation::Txn(txn) => self.txn(txn, taken),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Tail, Word};
    use bytes::Bytes;
    use understudy_kv::{
        Command, Compare, CompareResult, CompareTarget, DeleteRangeRequest, LeaseRevokeRequest,
        Operation, PutRequest, Txn,
    };
    use understudy_log::Record;

    fn put(key: &'static str, value: &'static str) -> PutRequest {
        PutRequest {
            key: key.into(),
            value: value.into(),
            ..PutRequest::default()
        }
    }

    fn delete(key: &'static str, range_end: &'static str) -> DeleteRangeRequest {
        DeleteRangeRequest {
            key: key.into(),
            range_end: range_end.into(),
            prev_kv: false,
        }
    }

    fn tail(commands: impl IntoIterator<Item = Command>) -> Tail {
        let mut tail = Tail::default();
        for command in commands {
            tail.add(&Record::Command(command.encode().into()));
        }
        tail
    }

    fn words(tail: &Tail) -> Vec<(&[u8], &Word)> {
        tail.keys
            .iter()
            .map(|(key, word)| (&key[..], word))
            .collect()
    }

    #[test]
    fn last_word_about_each_key_counts() {
        let tail = tail([
            Command::Put(put("a", "1")),
            Command::Put(put("b", "1")),
            Command::Put(put("c", "1")),
            Command::DeleteRange(delete("b", "d")),
            Command::Put(put("c", "2")),
            Command::DeleteRange(delete("z", "")),
            Command::LeaseRevoke(LeaseRevokeRequest { id: 7 }),
        ]);
        let expected: [(&[u8], &Word); 4] = [
            (b"a", &Word::Put("1".into())),
            (b"b", &Word::Deleted),
            (b"c", &Word::Put("2".into())),
            (b"z", &Word::Deleted),
        ];
        assert_eq!(words(&tail), expected);
        assert_eq!(tail.ranges, [(Bytes::from("b"), Bytes::from("d"))].into());
        assert_eq!(tail.unseen, 1);
    }

    #[test]
    fn what_depends_on_the_former_state_is_said_to_be_open() {
        let compare = Compare {
            key: "a".into(),
            range_end: Bytes::new(),
            result: CompareResult::Equal,
            target: CompareTarget::Version(0),
        };
        let kept = PutRequest {
            ignore_value: true,
            ..put("kept", "")
        };
        let tail = tail([
            Command::Txn(Txn {
                compare: vec![compare],
                success: vec![Operation::Put(put("won", "1"))],
                failure: vec![Operation::DeleteRange(delete("lost", ""))],
            }),
            Command::Txn(Txn {
                success: vec![Operation::Put(put("sure", "1"))],
                ..Txn::default()
            }),
            Command::Put(kept),
        ]);
        let expected: [(&[u8], &Word); 4] = [
            (b"kept", &Word::Perhaps),
            (b"lost", &Word::Perhaps),
            (b"sure", &Word::Put("1".into())),
            (b"won", &Word::Perhaps),
        ];
        assert_eq!(words(&tail), expected);
    }
}
