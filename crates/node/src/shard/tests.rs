//! A shard on a real disk, whose log is cut below what its state holds.

use super::boot::{Booted, Ground, boot, stop};
use super::core::{LogCommand, ShardCore};
use crate::audit::Audit;
use crate::authority::Authority;
use crate::clock::BootClock;
use crate::config::{Configuration, Overrides};
use crate::maintenance::Maintenance;
use crate::node::Fatal;
use crate::settings::Settings;
use bytes::Bytes;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;
use understudy_kv::{Command, KvState, PutRequest};
use understudy_log::{
    BatchBuilder, BatchStart, DataRoot, Disk, Identity, Log, LogConfig, OsDisk, quarantine,
};
use understudy_state::{CommandContext, EpochStart, OutOfReach, StateDigest, StateMachine};
use understudy_types::{ByteCount, Clock, ClusterId, DataId, Epoch, Lsn, Position};

const CLUSTER: ClusterId = ClusterId::from_bytes([3; 16]);
const COMMON: u64 = 1_000;
const DIVERGENT: u64 = 10_000;

fn settings(data: &Path) -> Settings {
    let text = format!(
        r#"
        cluster = "test"
        node = "alpha"
        data = {data:?}
        [store]
        bucket = "leases"
        region = "eu-central-1"
        [[shard]]
        name = "main"
        listen = "127.0.0.1:2379"
        "#
    );
    let parsed = Configuration::parse(&text, Path::new("test.toml"), &Overrides::default());
    let mut settings = parsed.expect("a sound file").settings;
    settings.log.scrub_rate = Some(ByteCount::mib(1024));
    settings
}

fn log_of(root: &DataRoot<OsDisk>, settings: &Settings) -> Log<OsDisk> {
    let config = LogConfig {
        cluster: CLUSTER,
        shard: settings.shards[0].name.clone(),
        segment_size: ByteCount::mib(1),
    };
    let (log, _) = Log::open(Arc::clone(root.disk()), config).expect("a log");
    log
}

fn put(key: String, value: &str) -> Bytes {
    let put = PutRequest {
        key: key.into(),
        value: Bytes::copy_from_slice(value.as_bytes()),
        ..PutRequest::default()
    };
    Command::Put(put).encode().into()
}

/// The batch that follows everything in `log`; says that all before it is
/// committed.
fn next_batch(log: &Log<OsDisk>, epoch: u64, body: &[u8]) -> understudy_log::Batch {
    let mut builder = BatchBuilder::new(BatchStart {
        epoch: Epoch::new(epoch),
        first_lsn: log.next_lsn(),
        committed: log.written().map(|head| head.lsn),
        wall_millis: 1,
        previous: log.head_hash(),
    });
    builder.push_command(body);
    builder.finish()
}

fn append(log: &mut Log<OsDisk>, records: u64, history: &str) {
    for number in 0..records {
        let body = put(format!("{}/{}", history, number % 300), history);
        let batch = next_batch(log, 1, &body);
        log.append(&batch).expect("room");
    }
    log.flush().expect("a disk that works");
}

/// A returning primary: what it shares with the new one, then what only it
/// has, all applied but the last record.
struct Returning<S: StateMachine> {
    shard: Booted<S>,
    root: DataRoot<OsDisk>,
    common: Position,
    /// Of the state at `common`.
    digest: StateDigest,
    _directory: TempDir,
}

impl<S: StateMachine> Returning<S> {
    fn boot(empty: impl Fn() -> S + Send + 'static) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let data = directory.path().join("alpha");
        let settings = settings(&data);
        let node = settings.node.clone();
        let identity = Identity::new(CLUSTER, node.clone(), DataId::from_bytes([1; 16]), 0);
        let root = DataRoot::create(&data, identity).expect("a new root");
        let mut log = log_of(&root, &settings);
        append(&mut log, COMMON, "common");
        let common = log.written().expect("it has records");
        append(&mut log, DIVERGENT, "divergent");
        drop(log);
        let clock: Arc<dyn Clock> = Arc::new(BootClock);
        let authority = Arc::new(Authority::new(Arc::clone(&clock)));
        let audit = Audit::new(root.disk().clone(), node.clone(), Arc::clone(&clock));
        let ground = Ground {
            settings: &settings,
            root: &root,
            node: &node,
            clock: &clock,
            authority: &authority,
            fatal: &Fatal::new(Arc::clone(&authority)),
            audit: &audit,
            meters: &Arc::default(),
            maintenance: &Maintenance::load(root.disk().clone()).expect("a disk"),
            runtime: &tokio::runtime::Handle::current(),
        };
        let shard = boot(&ground, &settings.shards[0], empty).expect("a sound log");
        Returning {
            shard,
            root,
            common,
            digest: digest_of("common", COMMON),
            _directory: directory,
        }
    }

    fn core(&self) -> &ShardCore {
        &self.shard.core
    }

    /// Cuts the log to what is common, as a stream's beginning does, and
    /// waits until the state is right.
    async fn cut(&self) {
        let applied = self.core().marks.lock().applied;
        assert_eq!(applied, Lsn::new(COMMON + DIVERGENT - 1));
        let keep = Some(self.common);
        let reason = "the test".to_owned();
        let cut = self.core().ask(|reply| LogCommand::Cut {
            keep,
            reason,
            reply,
        });
        let outline = cut.await.expect("the thread lives").expect("it can be cut");
        assert_eq!(outline.history.head, keep);
        let restored = self
            .core()
            .wait_until(|marks| (!marks.needs_restoration()).then_some(marks.applied));
        assert_eq!(restored.await, Some(Some(self.common.lsn)));
    }

    fn digest(&self) -> StateDigest {
        self.shard.handle.read(|state| state.digest())
    }

    /// How often the state was rolled back, and made anew.
    fn restorations(&self) -> (u64, u64) {
        let marks = self.core().marks.lock();
        (marks.restorations.rolled_back, marks.restorations.made_anew)
    }

    fn end(self) {
        stop(&self.shard.core);
        for thread in self.shard.threads {
            thread.join().expect("no thread panicked");
        }
    }
}

/// The digest of a fresh replay.
fn digest_of(history: &str, records: u64) -> StateDigest {
    let mut state = KvState::new();
    for number in 0..records {
        let context = CommandContext {
            lsn: Lsn::new(number + 1).expect("counted from 1"),
            epoch: Epoch::new(1),
            wall_millis: 1,
        };
        let body = put(format!("{}/{}", history, number % 300), history);
        state.apply(context, &body).expect("puts succeed");
    }
    state.digest()
}

/// A key-value state that is no good at going back.
struct Poor {
    state: KvState,
    habit: Habit,
}

#[derive(Clone, Copy)]
enum Habit {
    NeverGoesBack,
    SaysSoAndStays,
}

impl StateMachine for Poor {
    type Response = <KvState as StateMachine>::Response;

    fn apply(&mut self, context: CommandContext, command: &[u8]) -> Self::Response {
        self.state.apply(context, command)
    }

    fn begin_epoch(&mut self, start: EpochStart) {
        self.state.begin_epoch(start);
    }

    fn roll_back(&mut self, _: Lsn) -> Result<(), OutOfReach> {
        match self.habit {
            Habit::NeverGoesBack => Err(OutOfReach),
            Habit::SaysSoAndStays => Ok(()),
        }
    }

    fn digest(&self) -> StateDigest {
        self.state.digest()
    }

    fn memory_bytes(&self) -> u64 {
        self.state.memory_bytes()
    }
}

mod anew;

#[tokio::test]
async fn scrub_finds_what_was_damaged_after_the_start() {
    let returning = Returning::boot(KvState::new);
    let file = format!("shards/main/{:020}.seg", 1);
    // In one write: the scrub may read at any moment.
    let disk = returning.root.disk();
    let segment = disk.open(&file).expect("a segment");
    let flipped = disk.read(&file).expect("a segment")[300_000] ^ 1;
    let written = disk.write_at(&segment, 300_000, &[flipped]);
    written.expect("room");
    let core = returning.core();
    let found = core.wait_until(|_| core.scrub.lock().damage.clone()).await;
    let found = found.expect("the node runs");
    assert_eq!(found.file, file);
    assert!((290_000..=300_000).contains(&found.offset), "{found}");
    returning.end();
}

#[tokio::test]
async fn divergent_records_are_taken_back_without_a_new_state() {
    let returning = Returning::boot(KvState::new);
    returning.cut().await;
    assert_eq!(returning.restorations(), (1, 0));
    assert_eq!(returning.digest(), returning.digest);
    let kept = quarantine::list(&**returning.root.disk(), &returning.core().name);
    let records: Vec<_> = kept
        .expect("readable")
        .iter()
        .map(|s| s.records())
        .collect();
    assert_eq!(records, [DIVERGENT]);
    returning.end();
}

#[tokio::test]
async fn state_that_cannot_be_rolled_back_is_made_anew() {
    for habit in [Habit::NeverGoesBack, Habit::SaysSoAndStays] {
        let returning = Returning::boot(move || Poor {
            state: KvState::new(),
            habit,
        });
        returning.cut().await;
        assert_eq!(returning.restorations(), (0, 1));
        assert_eq!(returning.digest(), returning.digest);
        returning.end();
    }
}
