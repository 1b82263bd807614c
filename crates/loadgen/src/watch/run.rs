use super::report::WatchReport;
use super::watcher::{Watched, Watcher};
use super::writer::{Writer, Written};
use crate::call::{Caller, Limits};
use crate::{Endpoint, LoadError, OutputFormat, Stopwatch, TargetOptions, parse_duration};
use bytes::Bytes;
use clap::Args;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use understudy_wire::etcd::etcdserverpb as pb;

/// Measures the way of events.
#[derive(Args, Clone, Debug)]
pub struct WatchOptions {
    #[command(flatten)]
    pub target: TargetOptions,
    /// Watchers of the whole prefix, each on a connection of its own.
    #[arg(long, default_value_t = 10)]
    pub watchers: u32,
    /// Writers, each with one put in flight.
    #[arg(long, default_value_t = 4)]
    pub writers: u32,
    /// Pause of each writer after a put.
    #[arg(long, value_parser = parse_duration)]
    pub pace: Option<Duration>,
    /// How long to write.
    #[arg(long, default_value = "10s", value_parser = parse_duration)]
    pub duration: Duration,
    /// How long watchers may take to see the rest after the last put.
    #[arg(long, default_value = "10s", value_parser = parse_duration)]
    pub patience: Duration,
    /// What every key starts with; the run's own name follows it.
    #[arg(long, default_value = "watch/")]
    pub prefix: String,
    /// How many keys each writer uses.
    #[arg(long, default_value_t = 100)]
    pub keys: u64,
    /// Length of a value in bytes, at least 20.
    #[arg(long, default_value_t = 64)]
    pub value_size: usize,
    /// How the report is written.
    #[arg(short, long, value_enum, default_value_t = OutputFormat::Table)]
    pub output: OutputFormat,
}

/// Starts watchers, then writers, and waits until every watcher has seen the
/// last put, or gave up. A watcher whose stream ends goes on where it was.
pub async fn run_watch(options: &WatchOptions) -> Result<WatchReport, LoadError> {
    options.check()?;
    let stopwatch = Stopwatch::start();
    let prefix = format!("{}{:016x}/", options.prefix, crate::writes::run_name()?);
    let last_key = Bytes::from(format!("{prefix}last"));
    let (give_up, told_to_give_up) = watch::channel(false);
    let (ready, mut is_ready) = mpsc::channel(options.watchers as usize);

    let mut watchers = JoinSet::new();
    for index in 0..options.watchers {
        let watcher = Watcher {
            index: index as usize,
            target: options.target.clone(),
            prefix: prefix.clone(),
            last_key: last_key.clone(),
            stopwatch,
            ready: ready.clone(),
            give_up: told_to_give_up.clone(),
            watched: Watched::new(options.writers),
            next_revision: 0,
        };
        watchers.spawn(watcher.run());
    }
    options.wait_for_watchers(&mut is_ready).await?;

    let started = stopwatch.elapsed();
    let written = options.write(&prefix, stopwatch).await;
    let writing = stopwatch.elapsed().saturating_sub(started);
    options.write_last(last_key).await?;
    let watched = join_within(watchers, options.patience, &give_up).await;
    Ok(WatchReport::new(&watched, &written, writing))
}

impl WatchOptions {
    fn check(&self) -> Result<(), LoadError> {
        self.target.check()?;
        if self.watchers == 0 || self.writers == 0 || self.keys == 0 || self.prefix.is_empty() {
            return Err(LoadError::InvalidOptions(
                "--watchers, --writers, --keys and --prefix must not be empty".into(),
            ));
        }
        Ok(())
    }

    async fn wait_for_watchers(&self, ready: &mut mpsc::Receiver<()>) -> Result<(), LoadError> {
        let all = async {
            for _ in 0..self.watchers {
                ready.recv().await;
            }
        };
        let within = self.target.connect_timeout + self.target.call_timeout;
        tokio::time::timeout(within, all)
            .await
            .map_err(|_| LoadError::Unreachable {
                endpoint: self.target.endpoint(0).clone(),
                reason: format!("not all watches were created within {within:?}"),
            })
    }

    async fn write(&self, prefix: &str, stopwatch: Stopwatch) -> Vec<Written> {
        let until = stopwatch.elapsed() + self.duration;
        let writers = (0..self.writers).map(|id| Writer {
            id,
            caller: self.caller(id as usize),
            prefix: prefix.to_owned(),
            keys: self.keys,
            value_size: self.value_size,
            pace: self.pace,
            stopwatch,
            until,
        });
        let tasks: Vec<_> = writers.map(|writer| tokio::spawn(writer.run())).collect();
        let mut written = Vec::with_capacity(tasks.len());
        for task in tasks {
            written.push(task.await.expect("a writer does not panic"));
        }
        written
    }

    /// Putting it twice does no harm, so a failed attempt is repeated.
    async fn write_last(&self, key: Bytes) -> Result<(), LoadError> {
        let request = pb::PutRequest {
            key,
            ..Default::default()
        };
        let stopwatch = Stopwatch::start();
        let mut caller = self.caller(0);
        while let Err(failure) = caller.put(&request).await {
            if stopwatch.elapsed() >= self.patience {
                return Err(LoadError::Unreachable {
                    endpoint: caller.endpoint().clone(),
                    reason: failure.to_string(),
                });
            }
            caller.turn_to_next();
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    fn caller(&self, first: usize) -> Caller {
        let endpoints: Vec<Endpoint> = self.target.endpoints.clone();
        let limits = Limits {
            connect: self.target.connect_timeout,
            call: self.target.call_timeout,
        };
        Caller::new(endpoints, first, limits)
    }
}

async fn join_within(
    mut watchers: JoinSet<Watched>,
    patience: Duration,
    give_up: &watch::Sender<bool>,
) -> Vec<Watched> {
    let mut watched = Vec::with_capacity(watchers.len());
    let mut patience = std::pin::pin!(tokio::time::sleep(patience));
    loop {
        tokio::select! {
            ended = watchers.join_next() => match ended {
                Some(ended) => watched.push(ended.expect("a watcher does not panic")),
                None => return watched,
            },
            () = &mut patience, if !*give_up.borrow() => {
                give_up.send_replace(true);
            }
        }
    }
}
