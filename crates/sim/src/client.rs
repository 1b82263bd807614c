//! Clients: they write, read, give up, and ask another node.

use crate::env::Env;
use crate::machine::{Command, CommandId, KEYS};
use crate::node::Task;
use crate::oracle::{Floor, Outcome};
use crate::queue::Happening;
use crate::time::SimTime;
use std::time::Duration;
use understudy_types::Lsn;

#[derive(Clone, Copy, Debug)]
pub(crate) enum ClientEvent {
    /// Time for the next operation.
    Think,
    Answered {
        operation: u64,
        reply: Reply,
    },
    /// Patience is over.
    GivesUp {
        operation: u64,
    },
}

/// What a node says to a client.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reply {
    Done,
    NotAccepted,
    Unknown,
    Value { lsn: Option<Lsn> },
    NotNow,
}

/// Where an answer goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReturnAddress {
    pub client: usize,
    pub operation: u64,
}

#[derive(Clone, Copy, Debug)]
enum Doing {
    Nothing,
    Writing(CommandId),
    Reading {
        shard: usize,
        key: u64,
        floor: Floor,
    },
}

#[derive(Clone, Debug)]
pub(crate) struct Client {
    index: usize,
    /// Whom it takes for the primary.
    node: usize,
    operation: u64,
    doing: Doing,
    pub patience: Duration,
    pub acknowledged: u64,
}

impl Client {
    pub(crate) fn new(index: usize) -> Client {
        Client {
            index,
            node: 0,
            operation: 0,
            doing: Doing::Nothing,
            patience: Duration::from_millis(2500),
            acknowledged: 0,
        }
    }

    /// `lives` are the processes that run now, by node.
    pub(crate) fn on(&mut self, env: &mut Env, event: ClientEvent, lives: &[Option<u32>]) {
        match event {
            ClientEvent::Think if env.resting => {}
            ClientEvent::Think => self.begin(env, lives),
            ClientEvent::Answered { operation, reply } if operation == self.operation => {
                self.answered(env, reply);
            }
            ClientEvent::GivesUp { operation } if operation == self.operation => {
                self.finish(env, Reply::Unknown);
            }
            _ => {}
        }
    }

    fn begin(&mut self, env: &mut Env, lives: &[Option<u32>]) {
        self.operation += 1;
        let to = ReturnAddress {
            client: self.index,
            operation: self.operation,
        };
        let shard = env.chance.index(env.scenario.shards);
        let key = env.chance.below(KEYS);
        let writes = env.chance.percent(65);
        let task = if writes {
            let id = env.oracle.begin(shard, key);
            self.doing = Doing::Writing(id);
            Task::Write {
                to,
                shard,
                command: Command { id, key },
            }
        } else {
            let floor = env.oracle.floor(shard, key);
            self.doing = Doing::Reading { shard, key, floor };
            Task::Read { to, shard, key }
        };
        let delay = env.chance.millis(0, 15);
        match lives[self.node] {
            Some(life) => env.task(delay, self.node, life, task),
            None => {
                let reply = if writes {
                    Reply::NotAccepted
                } else {
                    Reply::NotNow
                };
                answer(env, to, reply);
            }
        }
        let event = ClientEvent::GivesUp {
            operation: self.operation,
        };
        env.after(
            self.patience,
            Happening::Client {
                client: self.index,
                event,
            },
        );
    }

    fn answered(&mut self, env: &mut Env, reply: Reply) {
        if let (Doing::Reading { shard, key, floor }, Reply::Value { lsn }) = (self.doing, reply) {
            crate::invariants::read_answered(env, shard, key, floor, lsn);
        }
        if matches!(reply, Reply::Done) {
            self.acknowledged += 1;
        }
        self.finish(env, reply);
    }

    fn finish(&mut self, env: &mut Env, reply: Reply) {
        if let Doing::Writing(id) = self.doing {
            let outcome = match reply {
                Reply::NotAccepted => Outcome::NotAccepted,
                _ => Outcome::Unknown,
            };
            env.oracle.end(id, outcome);
            match env.oracle.write(id).outcome {
                Outcome::Acknowledged { .. } => env.stats.acknowledged += 1,
                Outcome::NotAccepted => env.stats.not_accepted += 1,
                _ => env.stats.unknown += 1,
            }
        } else {
            env.stats.reads += 1;
        }
        if !matches!(reply, Reply::Done | Reply::Value { .. }) {
            self.node = env.chance.index(env.scenario.nodes);
        }
        self.doing = Doing::Nothing;
        self.operation += 1;
        let pause = env.chance.millis(30, 500);
        let event = ClientEvent::Think;
        env.after(
            pause,
            Happening::Client {
                client: self.index,
                event,
            },
        );
    }
}

/// Sends an answer to a client.
pub(crate) fn answer(env: &mut Env, to: ReturnAddress, reply: Reply) {
    let delay = env.chance.millis(0, 15);
    let event = ClientEvent::Answered {
        operation: to.operation,
        reply,
    };
    env.after(
        delay,
        Happening::Client {
            client: to.client,
            event,
        },
    );
}

/// When the last client has begun by.
pub(crate) fn start(env: &mut Env, clients: usize) {
    for client in 0..clients {
        let delay = env.chance.millis(0, 500);
        env.after(
            delay,
            Happening::Client {
                client,
                event: ClientEvent::Think,
            },
        );
    }
    debug_assert!(env.now == SimTime::ZERO);
}
