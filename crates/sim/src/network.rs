//! Connections between nodes: ordered within one, delayed, stalled by a
//! partition, broken by a crash. A message is never lost inside a connection
//! that both sides believe in, as TCP has it.

use crate::env::Env;
use crate::node::Task;
use crate::queue::Happening;
use crate::time::SimTime;
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use understudy_protocol::StandbyId;
use understudy_protocol::shard::History;
use understudy_types::{BootTime, Epoch, Lsn, Nonce, Position, StateAt};

pub(crate) type ConnectionId = u64;

/// The replication protocol, as proto/understudy/v1/replication.proto has it.
#[derive(Clone, Debug)]
pub(crate) enum Message {
    Hello(Box<Hello>),
    Welcome {
        epoch: Epoch,
        common: Option<Position>,
    },
    Batch(Bytes),
    Heartbeat(Heartbeat),
    End {
        epoch: Epoch,
    },
    Progress(Progress),
    /// The other side ended the connection.
    Closed,
    /// The histories share nothing: an operator must decide.
    NothingShared,
}

#[derive(Clone, Debug)]
pub(crate) struct Hello {
    pub shard: usize,
    pub standby: StandbyId,
    /// Whom the lease named.
    pub primary: Nonce,
    pub epoch: Epoch,
    pub promised: Epoch,
    pub history: History,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Heartbeat {
    pub flushed: Option<Lsn>,
    pub committed: Option<Lsn>,
    /// The tick of the last Progress that had arrived.
    pub echo: Option<BootTime>,
    pub read_lease: bool,
    /// The round in which the primary asks for a word; 0 when it does not.
    pub asks: u64,
    /// The state that the primary has applied.
    pub state: Option<StateAt>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    pub flushed: Option<Position>,
    pub tick: BootTime,
    /// The last round that was answered.
    pub vouched: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Standby,
    Primary,
}

impl Side {
    fn other(self) -> Side {
        match self {
            Side::Standby => Side::Primary,
            Side::Primary => Side::Standby,
        }
    }
}

/// One end: whose it is, and what is on its way to it.
#[derive(Debug)]
struct End {
    node: usize,
    life: u32,
    open: bool,
    /// Messages arrive in order.
    last_arrival: SimTime,
    /// Held up by a partition.
    stalled: VecDeque<Message>,
}

impl End {
    fn new(node: usize, life: u32) -> End {
        End {
            node,
            life,
            open: true,
            last_arrival: SimTime::ZERO,
            stalled: VecDeque::new(),
        }
    }
}

#[derive(Debug)]
struct Connection {
    standby: End,
    primary: End,
}

impl Connection {
    fn end(&mut self, side: Side) -> &mut End {
        match side {
            Side::Standby => &mut self.standby,
            Side::Primary => &mut self.primary,
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Network {
    connections: BTreeMap<ConnectionId, Connection>,
    next: ConnectionId,
    /// Which process listens on each node; `None` while there is none.
    lives: BTreeMap<usize, u32>,
    /// How many partitions block the way from one node to another.
    blocked: BTreeMap<(usize, usize), u32>,
    /// The next batch on its way has a bit flipped.
    pub flip_next_batch: bool,
}

impl Network {
    pub(crate) fn is_blocked(&self, from: usize, to: usize) -> bool {
        self.blocked
            .get(&(from, to))
            .is_some_and(|count| *count > 0)
    }

    pub(crate) fn listens(&mut self, node: usize, life: Option<u32>) {
        match life {
            Some(life) => self.lives.insert(node, life),
            None => self.lives.remove(&node),
        };
    }

    pub(crate) fn is_open(&mut self, id: ConnectionId, side: Side) -> bool {
        self.connections
            .get_mut(&id)
            .is_some_and(|c| c.end(side).open)
    }

    pub(crate) fn open_connections(&self) -> Vec<ConnectionId> {
        self.connections.keys().copied().collect()
    }
}

/// Opens a connection and says hello.
pub(crate) fn connect(
    env: &mut Env,
    standby: (usize, u32),
    primary: usize,
    hello: Hello,
) -> ConnectionId {
    env.network.next += 1;
    let id = env.network.next;
    let listener = env.network.lives.get(&primary).copied();
    let connection = Connection {
        standby: End::new(standby.0, standby.1),
        primary: End::new(primary, listener.unwrap_or_default()),
    };
    env.network.connections.insert(id, connection);
    if listener.is_none() {
        // Nobody listens: the machine says so, if the way is free.
        close(env, id, Side::Primary);
        return id;
    }
    send(env, id, Side::Standby, Message::Hello(Box::new(hello)));
    id
}

/// Sends from one side to the other, in order.
pub(crate) fn send(env: &mut Env, id: ConnectionId, from: Side, message: Message) {
    let Some(connection) = env.network.connections.get_mut(&id) else {
        return;
    };
    let sender = connection.end(from).node;
    let receiver = connection.end(from.other());
    if !receiver.open {
        return;
    }
    let blocked = env
        .network
        .blocked
        .get(&(sender, receiver.node))
        .is_some_and(|n| *n > 0);
    if blocked || !receiver.stalled.is_empty() {
        receiver.stalled.push_back(message);
        return;
    }
    deliver(env, id, from.other(), message);
}

fn deliver(env: &mut Env, id: ConnectionId, to: Side, message: Message) {
    let delay = env
        .chance
        .between(Duration::from_micros(200), env.scenario.link_delay);
    let flip =
        matches!(message, Message::Batch(_)) && std::mem::take(&mut env.network.flip_next_batch);
    let message = if flip { flipped(env, message) } else { message };
    let now = env.now;
    let Some(connection) = env.network.connections.get_mut(&id) else {
        return;
    };
    let end = connection.end(to);
    end.last_arrival = (now + delay).max(end.last_arrival + Duration::from_nanos(1));
    let (at, node, life) = (end.last_arrival, end.node, end.life);
    let task = Task::Deliver {
        connection: id,
        to,
        message,
    };
    env.queue.push(at, Happening::Task { node, life, task });
}

fn flipped(env: &mut Env, message: Message) -> Message {
    let Message::Batch(bytes) = message else {
        return message;
    };
    env.stats.fault("network: bit flipped");
    let mut bytes = bytes.to_vec();
    let bit = env.chance.index(bytes.len() * 8);
    bytes[bit / 8] ^= 1 << (bit % 8);
    Message::Batch(Bytes::from(bytes))
}

/// Ends one side; the other learns of it behind what was sent before.
pub(crate) fn close(env: &mut Env, id: ConnectionId, side: Side) {
    let Some(connection) = env.network.connections.get_mut(&id) else {
        return;
    };
    if !std::mem::replace(&mut connection.end(side).open, false) {
        return;
    }
    connection.end(side).stalled.clear();
    if connection.end(side.other()).open {
        send(env, id, side, Message::Closed);
    } else {
        env.network.connections.remove(&id);
    }
}

/// Ends every connection of a process that is gone: its system says so to the
/// others, unless the machine is gone with it.
pub(crate) fn abandon(env: &mut Env, node: usize, machine_is_gone: bool) {
    for id in env.network.open_connections() {
        for side in [Side::Standby, Side::Primary] {
            let Some(connection) = env.network.connections.get_mut(&id) else {
                continue;
            };
            if connection.end(side).node != node || !connection.end(side).open {
                continue;
            }
            if machine_is_gone {
                connection.end(side).open = false;
                connection.end(side).stalled.clear();
            } else {
                close(env, id, side);
            }
        }
    }
}

/// Blocks one direction for a while.
pub(crate) fn block(env: &mut Env, from: usize, to: usize, duration: Duration) {
    *env.network.blocked.entry((from, to)).or_default() += 1;
    env.after(duration, Happening::LinkHeals { from, to });
}

/// A partition ends: what was held up goes on.
pub(crate) fn unblock(env: &mut Env, from: usize, to: usize) {
    let count = env.network.blocked.entry((from, to)).or_default();
    *count = count.saturating_sub(1);
    if *count > 0 {
        return;
    }
    for id in env.network.open_connections() {
        for to_side in [Side::Standby, Side::Primary] {
            let Some(connection) = env.network.connections.get_mut(&id) else {
                continue;
            };
            let passes =
                connection.end(to_side).node == to && connection.end(to_side.other()).node == from;
            if !passes {
                continue;
            }
            let stalled = std::mem::take(&mut connection.end(to_side).stalled);
            for message in stalled {
                deliver(env, id, to_side, message);
            }
        }
    }
}
