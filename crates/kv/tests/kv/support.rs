//! Short ways to say commands and to apply them.

use bytes::Bytes;
use understudy_kv::*;
use understudy_state::{CommandContext, EpochStart, StateMachine};
use understudy_types::{Epoch, Lsn};

pub(crate) const CONTEXT: CommandContext = CommandContext {
    lsn: Lsn::FIRST,
    epoch: Epoch::new(1),
    wall_millis: 0,
};

pub(crate) const LOSSY_EPOCH: EpochStart = EpochStart {
    epoch: Epoch::new(2),
    lsn: Lsn::FIRST,
    wall_millis: 0,
    lossy: true,
};

pub(crate) fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

pub(crate) fn put(key: &str, value: &str) -> PutRequest {
    PutRequest {
        key: bytes(key),
        value: bytes(value),
        ..PutRequest::default()
    }
}

pub(crate) fn delete(key: &str, range_end: &str) -> DeleteRangeRequest {
    DeleteRangeRequest {
        key: bytes(key),
        range_end: bytes(range_end),
        prev_kv: false,
    }
}

pub(crate) fn range(key: &str, range_end: &str) -> RangeRequest {
    RangeRequest {
        key: bytes(key),
        range_end: bytes(range_end),
        ..RangeRequest::default()
    }
}

pub(crate) fn everything() -> RangeRequest {
    range("\0", "\0")
}

pub(crate) fn success(operations: Vec<Operation>) -> Txn {
    Txn {
        success: operations,
        ..Txn::default()
    }
}

pub(crate) fn compare(key: &str, result: CompareResult, target: CompareTarget) -> Compare {
    Compare {
        key: bytes(key),
        range_end: Bytes::new(),
        result,
        target,
    }
}

pub(crate) fn apply(state: &mut KvState, command: Command) -> Result<CommandResponse, KvError> {
    let response = state.apply(CONTEXT, &command.encode());
    assert_eq!(state.digest(), state.digest_from_scratch());
    response
}

/// Puts and gives the revision.
pub(crate) fn do_put(state: &mut KvState, key: &str, value: &str) -> i64 {
    apply(state, Command::Put(put(key, value)))
        .unwrap()
        .revision()
}

/// Deletes one key and gives the revision.
pub(crate) fn do_delete(state: &mut KvState, key: &str) -> i64 {
    apply(state, Command::DeleteRange(delete(key, "")))
        .unwrap()
        .revision()
}

pub(crate) fn do_txn(state: &mut KvState, txn: Txn) -> Result<TxnResponse, KvError> {
    match apply(state, Command::Txn(txn))? {
        CommandResponse::Txn(response) => Ok(response),
        other => panic!("a txn was answered by {other:?}"),
    }
}

pub(crate) fn do_compact(state: &mut KvState, revision: i64) -> Result<(), KvError> {
    apply(state, Command::Compact(CompactRequest { revision })).map(drop)
}

pub(crate) fn do_grant(state: &mut KvState, id: i64) {
    let request = LeaseGrantRequest {
        id,
        ttl_seconds: 60,
    };
    apply(state, Command::LeaseGrant(request)).unwrap();
}

/// The keys of an answer, as one line.
pub(crate) fn keys(response: &RangeResponse) -> String {
    let keys = response
        .kvs
        .iter()
        .map(|kv| String::from_utf8_lossy(&kv.key).into_owned());
    keys.collect::<Vec<_>>().join(" ")
}

pub(crate) fn get(state: &KvState, key: &str) -> Option<KeyValue> {
    state.range(&range(key, "")).unwrap().kvs.pop()
}

pub(crate) fn events_from(state: &KvState, from_revision: i64) -> Result<EventsPage, CompactedAt> {
    state.events(&EventsRequest {
        from_revision,
        keys: KeyRange::all(),
        previous: PreviousVersion::Include,
        max_bytes: usize::MAX,
    })
}

/// Events as text: `+a=1@2` a put, `-a@3` a deletion, `(0)` what it replaced.
pub(crate) fn told(page: &EventsPage) -> String {
    let one = |event: &Event| {
        let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
        let previous = event
            .prev_kv
            .as_ref()
            .map_or(String::new(), |kv| format!("({})", text(&kv.value)));
        let (key, revision) = (text(&event.kv.key), event.kv.mod_revision);
        match event.kind {
            EventKind::Put => format!("+{key}={}@{revision}{previous}", text(&event.kv.value)),
            EventKind::Delete => format!("-{key}@{revision}{previous}"),
        }
    };
    let events = page.revisions.iter().flat_map(|revision| &revision.events);
    events.map(one).collect::<Vec<_>>().join(" ")
}
