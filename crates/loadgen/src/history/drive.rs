use super::client::{Client, Notes};
use super::record::{History, Sighting};
use super::requests::Keys;
use super::watcher::Watcher;
use crate::call::{CallFailure, Caller, Limits};
use crate::writes::run_name;
use crate::{Endpoint, LoadError, Stopwatch};
use rand::{SeedableRng, rngs::SmallRng};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use understudy_wire::etcd::etcdserverpb as pb;

const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// How a history is made.
#[derive(Clone, Debug)]
pub struct HistoryOptions {
    /// Clients and watchers are spread over them, and go on at the next after
    /// a failure.
    pub endpoints: Vec<Endpoint>,
    pub clients: usize,
    pub watchers: usize,
    /// Groups of two keys.
    pub groups: usize,
    /// Decides what the clients do; when they do it, the servers decide.
    pub seed: u64,
    /// What keys start with; the run's own random name follows it.
    pub prefix: String,
    pub connect_timeout: Duration,
    /// After it the outcome of an operation is unknown.
    pub call_timeout: Duration,
    /// Of each client after an answer; none: no pause.
    pub pace: Option<Duration>,
}

impl HistoryOptions {
    pub fn new(endpoints: Vec<Endpoint>, seed: u64) -> Self {
        HistoryOptions {
            endpoints,
            clients: 8,
            watchers: 2,
            groups: 24,
            seed,
            prefix: "history/".to_owned(),
            connect_timeout: Duration::from_secs(1),
            call_timeout: Duration::from_secs(5),
            pace: None,
        }
    }

    fn caller(&self, first: usize) -> Caller {
        let limits = Limits {
            connect: self.connect_timeout,
            call: self.call_timeout,
        };
        Caller::new(self.endpoints.clone(), first, limits)
    }
}

/// Clients and watchers at work. Dropping it stops them and forgets what they
/// were told.
#[derive(Debug)]
pub struct HistoryRecorder {
    options: HistoryOptions,
    keys: Keys,
    first_revision: i64,
    stopwatch: Stopwatch,
    answered: Arc<watch::Sender<u64>>,
    stop: watch::Sender<bool>,
    clients: Vec<JoinHandle<Notes>>,
    watchers: Vec<JoinHandle<Vec<Sighting>>>,
}

impl HistoryRecorder {
    /// Asks for the present revision, as long as `patience` lasts, and starts.
    pub async fn start(options: HistoryOptions, patience: Duration) -> Result<Self, LoadError> {
        let has_all = !options.endpoints.is_empty() && options.clients > 0 && options.groups > 0;
        if !has_all {
            return Err(LoadError::InvalidOptions(
                "a history needs an endpoint, a client and a group of keys".into(),
            ));
        }
        let prefix = format!("{}{:016x}/", options.prefix, run_name()?);
        let keys = Keys { prefix };
        let first_revision = present_revision(&options, &keys, patience).await? + 1;
        let (stop, stopped) = watch::channel(false);
        let mut recorder = HistoryRecorder {
            keys,
            first_revision,
            stopwatch: Stopwatch::start(),
            answered: Arc::new(watch::Sender::new(0)),
            stop,
            clients: Vec::new(),
            watchers: Vec::new(),
            options,
        };
        for index in 0..recorder.options.watchers {
            let watcher = recorder.watcher(index);
            recorder.watchers.push(tokio::spawn(watcher.run()));
        }
        for index in 0..recorder.options.clients {
            let client = recorder.client(index, stopped.clone());
            recorder.clients.push(tokio::spawn(client.run()));
        }
        Ok(recorder)
    }

    fn client(&self, index: usize, stop: watch::Receiver<bool>) -> Client {
        let id = index as u64;
        Client {
            id,
            keys: self.keys.clone(),
            groups: self.options.groups,
            caller: self.options.caller(index),
            chance: SmallRng::seed_from_u64(
                self.options.seed.wrapping_mul(1 << 16).wrapping_add(id),
            ),
            pace: self.options.pace,
            stopwatch: self.stopwatch,
            answered: Arc::clone(&self.answered),
            stop,
            values: 0,
            known: vec![[0; 2]; self.options.groups],
        }
    }

    fn watcher(&self, index: usize) -> Watcher {
        Watcher {
            keys: self.keys.clone(),
            endpoints: self.options.endpoints.clone(),
            current: index % self.options.endpoints.len(),
            connect_timeout: self.options.connect_timeout,
            next_revision: self.first_revision,
            sightings: Vec::new(),
        }
    }

    /// Operations answered until now.
    pub fn answered(&self) -> u64 {
        *self.answered.borrow()
    }

    /// Now, on the stopwatch of the operations.
    pub fn now(&self) -> Duration {
        self.stopwatch.elapsed()
    }

    /// What all keys of the run start with.
    pub fn prefix(&self) -> &str {
        &self.keys.prefix
    }

    /// Waits until `count` operations were answered in all; whether they were,
    /// in time. Cancellable.
    pub async fn wait_for_answered(&self, count: u64, within: Duration) -> bool {
        let mut answered = self.answered.subscribe();
        let reached = answered.wait_for(|answered| *answered >= count);
        matches!(tokio::time::timeout(within, reached).await, Ok(Ok(_)))
    }

    /// Lets the operations under way end, lets the watchers see everything,
    /// and reads the log of events once more from the beginning. Goes from
    /// endpoint to endpoint, as long as `patience` lasts for each of these.
    pub async fn stop(mut self, patience: Duration) -> Result<History, LoadError> {
        self.stop.send_replace(true);
        let mut history = History {
            groups: self.options.groups,
            ..History::default()
        };
        for client in std::mem::take(&mut self.clients) {
            let notes = client.await.expect("a client does not panic");
            history.operations.extend(notes.operations);
            for (kind, count) in notes.failures {
                *history.failures.entry(kind).or_default() += count;
            }
        }
        self.write_last(patience).await?;
        for watcher in std::mem::take(&mut self.watchers) {
            history.watched.push(self.ended(watcher, patience).await?);
        }
        let replay = tokio::spawn(self.watcher(0).run());
        history.replayed = self.ended(replay, patience).await?;
        Ok(history)
    }

    async fn write_last(&self, patience: Duration) -> Result<(), LoadError> {
        let request = pb::PutRequest {
            key: self.keys.last(),
            ..Default::default()
        };
        let mut caller = self.options.caller(0);
        let stopwatch = Stopwatch::start();
        while let Err(failure) = caller.put(&request).await {
            next_or_give_up(&mut caller, &failure, stopwatch, patience).await?;
        }
        Ok(())
    }

    async fn ended(
        &self,
        mut watcher: JoinHandle<Vec<Sighting>>,
        patience: Duration,
    ) -> Result<Vec<Sighting>, LoadError> {
        match tokio::time::timeout(patience, &mut watcher).await {
            Ok(sightings) => Ok(sightings.expect("a watcher does not panic")),
            Err(_) => {
                watcher.abort();
                Err(LoadError::Unreachable {
                    endpoint: self.options.endpoints[0].clone(),
                    reason: format!("a watcher has not seen the last key within {patience:?}"),
                })
            }
        }
    }
}

impl Drop for HistoryRecorder {
    fn drop(&mut self) {
        self.clients.iter().for_each(JoinHandle::abort);
        self.watchers.iter().for_each(JoinHandle::abort);
    }
}

async fn present_revision(
    options: &HistoryOptions,
    keys: &Keys,
    patience: Duration,
) -> Result<i64, LoadError> {
    let request = pb::RangeRequest {
        key: keys.last(),
        ..Default::default()
    };
    let mut caller = options.caller(0);
    let stopwatch = Stopwatch::start();
    loop {
        match caller.range(&request).await {
            Ok(answer) => return Ok(answer.header.map_or(0, |header| header.revision)),
            Err(failure) => {
                next_or_give_up(&mut caller, &failure, stopwatch, patience).await?;
            }
        }
    }
}

async fn next_or_give_up(
    caller: &mut Caller,
    failure: &CallFailure,
    since: Stopwatch,
    patience: Duration,
) -> Result<(), LoadError> {
    if since.elapsed() >= patience {
        return Err(LoadError::Unreachable {
            endpoint: caller.endpoint().clone(),
            reason: failure.to_string(),
        });
    }
    caller.turn_to_next();
    tokio::time::sleep(RETRY_PAUSE).await;
    Ok(())
}
