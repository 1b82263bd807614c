//! The event queue: what happens next, ordered by time, then by when it was
//! asked for.

use crate::client::ClientEvent;
use crate::node::Task;
use crate::store::StoreRequest;
use crate::time::SimTime;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Everything that can happen in a run.
#[derive(Debug)]
pub(crate) enum Happening {
    /// Work of one life of a node's process; dropped when that life is over,
    /// put off while the node is paused.
    Task {
        node: usize,
        life: u32,
        task: Task,
    },
    StoreArrives(Box<StoreRequest>),
    Client {
        client: usize,
        event: ClientEvent,
    },
    /// The next fault of the plan is due.
    FaultDue,
    /// An operator does something.
    OperatorDue,
    Restart {
        node: usize,
    },
    Resume {
        node: usize,
    },
    PowerFails {
        node: usize,
        life: u32,
    },
    LinkHeals {
        from: usize,
        to: usize,
    },
    DiskHeals {
        node: usize,
    },
    LeaseRestored,
    /// A lease that stood in no object store may stand in one again.
    StoreAdopted,
    /// A store that was given up answers again.
    StoreAnswers,
    /// Whether another node has gone on without the one that was alone.
    Overtaken {
        node: usize,
    },
    /// The pair is looked at: has it healed?
    HealthDue,
}

#[derive(Debug)]
struct Scheduled {
    at: SimTime,
    sequence: u64,
    happening: Happening,
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Scheduled {}

impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Scheduled {
    /// The earliest is the greatest, as the heap wants it.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.sequence).cmp(&(self.at, self.sequence))
    }
}

#[derive(Debug, Default)]
pub(crate) struct Queue {
    heap: BinaryHeap<Scheduled>,
    sequence: u64,
}

impl Queue {
    pub(crate) fn push(&mut self, at: SimTime, happening: Happening) {
        self.sequence += 1;
        let sequence = self.sequence;
        self.heap.push(Scheduled {
            at,
            sequence,
            happening,
        });
    }

    pub(crate) fn pop(&mut self) -> Option<(SimTime, Happening)> {
        self.heap.pop().map(|next| (next.at, next.happening))
    }
}
