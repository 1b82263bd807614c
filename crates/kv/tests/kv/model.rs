//! A model that is too simple to be wrong: a full copy of all keys for every
//! revision, and a plain list of events.

use bytes::Bytes;
use std::collections::BTreeMap;
use understudy_kv::*;

type Keys = BTreeMap<Bytes, KeyValue>;

pub(crate) struct Model {
    /// The state after each revision, the newest last.
    pub states: Vec<(i64, Keys)>,
    pub events: Vec<RevisionEvents>,
    pub compacted: Option<i64>,
}

impl Model {
    pub(crate) fn new() -> Self {
        Self {
            states: vec![(1, Keys::new())],
            events: Vec::new(),
            compacted: None,
        }
    }

    pub(crate) fn revision(&self) -> i64 {
        self.states.last().unwrap().0
    }

    pub(crate) fn now(&self) -> &Keys {
        &self.states.last().unwrap().1
    }

    fn at(&self, revision: i64) -> &Keys {
        &self
            .states
            .iter()
            .rev()
            .find(|(past, _)| *past <= revision)
            .unwrap()
            .1
    }

    pub(crate) fn apply(&mut self, command: &Command) -> Result<(), KvError> {
        validate(command)?;
        let (before, mut keys, mut events) = (self.now().clone(), self.now().clone(), Vec::new());
        let revision = self.revision() + 1;
        match command {
            Command::Put(request) => {
                check_put(&before, request)?;
                put(&mut keys, request, revision, &mut events);
            }
            Command::DeleteRange(request) => delete(&mut keys, request, revision, &mut events),
            Command::Txn(txn) => {
                self.check_txn(&before, txn)?;
                run(&before, &mut keys, txn, revision, &mut events);
            }
            Command::Compact(request) => return self.compact(request.revision),
            Command::LeaseGrant(_) | Command::LeaseRevoke(_) => panic!("the model has no leases"),
        }
        if !events.is_empty() {
            self.states.push((revision, keys));
            self.events.push(RevisionEvents { revision, events });
        }
        Ok(())
    }

    fn compact(&mut self, revision: i64) -> Result<(), KvError> {
        if revision < 0
            || self
                .compacted
                .is_some_and(|compacted| compacted >= revision)
        {
            return Err(KvError::Compacted);
        }
        if revision > self.revision() {
            return Err(KvError::FutureRevision);
        }
        self.compacted = Some(revision);
        Ok(())
    }

    pub(crate) fn range(&self, request: &RangeRequest) -> Result<RangeResponse, KvError> {
        let keys = match request.revision {
            ..=0 => self.now(),
            revision if revision > self.revision() => return Err(KvError::FutureRevision),
            revision if self.compacted.is_some_and(|compacted| revision < compacted) => {
                return Err(KvError::Compacted);
            }
            revision => self.at(revision),
        };
        let kvs = within(keys, &request.key, &request.range_end);
        let count = kvs.len() as i64;
        Ok(RangeResponse {
            revision: self.revision(),
            kvs,
            more: false,
            count,
        })
    }

    pub(crate) fn events(
        &self,
        from: i64,
        range: &KeyRange,
    ) -> Result<Vec<RevisionEvents>, CompactedAt> {
        if let Some(compact_revision) = self.compacted.filter(|compacted| from < *compacted) {
            return Err(CompactedAt { compact_revision });
        }
        let mut told = Vec::new();
        for RevisionEvents { revision, events } in &self.events {
            let mut events = events.clone();
            events.retain(|event| range.contains(&event.kv.key));
            if self.compacted == Some(*revision) {
                events.iter_mut().for_each(|event| event.prev_kv = None);
            }
            if *revision >= from && !events.is_empty() {
                told.push(RevisionEvents {
                    revision: *revision,
                    events,
                });
            }
        }
        Ok(told)
    }

    fn check_txn(&self, before: &Keys, txn: &Txn) -> Result<(), KvError> {
        for operation in chosen(before, txn) {
            match operation {
                Operation::Range(request) => drop(self.range(request)?),
                Operation::Put(request) => check_put(before, request)?,
                Operation::DeleteRange(_) => {}
                Operation::Txn(nested) => self.check_txn(before, nested)?,
            }
        }
        Ok(())
    }
}

fn within(keys: &Keys, key: &Bytes, range_end: &Bytes) -> Vec<KeyValue> {
    let matches = |candidate: &Bytes| match &range_end[..] {
        [] => candidate == key,
        [0] => candidate >= key,
        end => candidate >= key && &candidate[..] < end,
    };
    keys.values()
        .filter(|kv| matches(&kv.key))
        .cloned()
        .collect()
}

fn check_put(keys: &Keys, request: &PutRequest) -> Result<(), KvError> {
    if request.lease != 0 {
        return Err(KvError::LeaseNotFound);
    }
    if (request.ignore_value || request.ignore_lease) && !keys.contains_key(&request.key) {
        return Err(KvError::KeyNotFound);
    }
    Ok(())
}

fn put(keys: &mut Keys, request: &PutRequest, revision: i64, events: &mut Vec<Event>) {
    let prev_kv = keys.get(&request.key).cloned();
    let mut kv = prev_kv.clone().unwrap_or(KeyValue {
        key: request.key.clone(),
        create_revision: revision,
        ..KeyValue::default()
    });
    kv.version += 1;
    kv.mod_revision = revision;
    if !request.ignore_value {
        kv.value = request.value.clone();
    }
    keys.insert(request.key.clone(), kv.clone());
    events.push(Event {
        kind: EventKind::Put,
        kv,
        prev_kv,
    });
}

fn delete(keys: &mut Keys, request: &DeleteRangeRequest, revision: i64, events: &mut Vec<Event>) {
    for gone in within(keys, &request.key, &request.range_end) {
        keys.remove(&gone.key);
        let kv = KeyValue {
            key: gone.key.clone(),
            mod_revision: revision,
            ..KeyValue::default()
        };
        events.push(Event {
            kind: EventKind::Delete,
            kv,
            prev_kv: Some(gone),
        });
    }
}

fn run(before: &Keys, keys: &mut Keys, txn: &Txn, revision: i64, events: &mut Vec<Event>) {
    for operation in chosen(before, txn) {
        match operation {
            Operation::Range(_) => {}
            Operation::Put(request) => put(keys, request, revision, events),
            Operation::DeleteRange(request) => delete(keys, request, revision, events),
            Operation::Txn(nested) => run(before, keys, nested, revision, events),
        }
    }
}

fn chosen<'a>(before: &Keys, txn: &'a Txn) -> &'a [Operation] {
    let holds = txn.compare.iter().all(|compare| holds(before, compare));
    if holds { &txn.success } else { &txn.failure }
}

fn holds(keys: &Keys, compare: &Compare) -> bool {
    let found = within(keys, &compare.key, &compare.range_end);
    if found.is_empty() {
        let is_value = matches!(compare.target, CompareTarget::Value(_));
        return !is_value && holds_for(&KeyValue::default(), compare);
    }
    found.iter().all(|kv| holds_for(kv, compare))
}

fn holds_for(kv: &KeyValue, compare: &Compare) -> bool {
    let ordering = match &compare.target {
        CompareTarget::Version(target) => kv.version.cmp(target),
        CompareTarget::CreateRevision(target) => kv.create_revision.cmp(target),
        CompareTarget::ModRevision(target) => kv.mod_revision.cmp(target),
        CompareTarget::Lease(target) => kv.lease.cmp(target),
        CompareTarget::Value(target) => kv.value.cmp(target),
    };
    match compare.result {
        CompareResult::Equal => ordering.is_eq(),
        CompareResult::NotEqual => ordering.is_ne(),
        CompareResult::Greater => ordering.is_gt(),
        CompareResult::Less => ordering.is_lt(),
    }
}
