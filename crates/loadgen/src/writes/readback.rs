use super::ledger::AckedWrites;
use super::verification::Verification;
use crate::call::{CallFailure, Caller, Limits};
use crate::{Endpoint, LoadError, Stopwatch};
use bytes::Bytes;
use std::time::Duration;
use understudy_wire::etcd::{etcdserverpb as pb, mvccpb::KeyValue};

const PAGE_KEYS: i64 = 1000;
const LIMITS: Limits = Limits {
    connect: Duration::from_secs(1),
    call: Duration::from_secs(10),
};
const RETRY_PAUSE: Duration = Duration::from_millis(50);

impl AckedWrites {
    /// Reads all of the run back, linearizable and at one revision, and
    /// compares. Goes from endpoint to endpoint until one answers, as long as
    /// `patience` lasts. Reads only; cancellable.
    pub async fn verify(
        &self,
        endpoints: &[Endpoint],
        patience: Duration,
    ) -> Result<Verification, LoadError> {
        if endpoints.is_empty() {
            return Err(LoadError::InvalidOptions(
                "verification needs an endpoint".into(),
            ));
        }
        let stopwatch = Stopwatch::start();
        let mut caller = Caller::new(endpoints.to_vec(), 0, LIMITS);
        loop {
            match read_prefix(&mut caller, self.prefix()).await {
                Ok(found) => return Ok(Verification::of(self, &found)),
                Err(failure) if stopwatch.elapsed() >= patience => {
                    return Err(LoadError::Unreachable {
                        endpoint: caller.endpoint().clone(),
                        reason: failure.to_string(),
                    });
                }
                Err(_) => {
                    caller.turn_to_next();
                    tokio::time::sleep(RETRY_PAUSE).await;
                }
            }
        }
    }
}

async fn read_prefix(caller: &mut Caller, prefix: &str) -> Result<Vec<KeyValue>, CallFailure> {
    let mut found = Vec::new();
    let mut request = pb::RangeRequest {
        key: Bytes::copy_from_slice(prefix.as_bytes()),
        range_end: prefix_end(prefix.as_bytes()),
        limit: PAGE_KEYS,
        ..Default::default()
    };
    loop {
        let page = caller.range(&request).await?;
        let revision = page.header.map_or(0, |header| header.revision);
        let Some(last) = page.kvs.last() else {
            return Ok(found);
        };
        request.key = key_after(&last.key);
        if request.revision == 0 {
            request.revision = revision;
        }
        found.extend(page.kvs);
        if !page.more {
            return Ok(found);
        }
    }
}

/// The first key behind all keys that start with `prefix`, which is text and
/// so does not end in 0xFF.
pub(crate) fn prefix_end(prefix: &[u8]) -> Bytes {
    let mut end = prefix.to_vec();
    let last = end.last_mut().expect("a prefix is not empty");
    *last = last.checked_add(1).expect("text has no byte 0xFF");
    end.into()
}

fn key_after(key: &[u8]) -> Bytes {
    [key, &[0]].concat().into()
}
