//! What a write of the lease does, and a cut at exactly one of these writes.

use std::collections::BTreeMap;
use understudy_log::sim::Moment;
use understudy_protocol::{Lease, LeaseState};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeaseStep {
    /// A higher epoch, for an operator's request, which is consumed by it.
    RequestConsumed,
    /// A higher epoch without a request.
    EpochTaken,
    /// A claim becomes a hold.
    Held,
    InSyncSet,
    /// The successor is named, or withdrawn.
    HandOver,
    Released,
    Renewed,
}

impl LeaseStep {
    pub const ALL: [LeaseStep; 7] = [
        LeaseStep::RequestConsumed,
        LeaseStep::EpochTaken,
        LeaseStep::Held,
        LeaseStep::InSyncSet,
        LeaseStep::HandOver,
        LeaseStep::Released,
        LeaseStep::Renewed,
    ];

    fn of(before: &Lease, after: &Lease) -> LeaseStep {
        if after.epoch > before.epoch {
            return match after.activation == before.activation {
                true => LeaseStep::EpochTaken,
                false => LeaseStep::RequestConsumed,
            };
        }
        match (before.state, after.state) {
            (LeaseState::Claimed, LeaseState::Held) => LeaseStep::Held,
            (_, LeaseState::Released) => LeaseStep::Released,
            _ if before.handover != after.handover => LeaseStep::HandOver,
            _ if before.in_sync != after.in_sync => LeaseStep::InSyncSet,
            _ => LeaseStep::Renewed,
        }
    }
}

/// Counts the writes of each node, and knows where one is to be cut.
#[derive(Debug, Default)]
pub(crate) struct LeaseSteps {
    counts: BTreeMap<(usize, LeaseStep), u64>,
    cut: Option<(usize, LeaseStep, u64, Moment)>,
}

impl LeaseSteps {
    /// Whether the write is to be cut, and how.
    pub(crate) fn meets(&mut self, node: usize, before: &Lease, after: &Lease) -> Option<Moment> {
        let step = LeaseStep::of(before, after);
        *self.counts.entry((node, step)).or_default() += 1;
        let (_, _, left, moment) = self
            .cut
            .as_mut()
            .filter(|(at, awaited, _, _)| (*at, *awaited) == (node, step))?;
        let moment = *moment;
        match left.checked_sub(1) {
            Some(fewer) => {
                *left = fewer;
                None
            }
            None => {
                self.cut = None;
                Some(moment)
            }
        }
    }

    pub(crate) fn cut_at(&mut self, node: usize, step: LeaseStep, occurrence: u64, moment: Moment) {
        self.cut = Some((node, step, occurrence, moment));
    }

    pub(crate) fn awaits_cut(&self) -> bool {
        self.cut.is_some()
    }

    pub(crate) fn counts(&self, node: usize) -> BTreeMap<LeaseStep, u64> {
        let of_node = self.counts.iter().filter(|((at, _), _)| *at == node);
        of_node.map(|((_, step), count)| (*step, *count)).collect()
    }
}
