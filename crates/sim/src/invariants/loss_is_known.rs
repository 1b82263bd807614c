//! **LossIsKnown**: what a promotion may lose is stated before it, by a bound
//! that is never too small and that the operator has accepted; and what was
//! cut is in quarantine.

use super::{Life, Verdict};
use crate::machine::CommandId;
use crate::oracle::{Oracle, Outcome};
use crate::time::NodeClock;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use understudy_protocol::{AcceptLoss, ActivationRequest, EpochRecord, LossBound, Mode, RequestId};
use understudy_types::{BootTime, Epoch};

/// What a promotion said, and when it looked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Statement {
    pub request: Option<RequestId>,
    pub bound: LossBound,
    pub lossy: bool,
    /// On the promoted node's clock.
    pub looked_at: BootTime,
    /// When the epoch was taken; the old holder may acknowledge for a while
    /// longer, and what the operator accepted counts from here.
    pub taken_at: BootTime,
}

#[derive(Debug, Default)]
pub(super) struct LossIsKnown {
    statements: BTreeMap<Epoch, Statement>,
    /// Since when, at the earliest, writes may be lost by the operator's word.
    accepted: BTreeMap<Epoch, BootTime>,
    opened: BTreeSet<Epoch>,
}

impl LossIsKnown {
    pub(super) fn stated(
        &mut self,
        epoch: Epoch,
        statement: Statement,
        request: Option<&ActivationRequest>,
    ) -> Verdict {
        self.statements.insert(epoch, statement);
        let Some(request) = request else {
            return Ok(());
        };
        if request.mode == Mode::Switchover && statement.lossy {
            return Err(format!(
                "switchover {} took epoch {epoch} with a loss",
                request.id
            ));
        }
        let own_loss = statement.lossy && !statement.bound.is_nothing();
        if own_loss && request.accept_loss == AcceptLoss::Nothing {
            return Err(format!(
                "epoch {epoch} may lose {}, but the operator accepted nothing",
                statement.bound
            ));
        }
        if statement.lossy
            && let AcceptLoss::Seconds(seconds) = request.accept_loss
        {
            let accepted = statement.taken_at - Duration::from_secs(seconds);
            self.accepted.insert(epoch, accepted);
        }
        Ok(())
    }

    /// A promotion that says it may lose something begins to serve.
    /// An epoch opens, with a loss or without.
    pub(super) fn opens(&mut self, epoch: Epoch) {
        self.opened.insert(epoch);
    }

    pub(super) fn opened(
        &self,
        epoch: Epoch,
        former: Option<&EpochRecord>,
        oracle: &Oracle,
        missing: &[CommandId],
        clock: &NodeClock,
    ) -> Verdict {
        let Some(statement) = self.statements.get(&epoch).copied() else {
            return Ok(());
        };
        // It may only pass on what was lost by epochs that ended before they
        // began.
        let nothing = statement.bound == LossBound::Nothing;
        if nothing && self.passes_on_a_loss(former) {
            return Ok(());
        }
        let stated = match statement.bound {
            LossBound::Unknown => BootTime::default(),
            LossBound::Nothing => statement.looked_at,
            LossBound::Recent { within, .. } => statement.looked_at - within,
        };
        let accepted = self.accepted.get(&epoch).copied().unwrap_or_default();
        let complete_until = stated.max(accepted);
        for id in missing {
            let Outcome::Acknowledged { at, .. } = oracle.write(*id).outcome else {
                continue;
            };
            let acknowledged = clock.boot_time(at);
            if acknowledged < complete_until {
                return Err(format!(
                    "epoch {epoch} lost command {id}, acknowledged {:?} before the time that the bound ({}) or the operator's word reaches back to",
                    complete_until.since(acknowledged),
                    statement.bound
                ));
            }
        }
        Ok(())
    }
}

impl LossIsKnown {
    /// Whether the epoch before it began with a loss, and never opened.
    fn passes_on_a_loss(&self, former: Option<&EpochRecord>) -> bool {
        former.is_some_and(|former| former.lossy && !self.opened.contains(&former.epoch))
    }
}

pub(super) fn truncated(life: Life, removed: u64, quarantined: u64) -> Verdict {
    if quarantined >= removed {
        return Ok(());
    }
    Err(format!(
        "n{} cut {removed} records, of which {quarantined} are in quarantine",
        life.0
    ))
}
