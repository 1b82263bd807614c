//! A simulated machine: its disk, its clocks, and the process that runs on
//! it now and then.

mod answers;
mod control;
mod disk_work;
mod epoch;
mod following;
mod handshake;
mod hearing;
mod hooks;
mod lease_work;
mod process;
mod senders;
mod serving;
mod shadow;
mod shard;
mod slots;

pub(crate) use process::Process;
pub(crate) use shadow::Shadow;
pub(crate) use shard::{Applied, Shard};

use crate::client::{Reply, ReturnAddress, answer};
use crate::env::Env;
use crate::invariants::{self, Rot};
use crate::machine::Command;
use crate::matrix::DurableStep;
use crate::mutation::Mutation;
use crate::network::{self, ConnectionId, Message, Side};
use crate::queue::Happening;
use crate::scenario::Scenario;
use crate::store::{ObjectName, SlotPlace};
use crate::time::{NodeClock, SimTime};
use std::sync::Arc;
use std::time::Duration;
use understudy_log::sim::{Moment, decisions};
use understudy_log::{Damage, DataRoot, Disk, Identity, SimDisk};
use understudy_protocol::Event;
use understudy_protocol::control::{ObjectFetched, WriteAnswer};
use understudy_types::{DataId, Epoch};

/// Work of a process.
#[derive(Clone, Debug)]
pub(crate) enum Task {
    /// The role's deadline, as it was when this was planned.
    Tick(SimTime),
    /// Heartbeats, silent connections, reconnects.
    Beat,
    /// Something that the data plane says to the role's owner.
    Tell(Box<Event>),
    Fetched(ObjectName, ObjectFetched),
    LeaseWritten(WriteAnswer),
    SlotFetched(SlotPlace, ObjectFetched),
    SlotPut(SlotPlace, WriteAnswer),
    SlotRemoved,
    /// A slot that could not be read or put is tried again.
    SlotAgain(SlotPlace),
    /// The promise's write to the disk ends.
    PromiseEnds(Epoch),
    /// The shard's log thread looks for work.
    Gather(usize),
    FlushEnds(usize),
    Apply(usize),
    Pump(usize),
    Deliver {
        connection: ConnectionId,
        to: Side,
        message: Message,
    },
    Write {
        to: ReturnAddress,
        shard: usize,
        command: Command,
    },
    Acknowledge(serving::Answer),
    Read {
        to: ReturnAddress,
        shard: usize,
        key: u64,
    },
    ReadEnds {
        to: ReturnAddress,
        epoch: Epoch,
        lsn: Option<understudy_types::Lsn>,
    },
}

/// Why a process cannot go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Halt {
    /// The disk failed: whether power or device, the disk knows.
    Disk(String),
    /// A log is not what it must be.
    Broken(String),
    /// A log says where it is damaged.
    Damaged(Box<Damage>),
    /// The role's owner let the process end.
    Exit,
}

#[derive(Debug)]
pub(crate) struct Node {
    pub index: usize,
    pub disk: Arc<SimDisk>,
    pub data_id: DataId,
    pub clock: NodeClock,
    /// How many processes have run here.
    life: u32,
    pub process: Option<Process>,
    pub paused: bool,
    deferred: Vec<Task>,
    /// The power goes at one of the next changes of the disk.
    power_fails_soon: bool,
    /// How much slower than usual the disk is.
    pub slowness: u32,
    /// A bit that was flipped on the disk, and not found yet.
    rot: Option<Rot>,
}

impl Node {
    pub(crate) fn new(env: &mut Env, index: usize) -> Node {
        let rate = env.chance.below(40_001) as i64 - 20_000;
        let at_boot = env.chance.millis(1000, 900_000);
        let mut node = Node {
            index,
            disk: Arc::default(),
            data_id: DataId::from_bytes([0; 16]),
            clock: NodeClock::new(at_boot, rate),
            life: 0,
            process: None,
            paused: false,
            deferred: Vec::new(),
            power_fails_soon: false,
            slowness: 1,
            rot: None,
        };
        node.found_disk(env);
        node
    }

    /// A new, empty disk, with an identity of its own.
    pub(crate) fn found_disk(&mut self, env: &mut Env) {
        self.disk = Arc::new(SimDisk::new());
        let kept = env.is_broken(Mutation::BlankDiskKeepsIdentity) && self.life > 0;
        if !kept {
            self.data_id = DataId::from_bytes(env.chance.bytes());
        }
        let name = Scenario::node_name(self.index);
        let identity = Identity::new(env.scenario.cluster, name, self.data_id, 0);
        DataRoot::create_on(self.disk.clone(), identity).expect("an empty disk takes an identity");
        self.power_fails_soon = false;
        self.slowness = 1;
        self.rot = None;
    }

    /// Flips a bit in a segment that is not the last one of its log, if there
    /// is one. Only while no process runs.
    pub(crate) fn rots(&mut self, env: &mut Env) {
        let shard = env.chance.index(env.scenario.shards);
        let directory = format!("shards/{}", Scenario::shard_name(shard));
        let mut segments = self.disk.list(&directory).unwrap_or_default();
        segments.retain(|name| name.ends_with(".seg"));
        segments.pop();
        if segments.is_empty() || self.rot.is_some() {
            return;
        }
        let file = format!("{directory}/{}", segments[env.chance.index(segments.len())]);
        let Ok(bytes) = self.disk.read(&file) else {
            return;
        };
        // What is not zero is in a header, a frame or a batch.
        let used = (0..bytes.len()).filter(|at| bytes[*at] != 0);
        let offset = env.chance.pick(&used.collect::<Vec<_>>());
        env.stats.fault("disk: bit flipped");
        self.disk.flip_bit(&file, offset * 8 + env.chance.index(8));
        env.say(|| format!("n{} {file} rots at byte {offset}", self.index));
        let offset = offset as u64;
        self.rot = Some(Rot { file, offset });
    }

    pub(crate) fn is_up(&self) -> bool {
        self.process.is_some()
    }

    pub(crate) fn life(&self) -> Option<u32> {
        self.process.as_ref().map(|_| self.life)
    }

    /// Starts a process, unless one runs.
    pub(crate) fn start(&mut self, env: &mut Env) {
        if self.process.is_some() {
            return;
        }
        self.life += 1;
        self.deferred.clear();
        env.network.listens(self.index, Some(self.life));
        env.say(|| format!("n{} starts, life {}", self.index, self.life));
        let booted = Process::boot(
            env,
            self.index,
            self.life,
            self.data_id,
            self.disk.clone(),
            self.clock,
        );
        if let (Ok(_), Some(rot)) = (&booted, &self.rot) {
            invariants::damage_missed(env, (self.index, self.life), rot);
        }
        let begun = booted.and_then(|mut process| {
            let done = process.begin(env);
            self.process = Some(process);
            done
        });
        self.settle(env, begun);
    }

    /// Does a piece of work, or puts it off while the machine stands still.
    pub(crate) fn run(&mut self, env: &mut Env, life: u32, task: Task) {
        if life != self.life {
            return;
        }
        if self.paused {
            self.deferred.push(task);
            return;
        }
        let Some(process) = &mut self.process else {
            refuse(env, &task);
            return;
        };
        process.clock = self.clock;
        process.slowness = self.slowness;
        let done = process.run(env, task);
        self.settle(env, done);
    }

    fn settle(&mut self, env: &mut Env, done: Result<(), Halt>) {
        let Err(halt) = done else { return };
        env.say(|| format!("n{} halts: {halt:?}", self.index));
        match halt {
            // Whatever a process thinks it sees while its power goes.
            Halt::Disk(_) | Halt::Broken(_) | Halt::Damaged(_) if self.power_fails_soon => {
                self.power_fails(env);
            }
            Halt::Disk(_) => {
                env.stats.fault("process: ended by its disk");
                self.killed(env);
            }
            Halt::Damaged(damage) if self.rot.is_some() => self.refuses(env, &damage),
            Halt::Damaged(damage) => {
                let verdict = Err(format!("n{}: {damage}", self.index));
                env.demand(invariants::Invariant::NothingFalls, verdict);
                self.killed(env);
            }
            Halt::Broken(what) => {
                let verdict = Err(format!("n{}: {what}", self.index));
                env.demand(invariants::Invariant::NothingFalls, verdict);
                self.killed(env);
            }
            Halt::Exit => {
                env.stats.fault("process: ended in order");
                self.killed(env);
            }
        }
        let delay = env.chance.millis(200, 4000);
        env.after(delay, Happening::Restart { node: self.index });
    }

    /// The log is damaged where a bit was flipped: the operator moves it away.
    fn refuses(&mut self, env: &mut Env, damage: &Damage) {
        if let Some(rot) = self.rot.take() {
            invariants::damage_refused(env, (self.index, self.life), &rot, damage);
        }
        self.killed(env);
        self.found_disk(env);
    }

    /// The process is gone; what it wrote is still in the system's hands.
    pub(crate) fn killed(&mut self, env: &mut Env) {
        self.end(env);
        network::abandon(env, self.index, false);
    }

    /// The machine is gone with all that was not flushed.
    pub(crate) fn power_fails(&mut self, env: &mut Env) {
        env.say(|| format!("n{} loses power", self.index));
        env.stats.fault("machine: power cut");
        self.end(env);
        network::abandon(env, self.index, true);
        let seed = env.chance.next();
        self.disk.crash(&mut decisions(seed));
        self.power_fails_soon = false;
        let at_boot = env.chance.millis(1000, 900_000);
        self.clock.reboot(env.now, at_boot);
    }

    fn end(&mut self, env: &mut Env) {
        if self.process.take().is_some() {
            env.stats.crashes += 1;
        }
        env.network.listens(self.index, None);
        self.paused = false;
        self.deferred.clear();
    }

    /// The power goes at one of the next changes of the disk, or soon after.
    pub(crate) fn power_fails_within(&mut self, env: &mut Env, changes: u64) {
        self.power_fails_soon = true;
        self.disk.cut_power_after(changes);
        let (node, life) = (self.index, self.life);
        env.after(
            Duration::from_millis(1500),
            Happening::PowerFails { node, life },
        );
    }

    /// The power goes at exactly this step. A write of the lease that is torn
    /// costs the node its answer, not its power.
    pub(crate) fn loses_power_at(
        &mut self,
        env: &mut Env,
        step: DurableStep,
        occurrence: u64,
        moment: Moment,
    ) {
        match step {
            DurableStep::Disk(step) => {
                self.power_fails_soon = true;
                self.disk.cut_power_at(step, occurrence, moment);
            }
            DurableStep::Lease(step) => {
                self.power_fails_soon = moment != Moment::Torn;
                env.lease_steps.cut_at(self.index, step, occurrence, moment);
            }
        }
    }

    pub(crate) fn is_losing_power(&self, life: u32) -> bool {
        self.power_fails_soon && self.life == life
    }

    pub(crate) fn pause(&mut self) {
        self.paused = self.process.is_some();
    }

    /// All that came meanwhile is done now, in its order.
    pub(crate) fn resume(&mut self, env: &mut Env) {
        if !std::mem::take(&mut self.paused) {
            return;
        }
        env.say(|| format!("n{} goes on", self.index));
        for task in std::mem::take(&mut self.deferred) {
            env.task(Duration::ZERO, self.index, self.life, task);
        }
    }
}

/// A client knocks where no process runs.
fn refuse(env: &mut Env, task: &Task) {
    match task {
        Task::Write { to, .. } => answer(env, *to, Reply::NotAccepted),
        Task::Read { to, .. } => answer(env, *to, Reply::NotNow),
        _ => {}
    }
}
