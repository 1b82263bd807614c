use super::ledger::AckedWrites;
use super::naming::Naming;
use super::progress::Progress;
use super::writer::{Notes, Writer};
use crate::call::{Caller, Limits};
use crate::{Endpoint, LoadError};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// How a recorder writes.
#[derive(Clone, Debug)]
pub struct RecorderOptions {
    /// Writers are spread over them, and go on at the next after a failure.
    pub endpoints: Vec<Endpoint>,
    pub writers: u32,
    /// What keys start with; the run's own random name follows it.
    pub prefix: String,
    /// A value is never shorter than its key.
    pub value_size: usize,
    pub connect_timeout: Duration,
    /// After it the outcome of an attempt is unknown.
    pub call_timeout: Duration,
    /// Of each writer after an acknowledged write; none: no pause.
    pub pace: Option<Duration>,
}

impl RecorderOptions {
    /// 16 writers of small values, as fast as the servers take them.
    pub fn new(endpoints: Vec<Endpoint>) -> Self {
        RecorderOptions {
            endpoints,
            writers: 16,
            prefix: "acked/".to_owned(),
            value_size: 128,
            connect_timeout: Duration::from_secs(1),
            call_timeout: Duration::from_secs(5),
            pace: None,
        }
    }
}

/// Writers at work. Each attempt has a key and a value of its own and is made
/// once, so an acknowledged one must be found at version 1, at the revision
/// that was answered. Dropping the recorder stops the writers and forgets
/// what they were told.
#[derive(Debug)]
pub struct Recorder {
    naming: Naming,
    progress: Arc<Progress>,
    writers: Vec<JoinHandle<Notes>>,
}

impl Recorder {
    /// Starts the writers on the current runtime; does not wait for anything.
    pub fn start(options: &RecorderOptions) -> Result<Self, LoadError> {
        if options.endpoints.is_empty() || options.writers == 0 {
            return Err(LoadError::InvalidOptions(
                "a recorder needs an endpoint and a writer".into(),
            ));
        }
        let naming = Naming::new(&options.prefix, run_name()?, options.value_size);
        let progress = Arc::new(Progress::new());
        let limits = Limits {
            connect: options.connect_timeout,
            call: options.call_timeout,
        };
        let writers = (0..options.writers)
            .map(|id| Writer {
                id,
                naming: naming.clone(),
                caller: Caller::new(options.endpoints.clone(), id as usize, limits),
                progress: progress.clone(),
                pace: options.pace,
            })
            .map(|writer| tokio::spawn(writer.run()))
            .collect();
        Ok(Recorder {
            naming,
            progress,
            writers,
        })
    }

    /// Writes acknowledged until now.
    pub fn acked(&self) -> u64 {
        *self.progress.acked().borrow()
    }

    /// Waits until `count` more writes are acknowledged; whether they were, in
    /// time. Cancellable.
    pub async fn wait_for_acked(&self, count: u64, within: Duration) -> bool {
        let mut acked = self.progress.acked();
        let wanted = *acked.borrow() + count;
        let reached = acked.wait_for(|acked| *acked >= wanted);
        matches!(tokio::time::timeout(within, reached).await, Ok(Ok(_)))
    }

    /// Lets the attempts under way end (each at its timeout at the latest)
    /// and gives the ledger. Not cancellable without losing it.
    pub async fn stop(mut self) -> AckedWrites {
        self.progress.stop();
        let mut writes = AckedWrites {
            naming: self.naming.clone(),
            told: Vec::with_capacity(self.writers.len()),
            failures: Default::default(),
            connects_failed: 0,
            pause: None,
            seconds: 0.0,
        };
        for writer in self.writers.drain(..) {
            let notes = writer.await.expect("a writer does not panic");
            writes.add(notes);
        }
        let end = self.progress.stopwatch.elapsed();
        writes.pause = self.progress.pauses().longest(end);
        writes.seconds = end.as_secs_f64();
        writes
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        for writer in &self.writers {
            writer.abort();
        }
    }
}

impl AckedWrites {
    /// Writers are added in the order of their ids.
    fn add(&mut self, notes: Notes) {
        self.told.push(notes.told);
        for (kind, count) in notes.failures {
            *self.failures.entry(kind).or_default() += count;
        }
        self.connects_failed += notes.connects_failed;
    }
}

pub(crate) fn run_name() -> Result<u64, LoadError> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(LoadError::Random)?;
    Ok(u64::from_le_bytes(bytes))
}
