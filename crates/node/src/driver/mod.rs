//! The one owner of the role: feeds the core with what happens, and does
//! what it says.

mod act;
mod activations;
mod collect;
mod flag_file;
mod hooks;
mod receipts;
mod slots;
mod stand_in;
mod store_io;

pub(crate) use activations::Activations;
pub(crate) use receipts::newest_promotion;
pub(crate) use stand_in::Configured;
pub(crate) use store_io::NodeStore;

use hooks::HookRun;

use crate::audit::Audit;
use crate::authority::Authority;
use crate::follow::Following;
use crate::handle::ShardView;
use crate::meters::NodeMeters;
use crate::node::Fatal;
use crate::profile::KnownPrimary;
use crate::pulse::Pulse;
use crate::services::Peers;
use crate::settings::Settings;
use crate::shard::ShardCore;
use crate::stand_in::LastSeen;
use crate::status::{HookRecord, Receipt};
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use understudy_log::{OsDisk, PromiseFile};
use understudy_protocol::control::{ControlView, Errand};
use understudy_protocol::{Control, Event, Heads, LossBound, Moment, RequestId, Setup, StandbyId};
use understudy_tls::Dialer;
use understudy_types::{BootTime, Clock, Epoch, ShardName};

pub(crate) const LEASE_KEY: &str = "lease.json";
pub(crate) const ACTIVATION_KEY: &str = "activation.json";

/// How often the core is shown fresh facts when nothing else happens.
const TICK: Duration = Duration::from_millis(100);

/// Events on their way to the driver.
const EVENTS_MAX: usize = 1024;

/// What others tell the driver.
#[derive(Debug)]
pub(crate) enum Told {
    Core(Event),
    /// From a hold that may be over by now.
    Held {
        hold: u64,
        event: Event,
    },
    PrimaryEnded {
        epoch: Epoch,
        shard: ShardName,
    },
    HookRan(Box<HookRun>),
}

/// A grip on the driver for the services and the streams.
#[derive(Clone, Debug)]
pub(crate) struct DriverHandle {
    told: mpsc::Sender<Told>,
    hints: watch::Sender<u64>,
    activations: Activations,
}

impl DriverHandle {
    pub(crate) fn new(activations: Activations) -> (Self, mpsc::Receiver<Told>) {
        let (told, receiver) = mpsc::channel(EVENTS_MAX);
        (
            DriverHandle {
                told,
                hints: watch::Sender::new(0),
                activations,
            },
            receiver,
        )
    }

    pub(crate) async fn tell(&self, told: Told) {
        // Fails only when the node has ended.
        let _ = self.told.send(told).await;
    }

    /// The lease or the flag may have changed: look now.
    pub(crate) async fn knock(&self) {
        self.tell(Told::Core(Event::Knock)).await;
    }

    /// Answered as an activation under this id.
    pub(crate) async fn run_errand(&self, id: RequestId, errand: Errand) {
        self.tell(Told::Core(Event::Errand { id, errand })).await;
    }

    pub(crate) async fn vouch_asked(&self, epoch: Epoch, round: u64) {
        let event = Event::VouchAsked { epoch, round };
        self.tell(Told::Core(event)).await;
    }

    pub(crate) async fn peer_promised(&self, epoch: Epoch) {
        self.tell(Told::Core(Event::PeerPromised(epoch))).await;
    }

    pub(crate) async fn primary_ended(&self, epoch: Epoch, shard: ShardName) {
        self.tell(Told::PrimaryEnded { epoch, shard }).await;
    }

    /// Counts the changes of the lease that standbys should look at.
    pub(crate) fn hints(&self) -> watch::Receiver<u64> {
        self.hints.subscribe()
    }

    pub(crate) fn activations(&self) -> Activations {
        self.activations.clone()
    }
}

/// What the status page reads of the driver.
#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    pub(crate) control: Option<ControlView>,
    pub(crate) serving: bool,
    pub(crate) following: Option<Arc<crate::follow::Context>>,
    pub(crate) last_hook: Option<HookRecord>,
}

pub(crate) struct Driver {
    pub(crate) control: Control,
    pub(crate) setup: Setup,
    pub(crate) settings: Arc<Settings>,
    pub(crate) shards: Vec<Arc<ShardCore>>,
    pub(crate) views: Vec<watch::Sender<ShardView>>,
    pub(crate) store: NodeStore,
    pub(crate) configured: Configured,
    pub(crate) disk: Arc<OsDisk>,
    pub(crate) audit: Audit,
    pub(crate) meters: Arc<NodeMeters>,
    pub(crate) known: KnownPrimary,
    pub(crate) dialer: Dialer,
    pub(crate) promise: Arc<Mutex<PromiseFile<OsDisk>>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) authority: Arc<Authority>,
    pub(crate) peers: Arc<Peers>,
    pub(crate) handle: DriverHandle,
    pub(crate) snapshot: Arc<Mutex<Snapshot>>,
    pub(crate) fatal: Fatal,
    pub(crate) pulse: Arc<Pulse>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) state: DriverState,
}

/// What changes while the driver runs.
#[derive(Default)]
pub(crate) struct DriverState {
    following: Option<Following>,
    /// One task for each shard, while acknowledgements rest in the store.
    filling: JoinSet<()>,
    /// The drain of the slots that a promotion asked for.
    drain: JoinSet<()>,
    /// Events that follow from actions, before anything from outside.
    local: VecDeque<Event>,
    /// When each standby was last heard, as the core was told.
    told_peers: BTreeMap<StandbyId, BootTime>,
    ended: BTreeMap<Epoch, BTreeSet<ShardName>>,
    hold: u64,
    granted: bool,
    flag_checked: Option<BootTime>,
    last_seen: LastSeen,
    taken: Option<(RequestId, Epoch, bool, Heads, LossBound)>,
    /// The hook before the promotion that is under way, or was the last.
    hook_before: Option<HookRecord>,
    /// Of the last epoch that was taken by request here.
    receipt: Option<Receipt>,
    exiting: bool,
    shutdown_told: bool,
}

impl Driver {
    /// Runs until the core says that the process may end.
    pub(crate) async fn run(mut self, mut told: mpsc::Receiver<Told>) {
        let peers = Arc::clone(&self.peers);
        while !self.state.exiting {
            self.pulse.beat();
            let wait = self.control.deadline().since(self.clock.now()).min(TICK);
            let event = tokio::select! {
                biased;
                told = told.recv() => told.and_then(|told| self.sift(told)),
                () = self.shutdown.cancelled(), if !self.state.shutdown_told => {
                    self.state.shutdown_told = true;
                    Some(Event::Shutdown)
                }
                () = peers.moved.notified() => None,
                () = tokio::time::sleep(wait) => None,
            };
            self.collect().await;
            self.step(event.unwrap_or(Event::Tick)).await;
            while let Some(event) = self.state.local.pop_front() {
                self.step(event).await;
            }
            self.publish();
        }
        if let Some(following) = self.state.following.take() {
            following.end().await;
        }
    }

    fn sift(&mut self, told: Told) -> Option<Event> {
        match told {
            Told::Core(event) => Some(event),
            Told::Held { hold, event } => (hold == self.state.hold).then_some(event),
            Told::HookRan(run) => self.hook_ran(*run),
            Told::PrimaryEnded { epoch, shard } => {
                let shards = self.state.ended.entry(epoch).or_default();
                shards.insert(shard);
                (shards.len() == self.shards.len()).then_some(Event::PrimaryEnded(epoch))
            }
        }
    }

    async fn step(&mut self, event: Event) {
        let mut entropy = [0; 16];
        if let Err(error) = getrandom::fill(&mut entropy) {
            self.fatal.raise(format!("no entropy: {error}"));
            return;
        }
        let moment = Moment {
            now: self.clock.now(),
            wall_millis: self.clock.wall_millis(),
            entropy,
        };
        let mut actions = Vec::new();
        self.control.step(&moment, event, &mut actions);
        for action in actions {
            self.act(action).await;
        }
    }
}
