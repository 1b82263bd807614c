//! Reads of keys, now or at an earlier revision.

use crate::error::KvError;
use crate::key_range::KeyRange;
use crate::request::{RangeRequest, SortOrder, SortTarget};
use crate::response::{KeyValue, RangeResponse};
use crate::state::KvState;
use crate::store::{At, Version};
use crate::validate::check_range;
use bytes::Bytes;
use std::cmp::Ordering;
use std::sync::Arc;

type Found<'a> = (&'a Arc<[u8]>, &'a Version);

impl KvState {
    /// Reads keys. Takes time in the number of keys in the range, for the
    /// answer says how many there are.
    pub fn range(&self, request: &RangeRequest) -> Result<RangeResponse, KvError> {
        check_range(request)?;
        if request.revision > 0 {
            self.check_readable(request.revision)?;
        }
        Ok(read_range(self, request))
    }
}

/// Reads at a revision that was checked. Within a txn the newest state has
/// the txn's own writes.
pub(crate) fn read_range(state: &KvState, request: &RangeRequest) -> RangeResponse {
    let range = KeyRange::new(request.key.clone(), request.range_end.clone());
    let at = if request.revision > 0 {
        At::Revision(request.revision)
    } else {
        At::Newest
    };
    let visible = state.store.visible_in(&range, at);
    let mut response = RangeResponse {
        revision: state.revision,
        ..RangeResponse::default()
    };
    if request.count_only {
        response.count = visible.count() as i64;
        return response;
    }
    let limit = usize::try_from(request.limit)
        .ok()
        .filter(|limit| *limit > 0);
    let (mut found, count) = collect(visible, request, limit);
    response.count = count;
    sort(&mut found, request);
    if let Some(limit) = limit.filter(|limit| found.len() > *limit) {
        found.truncate(limit);
        response.more = true;
    }
    let answer = |(key, version): Found<'_>| match request.keys_only {
        true => KeyValue {
            value: Bytes::new(),
            ..key_value(key, version)
        },
        false => key_value(key, version),
    };
    response.kvs = found.into_iter().map(answer).collect();
    response
}

/// What passes the filters, and how many keys there are without them. Holds
/// no more than it must: one above the limit when the order is that of keys.
fn collect<'a>(
    visible: impl Iterator<Item = Found<'a>>,
    request: &RangeRequest,
    limit: Option<usize>,
) -> (Vec<Found<'a>>, i64) {
    let most = match limit {
        Some(limit) if is_in_key_order(request) => limit.saturating_add(1),
        _ => usize::MAX,
    };
    let (mut found, mut count) = (Vec::new(), 0);
    for (key, version) in visible {
        count += 1;
        if found.len() < most && passes_filters(version, request) {
            found.push((key, version));
        }
    }
    (found, count)
}

fn is_in_key_order(request: &RangeRequest) -> bool {
    request.sort_target == SortTarget::Key && request.sort_order != SortOrder::Descend
}

fn passes_filters(version: &Version, request: &RangeRequest) -> bool {
    let within = |revision, least, most| revision >= least && (most == 0 || revision <= most);
    within(
        version.mod_revision,
        request.min_mod_revision,
        request.max_mod_revision,
    ) && within(
        version.create_revision,
        request.min_create_revision,
        request.max_create_revision,
    )
}

/// Ties stay in the order of their keys.
fn sort(found: &mut [Found<'_>], request: &RangeRequest) {
    if is_in_key_order(request) {
        return;
    }
    let ascending = |left: &Found<'_>, right: &Found<'_>| -> Ordering {
        match request.sort_target {
            SortTarget::Key => left.0.cmp(right.0),
            SortTarget::Version => left.1.number.cmp(&right.1.number),
            SortTarget::CreateRevision => left.1.create_revision.cmp(&right.1.create_revision),
            SortTarget::ModRevision => left.1.mod_revision.cmp(&right.1.mod_revision),
            SortTarget::Value => left.1.value.cmp(&right.1.value),
        }
    };
    match request.sort_order {
        SortOrder::Descend => found.sort_by(|left, right| ascending(right, left)),
        SortOrder::None | SortOrder::Ascend => found.sort_by(ascending),
    }
}

/// The key is copied, the value shared.
pub(crate) fn key_value(key: &[u8], version: &Version) -> KeyValue {
    KeyValue {
        key: Bytes::copy_from_slice(key),
        create_revision: version.create_revision,
        mod_revision: version.mod_revision,
        version: version.number,
        value: version.value.clone(),
        lease: version.lease,
    }
}
