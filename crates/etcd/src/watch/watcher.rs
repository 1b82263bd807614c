//! One watch of a stream: what it wants and how far it has come.

use understudy_kv::{Event, EventKind, KeyRange, PreviousVersion};
use understudy_wire::etcd::etcdserverpb::{WatchCreateRequest, watch_create_request::FilterType};

#[derive(Debug)]
pub(super) struct Watcher {
    pub(super) keys: KeyRange,
    pub(super) previous: PreviousVersion,
    pub(super) size: ResponseSize,
    pub(super) notify: ProgressNotify,
    wants_puts: bool,
    wants_deletes: bool,
    /// The first revision that it was not told yet.
    pub(super) next_revision: i64,
    /// All up to here, inclusive, was told; none while it waits for a
    /// revision of the future.
    pub(super) told_revision: Option<i64>,
}

/// Whether responses are split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResponseSize {
    Whole,
    Fragments,
}

/// Whether the client is told from time to time that nothing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProgressNotify {
    Never,
    /// It had a response since the last time.
    Later,
    /// It had none.
    NextTime,
}

impl Watcher {
    /// A watch that was asked for when the state stood at `revision`.
    pub(super) fn new(request: &WatchCreateRequest, revision: i64) -> Self {
        let has = |filter: FilterType| request.filters.contains(&i32::from(filter));
        let (next_revision, told_revision) = match request.start_revision {
            0 => (revision + 1, Some(revision)),
            start => (start, None),
        };
        Watcher {
            keys: keys(request),
            previous: match request.prev_kv {
                true => PreviousVersion::Include,
                false => PreviousVersion::Omit,
            },
            size: match request.fragment {
                true => ResponseSize::Fragments,
                false => ResponseSize::Whole,
            },
            notify: match request.progress_notify {
                true => ProgressNotify::NextTime,
                false => ProgressNotify::Never,
            },
            wants_puts: !has(FilterType::Noput),
            wants_deletes: !has(FilterType::Nodelete),
            next_revision,
            told_revision,
        }
    }

    pub(super) fn wants(&self, event: &Event) -> bool {
        let wants_kind = match event.kind {
            EventKind::Put => self.wants_puts,
            EventKind::Delete => self.wants_deletes,
        };
        wants_kind && self.keys.contains(&event.kv.key)
    }

    /// All before `next_revision` is told.
    pub(super) fn advance(&mut self, next_revision: i64) {
        assert!(next_revision > self.next_revision, "a page goes forward");
        self.next_revision = next_revision;
        self.told_revision = Some(next_revision - 1);
    }

    /// Whether the state goes back behind what this watch was told: what comes
    /// next may be other content for revisions that the client has seen.
    pub(super) fn is_ahead_of(&self, revision: i64) -> bool {
        self.told_revision.is_some_and(|told| told > revision)
    }
}

/// The keys that are watched. An empty key is the lowest one.
pub(super) fn keys(request: &WatchCreateRequest) -> KeyRange {
    let key = match request.key.is_empty() {
        true => bytes::Bytes::from_static(&[0]),
        false => request.key.clone(),
    };
    KeyRange::new(key, request.range_end.clone())
}
