use super::stamp::Stamp;
use crate::Stopwatch;
use crate::call::Caller;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use understudy_wire::etcd::etcdserverpb as pb;

const FAILURE_PAUSE: Duration = Duration::from_millis(20);

/// What one writer did. Every number is put once.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) attempts: u64,
    /// Failed, so that no event is owed.
    pub(super) unacked: BTreeSet<u64>,
    pub(super) errors: BTreeMap<&'static str, u64>,
}

impl Written {
    pub(super) fn acked(&self) -> u64 {
        self.attempts - self.unacked.len() as u64
    }

    pub(super) fn is_acked(&self, number: u64) -> bool {
        number < self.attempts && !self.unacked.contains(&number)
    }
}

#[derive(Debug)]
pub(super) struct Writer {
    pub(super) id: u32,
    pub(super) caller: Caller,
    pub(super) prefix: String,
    pub(super) keys: u64,
    pub(super) value_size: usize,
    pub(super) pace: Option<Duration>,
    pub(super) stopwatch: Stopwatch,
    /// On the stopwatch; no put starts after it.
    pub(super) until: Duration,
}

impl Writer {
    pub(super) async fn run(mut self) -> Written {
        let mut written = Written::default();
        while self.stopwatch.elapsed() < self.until {
            let number = written.attempts;
            written.attempts += 1;
            let result = self.caller.put(&self.request(number)).await;
            let pause = match result {
                Ok(_) => self.pace,
                Err(failure) => {
                    written.unacked.insert(number);
                    *written.errors.entry(failure.kind()).or_default() += 1;
                    self.caller.turn_to_next();
                    Some(FAILURE_PAUSE)
                }
            };
            if let Some(pause) = pause {
                tokio::time::sleep(pause).await;
            }
        }
        written
    }

    fn request(&self, number: u64) -> pb::PutRequest {
        let stamp = Stamp {
            writer: self.id,
            number,
            sent_nanos: self.stopwatch.elapsed_nanos(),
        };
        pb::PutRequest {
            key: format!("{}{}/{}", self.prefix, self.id, number % self.keys).into(),
            value: stamp.to_value(self.value_size),
            ..Default::default()
        }
    }
}
