//! What the watches of a stream are told next: one bounded page of history at
//! a time, shared by all watches that stand at the same revision.

use super::{
    fragment::fragments,
    watcher::{ProgressNotify, ResponseSize, Watcher},
};
use crate::convert::response;
use std::collections::BTreeMap;
use understudy_kv::{CompactedAt, EventsPage, EventsRequest, KeyRange, KvState, PreviousVersion};
use understudy_wire::etcd::{
    etcdserverpb::{ResponseHeader, WatchResponse},
    mvccpb,
};

/// A page ends with the revision that reaches this many bytes.
const PAGE_BYTES_MAX: usize = 1024 * 1024;

pub(super) type Watchers = BTreeMap<i64, Watcher>;

/// What one look at the state found.
#[derive(Debug)]
pub(super) enum Look {
    /// Every watch was told all up to this revision, the current one.
    CaughtUp { revision: i64 },
    /// The watches at `from_revision` have come a page further.
    Page {
        from_revision: i64,
        page: EventsPage,
        revision: i64,
    },
    /// The history at `from_revision` is gone.
    Compacted { from_revision: i64, at: CompactedAt },
    /// The state was rebuilt and ends before what watches were told.
    WentBack { revision: i64 },
}

/// Looks at the state for the watches that are furthest behind.
pub(super) fn look(watchers: &Watchers, state: &KvState) -> Look {
    let revision = state.revision();
    if watchers
        .values()
        .any(|watcher| watcher.is_ahead_of(revision))
    {
        return Look::WentBack { revision };
    }
    let behind = watchers.values().map(|watcher| watcher.next_revision).min();
    let Some(from_revision) = behind.filter(|next| *next <= revision) else {
        return Look::CaughtUp { revision };
    };
    match state.events(&events_request(watchers, from_revision)) {
        Ok(page) => Look::Page {
            from_revision,
            page,
            revision,
        },
        Err(at) => Look::Compacted { from_revision, at },
    }
}

/// One watch reads its own keys; several read all keys once and choose.
fn events_request(watchers: &Watchers, from_revision: i64) -> EventsRequest {
    let mut group = at(watchers, from_revision);
    let first = group
        .next()
        .expect("the group was found by one of its watches");
    let mut request = EventsRequest {
        from_revision,
        keys: first.keys.clone(),
        previous: first.previous,
        max_bytes: PAGE_BYTES_MAX,
    };
    for other in group {
        request.keys = KeyRange::all();
        if other.previous == PreviousVersion::Include {
            request.previous = PreviousVersion::Include;
        }
    }
    request
}

fn at(watchers: &Watchers, from_revision: i64) -> impl Iterator<Item = &Watcher> {
    watchers
        .values()
        .filter(move |watcher| watcher.next_revision == from_revision)
}

/// Hands a page to the watches that wait for it. The header's revision is the
/// last one that the watch is told completely with this response.
pub(super) fn page_responses(
    watchers: &mut Watchers,
    from_revision: i64,
    page: &EventsPage,
    header: ResponseHeader,
    fragment_bytes_max: usize,
) -> Vec<WatchResponse> {
    let mut responses = Vec::new();
    for (id, watcher) in watchers.iter_mut() {
        if watcher.next_revision != from_revision {
            continue;
        }
        watcher.advance(page.next_revision);
        let events = events_for(watcher, page);
        if events.is_empty() {
            continue;
        }
        if watcher.notify == ProgressNotify::NextTime {
            watcher.notify = ProgressNotify::Later;
        }
        let response = WatchResponse {
            header: Some(header),
            watch_id: *id,
            events,
            ..WatchResponse::default()
        };
        match watcher.size {
            ResponseSize::Whole => responses.push(response),
            ResponseSize::Fragments => responses.extend(fragments(response, fragment_bytes_max)),
        }
    }
    responses
}

fn events_for(watcher: &Watcher, page: &EventsPage) -> Vec<mvccpb::Event> {
    let wanted = page
        .revisions
        .iter()
        .flat_map(|revision| &revision.events)
        .filter(|event| watcher.wants(event));
    wanted
        .map(|event| response::event(event, watcher.previous))
        .collect()
}

/// Takes the watches out whose history is gone.
pub(super) fn compacted_responses(
    watchers: &mut Watchers,
    from_revision: i64,
    at: CompactedAt,
) -> Vec<WatchResponse> {
    take(watchers, |watcher| watcher.next_revision == from_revision)
        .map(|id| compacted(id, at.compact_revision, at.to_string()))
        .collect()
}

/// Takes the watches out that were told more than the state now holds. The
/// revision after the state's is the first that a client may watch from
/// without seeing other content for a revision that it knows.
pub(super) fn went_back_responses(watchers: &mut Watchers, revision: i64) -> Vec<WatchResponse> {
    let reason = format!(
        "understudy: revisions above {revision} were removed: the promotion that this node \
         follows did not have them"
    );
    take(watchers, |watcher| watcher.is_ahead_of(revision))
        .map(|id| compacted(id, revision + 1, reason.clone()))
        .collect()
}

fn take(
    watchers: &mut Watchers,
    mut is_taken: impl FnMut(&Watcher) -> bool,
) -> impl Iterator<Item = i64> {
    watchers
        .extract_if(.., move |_, watcher| is_taken(watcher))
        .map(|(id, _)| id)
}

/// Clients know by the compact revision that they must read anew.
fn compacted(watch_id: i64, compact_revision: i64, cancel_reason: String) -> WatchResponse {
    WatchResponse {
        header: Some(ResponseHeader::default()),
        watch_id,
        canceled: true,
        compact_revision,
        cancel_reason,
        ..WatchResponse::default()
    }
}
