//! The history as watches see it: pages of events, whole revisions each.

mod narrow;

use crate::key_range::KeyRange;
use crate::range::key_value;
use crate::response::KeyValue;
use crate::state::KvState;
use crate::store::{HistoryItem, ItemKind};
use bytes::Bytes;

#[derive(Clone, Debug)]
pub struct EventsRequest {
    /// The first revision wanted. One in the future gives an empty page.
    pub from_revision: i64,
    pub keys: KeyRange,
    pub previous: PreviousVersion,
    /// A page ends with the revision that reaches this many bytes of keys and
    /// values; at least one revision with events always fits.
    pub max_bytes: usize,
}

/// Whether events bring the version that they replaced. It is absent when
/// there was none, or when it was compacted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreviousVersion {
    Include,
    Omit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    Put,
    Delete,
}

/// A deletion's `kv` has the key and the revision only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub kind: EventKind,
    pub kv: KeyValue,
    pub prev_kv: Option<KeyValue>,
}

/// The events of one revision, in the order of the operations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevisionEvents {
    pub revision: i64,
    pub events: Vec<Event>,
}

/// A page may be empty before the end of the history: a call looks at a
/// bounded number of events. All is told when `next_revision` is above the
/// current revision; until then ask again from there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventsPage {
    pub revisions: Vec<RevisionEvents>,
    pub next_revision: i64,
}

/// History before `compact_revision` is gone; a watch from there is canceled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("etcdserver: mvcc: required revision has been compacted")]
pub struct CompactedAt {
    pub compact_revision: i64,
}

/// A call looks at so many events at most, that a writer need not wait long.
const MOST_EVENTS_LOOKED_AT: u64 = 64 * 1024;

impl KvState {
    /// A page of events from a revision on. Asking for what is new costs what
    /// is new; asking for few keys costs those keys, not the whole history.
    pub fn events(&self, request: &EventsRequest) -> Result<EventsPage, CompactedAt> {
        if let Some(compact_revision) = self.compacted
            && request.from_revision < compact_revision
        {
            return Err(CompactedAt { compact_revision });
        }
        let history = self.store.history();
        let start = history.first_at(request.from_revision);
        let page = PageBuilder::new(self, request);
        let few = narrow::few_keys(&self.store, &request.keys, history.left_from(start));
        Ok(match few {
            Some(keys) => page.fill(narrow::events_of(&self.store, &keys, request.from_revision)),
            None => page.fill(history.iter_from(start)),
        })
    }
}

struct PageBuilder<'a> {
    state: &'a KvState,
    request: &'a EventsRequest,
    revisions: Vec<RevisionEvents>,
    bytes: usize,
    looked_at: u64,
    /// The revision of the event looked at last.
    reached: i64,
}

impl<'a> PageBuilder<'a> {
    fn new(state: &'a KvState, request: &'a EventsRequest) -> Self {
        Self {
            state,
            request,
            revisions: Vec::new(),
            bytes: 0,
            looked_at: 0,
            reached: 0,
        }
    }

    fn fill(mut self, items: impl Iterator<Item = &'a HistoryItem>) -> EventsPage {
        for item in items {
            if item.revision != self.reached && self.is_full() {
                return EventsPage {
                    revisions: self.revisions,
                    next_revision: item.revision,
                };
            }
            self.reached = item.revision;
            self.looked_at += 1;
            self.take(item);
        }
        let next_revision = self.request.from_revision.max(self.state.revision + 1);
        EventsPage {
            revisions: self.revisions,
            next_revision,
        }
    }

    fn is_full(&self) -> bool {
        let is_large = !self.revisions.is_empty() && self.bytes >= self.request.max_bytes;
        is_large || self.looked_at >= MOST_EVENTS_LOOKED_AT
    }

    fn take(&mut self, item: &HistoryItem) {
        let name = &self.state.store.key(item.key).name;
        if !self.request.keys.contains(name) {
            return;
        }
        let event = self.event(name, item);
        self.bytes += event_bytes(&event);
        match self.revisions.last_mut() {
            Some(last) if last.revision == item.revision => last.events.push(event),
            _ => self.revisions.push(RevisionEvents {
                revision: item.revision,
                events: vec![event],
            }),
        }
    }

    fn event(&self, name: &[u8], item: &HistoryItem) -> Event {
        let replaced = match self.request.previous {
            PreviousVersion::Include => item.replaced.as_ref(),
            PreviousVersion::Omit => None,
        };
        let prev_kv = replaced.map(|version| key_value(name, version));
        let kind = match item.kind {
            ItemKind::Put => EventKind::Put,
            ItemKind::Delete => EventKind::Delete,
        };
        let kv = self.state.store.made_by(item).map_or_else(
            || KeyValue {
                key: Bytes::copy_from_slice(name),
                mod_revision: item.revision,
                ..KeyValue::default()
            },
            |version| key_value(name, version),
        );
        Event { kind, kv, prev_kv }
    }
}

fn event_bytes(event: &Event) -> usize {
    let bytes = |kv: &KeyValue| kv.key.len() + kv.value.len();
    bytes(&event.kv) + event.prev_kv.as_ref().map_or(0, bytes)
}
