//! A process: the pure core in the middle, a data plane around it.

use super::following::Following;
use super::serving::Serving;
use super::shard::{self, Shard};
use super::slots::Slots;
use super::{Halt, Task};
use crate::env::Env;
use crate::invariants::Life;
use crate::mutation::Mutation;
use crate::network::{Message, Side};
use crate::scenario::Scenario;
use crate::store::ObjectName;
use crate::time::{NodeClock, SimTime};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use understudy_log::{DataRoot, LogReader, PromiseFile, RootError, SimDisk};
use understudy_protocol::shard::Requirement;
use understudy_protocol::{
    Control, ETag, Event, FailoverPolicy, Heads, LeaseState, Member, Moment, RoleName, Setup,
};
use understudy_types::{BootTime, DataId, Epoch, Nonce};

/// How often a process looks after its connections.
pub(super) const BEAT: Duration = Duration::from_millis(400);

/// The right to answer clients.
#[derive(Clone, Copy, Debug)]
pub(super) struct Authority {
    pub epoch: Epoch,
    pub deadline: BootTime,
}

/// What the data plane does now.
#[derive(Debug)]
pub(super) enum Plane {
    Idle,
    Serving(Box<Serving>),
    Following(Following),
}

/// The last write of the lease that a promotion looked at the facts for.
#[derive(Clone, Debug)]
pub(super) struct Look {
    pub(super) base: ETag,
    pub(super) epoch: Epoch,
    pub(super) state: LeaseState,
    pub(super) at: BootTime,
    /// When the epoch was taken, as a claim or at once.
    pub(super) taken_at: BootTime,
}

#[derive(Debug)]
pub(crate) struct Process {
    pub index: usize,
    pub life: u32,
    pub clock: NodeClock,
    pub slowness: u32,
    pub(super) member: Member,
    pub(super) control: Control,
    pub(super) disk: Arc<SimDisk>,
    pub(super) promise: PromiseFile<SimDisk>,
    /// As the data plane knows it; durable.
    pub(super) promised: Epoch,
    pub shards: Vec<Shard>,
    pub(super) authority: Option<Authority>,
    pub(super) plane: Plane,
    pub(super) requirement: Requirement,
    pub(super) slots: Slots,
    /// The streams were told to end, and that was not reported yet.
    pub(super) stop_wanted: bool,
    pub(super) next_tick: Option<SimTime>,
    pub(super) look: Option<Look>,
    /// When the last write of the lease was sent.
    pub(super) lease_sent_at: BootTime,
    /// Readers of the log, by connection.
    pub(super) readers: BTreeMap<u64, LogReader<SimDisk>>,
    /// The mutation: the next read of the lease is answered from memory.
    pub(super) remembers: bool,
    /// A standby could not be followed: the histories share nothing.
    pub nothing_shared: bool,
}

fn failover_policy(env: &Env) -> FailoverPolicy {
    let hold_off = Duration::ZERO;
    match env.scenario.failover {
        FailoverPolicy::Automatic { .. } if env.is_broken(Mutation::NoHoldOff) => {
            FailoverPolicy::Automatic { hold_off }
        }
        policy => policy,
    }
}

pub(super) fn root_halt(error: &RootError) -> Halt {
    match error {
        RootError::Disk(_) => Halt::Disk(error.to_string()),
        _ => Halt::Broken(error.to_string()),
    }
}

impl Process {
    pub(crate) fn boot(
        env: &mut Env,
        index: usize,
        life: u32,
        data_id: DataId,
        disk: Arc<SimDisk>,
        clock: NodeClock,
    ) -> Result<Process, Halt> {
        let name = Scenario::node_name(index);
        DataRoot::open_on(disk.clone(), env.scenario.cluster, &name).map_err(|e| root_halt(&e))?;
        let promise = PromiseFile::load(disk.clone()).map_err(|e| root_halt(&e))?;
        let promised = promise.promised().unwrap_or_default();
        let shards = (0..env.scenario.shards)
            .map(|shard| Shard::open(env, (index, life), shard, disk.clone()))
            .collect::<Result<Vec<_>, _>>()?;
        let member = Member {
            node: name.clone(),
            data_id,
            incarnation: Nonce::from_bytes(env.chance.bytes()),
            replication: name.to_string(),
            console: String::new(),
            clients: BTreeMap::new(),
        };
        let setup = Setup {
            cluster: env.scenario.cluster,
            me: member.clone(),
            shards: (0..shards.len()).map(Scenario::shard_name).collect(),
            ack_policy: env.scenario.ack_policy,
            failover: failover_policy(env),
            failsafe: env.scenario.failsafe,
            timing: env.scenario.timing.clone(),
            hooks: env.scenario.hooks.clone(),
        };
        let heads = heads_of(&shards);
        let now = clock.boot_time(env.now);
        let control = Control::new(setup, promised, heads, now);
        Ok(Process {
            index,
            life,
            clock,
            slowness: 1,
            member,
            control,
            disk,
            promise,
            promised,
            shards,
            authority: None,
            plane: Plane::Idle,
            requirement: Requirement::Local,
            slots: Slots::default(),
            stop_wanted: false,
            next_tick: None,
            look: None,
            lease_sent_at: now,
            readers: BTreeMap::new(),
            remembers: false,
            nothing_shared: false,
        })
    }

    pub(crate) fn begin(&mut self, env: &mut Env) -> Result<(), Halt> {
        for shard in 0..self.shards.len() {
            self.apply_soon(env, shard);
        }
        self.task(env, BEAT, Task::Beat);
        self.step(env, Event::Tick)
    }

    pub(crate) fn is_following(&self) -> bool {
        matches!(self.plane, Plane::Following(_))
    }

    pub(crate) fn id(&self) -> Life {
        (self.index, self.life)
    }

    pub(super) fn now(&self, env: &Env) -> BootTime {
        self.clock.boot_time(env.now)
    }

    pub(super) fn moment(&self, env: &mut Env) -> Moment {
        Moment {
            now: self.now(env),
            wall_millis: self.clock.wall_millis(env.now),
            entropy: env.chance.bytes(),
        }
    }

    pub(super) fn heads(&self) -> Heads {
        heads_of(&self.shards)
    }

    pub(crate) fn role(&self, now: BootTime) -> RoleName {
        self.control.role_name(now)
    }

    pub(crate) fn control(&self) -> &Control {
        &self.control
    }

    pub(super) fn task(&self, env: &mut Env, delay: Duration, task: Task) {
        env.task(delay, self.index, self.life, task);
    }

    /// Says something to the role's owner, soon.
    pub(super) fn tell(&self, env: &mut Env, event: Event) {
        let delay = env
            .chance
            .between(Duration::from_micros(10), Duration::from_millis(2));
        self.task(env, delay, Task::Tell(Box::new(event)));
    }

    pub(super) fn serving(&mut self) -> Option<&mut Serving> {
        match &mut self.plane {
            Plane::Serving(serving) => Some(serving),
            _ => None,
        }
    }

    pub(super) fn following(&mut self) -> Option<&mut Following> {
        match &mut self.plane {
            Plane::Following(following) => Some(following),
            _ => None,
        }
    }

    /// The epoch that is served here and open, for those who look from outside.
    pub(crate) fn open_epoch(&self) -> Option<Epoch> {
        match &self.plane {
            Plane::Serving(serving) if serving.is_open => Some(serving.epoch),
            _ => None,
        }
    }

    pub(crate) fn run(&mut self, env: &mut Env, task: Task) -> Result<(), Halt> {
        match task {
            Task::Tick(at) if self.next_tick == Some(at) => {
                self.next_tick = None;
                self.step(env, Event::Tick)
            }
            Task::Tick(_) => Ok(()),
            Task::Beat => self.beat(env),
            Task::Tell(event) => self.step(env, *event),
            Task::Fetched(ObjectName::Lease, fetched) => {
                self.step(env, Event::LeaseFetched(fetched))
            }
            Task::Fetched(ObjectName::Activation, fetched) => self.activation_fetched(env, fetched),
            Task::LeaseWritten(answer) => self.lease_written(env, answer),
            Task::SlotFetched(place, fetched) => self.slot_fetched(env, place, fetched),
            Task::SlotPut(place, answer) => self.slot_put(env, place, answer),
            Task::SlotAgain(place) => self.slot_again(env, place),
            Task::SlotRemoved => Ok(()),
            Task::PromiseEnds(epoch) => self.promise_ends(env, epoch),
            Task::Gather(shard) => self.gather(env, shard),
            Task::FlushEnds(shard) => self.flush_ends(env, shard),
            Task::Apply(shard) => self.apply(env, shard),
            Task::Pump(shard) => {
                self.shards[shard].is_pumping = false;
                self.pump(env, shard)
            }
            Task::Deliver {
                connection,
                to: Side::Standby,
                message,
            } => self.take_from_primary(env, connection, message),
            Task::Deliver {
                connection,
                to: Side::Primary,
                message,
            } => self.take_from_standby(env, connection, message),
            Task::Write { to, shard, command } => self.write(env, to, shard, command),
            Task::Acknowledge(answer) => self.acknowledge(env, answer),
            Task::Read { to, shard, key } => {
                self.read(env, to, shard, key);
                Ok(())
            }
            Task::ReadEnds { to, epoch, lsn } => {
                self.read_ends(env, to, epoch, lsn);
                Ok(())
            }
        }
    }

    fn beat(&mut self, env: &mut Env) -> Result<(), Halt> {
        self.task(env, BEAT, Task::Beat);
        self.heartbeats(env)?;
        self.look_after_streams(env)
    }
}

pub(super) fn heads_of(shards: &[shard::Shard]) -> Heads {
    shards
        .iter()
        .map(|shard| (Scenario::shard_name(shard.index), shard.log.flushed()))
        .collect()
}

/// Connections carry one message type in both directions; what comes from
/// the wrong side is a fault of the simulator.
pub(super) fn unexpected(message: &Message) -> Halt {
    Halt::Broken(format!("a message from the wrong side: {message:?}"))
}
