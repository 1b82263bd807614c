//! What remains of an activation: a file for each epoch that one led to.

use super::Driver;
use crate::meters::PromotionEnd;
use crate::receipts::{self, DIRECTORY};
use crate::status::{HookRecord, Receipt};
use serde_json::json;
use understudy_log::{Disk, DiskError, replace_durably};
use understudy_protocol::RequestId;
use understudy_protocol::control::{HookPhase, Step};
use understudy_types::Epoch;

impl Driver {
    pub(super) fn note_step(&mut self, id: RequestId, step: &Step) {
        let now = self.clock.now();
        let activations = self.handle.activations();
        tracing::info!(activation = %id, "{step}");
        if let Step::Taken {
            epoch,
            lossy,
            heads,
            bound,
        } = step
        {
            self.state.taken = Some((id, *epoch, *lossy, heads.clone(), *bound));
        }
        let (steps, rto_micros) = activations.note(id, step, now);
        self.audit_refusal(id, step);
        self.count_refusal(id, step);
        if let Step::Serving(serving) = step
            && let Some((taken_id, epoch, lossy, forks, loss_bound)) = self.state.taken.take()
            && taken_id == id
            && epoch == *serving
        {
            let view = self.control.view(now);
            let consumed = view.lease.and_then(|seen| seen.lease.activation);
            let mode = consumed.as_ref().map(|consumed| consumed.mode);
            let receipt = Receipt {
                format: 1,
                cluster: self.setup.cluster,
                request: id.to_string(),
                mode: consumed
                    .as_ref()
                    .map(|c| format!("{:?}", c.mode).to_lowercase())
                    .unwrap_or_default(),
                by: consumed.as_ref().map(|c| c.by.clone()).unwrap_or_default(),
                reason: consumed
                    .as_ref()
                    .map(|c| c.reason.clone())
                    .unwrap_or_default(),
                fenced_by: consumed.as_ref().and_then(|c| c.fenced_by.clone()),
                overrides: consumed.map(|c| c.overrides).unwrap_or_default(),
                node: self.setup.me.node.clone(),
                epoch,
                lossy,
                loss_bound,
                forks,
                rto_micros,
                steps,
                hooks: self.hook_of(&id.to_string()).into_iter().collect(),
                wall_millis: self.clock.wall_millis(),
            };
            self.keep_receipt(&receipt);
            self.audit_promotion(&receipt);
            if let Some(mode) = mode {
                self.meters.promotions(mode).add(PromotionEnd::Served);
            }
            self.meters.note_promotion(receipt.wall_millis);
            self.state.receipt = Some(receipt.clone());
            activations.receipt(id, receipt);
        }
        activations.announce();
    }

    fn audit_promotion(&self, receipt: &Receipt) {
        let facts = json!({
            "request": receipt.request, "mode": receipt.mode, "reason": receipt.reason,
            "epoch": receipt.epoch, "lossy": receipt.lossy, "loss_bound": receipt.loss_bound,
            "fenced_by": receipt.fenced_by, "overrides": receipt.overrides,
        });
        self.audit.note("promoted", receipt.by.clone(), facts);
    }

    /// What was asked for and did not happen.
    fn audit_refusal(&self, id: RequestId, step: &Step) {
        let act = match step {
            Step::Refused { .. } => "request_refused",
            Step::Aborted { .. } => "request_aborted",
            _ => return,
        };
        let asked = self.control.view(self.clock.now()).last_request;
        let Some(asked) = asked.filter(|request| request.id == id) else {
            return;
        };
        let facts = json!({
            "request": id, "mode": asked.mode, "target": asked.target, "reason": asked.reason,
            "expect_epoch": asked.expect_epoch, "overrides": asked.overrides,
            "why": step.to_string(),
        });
        self.audit.note(act, asked.by, facts);
    }

    fn count_refusal(&self, id: RequestId, step: &Step) {
        let end = match step {
            Step::Refused { .. } => PromotionEnd::Refused,
            Step::Aborted { .. } => PromotionEnd::Aborted,
            _ => return,
        };
        let asked = self.control.view(self.clock.now()).last_request;
        if let Some(asked) = asked.filter(|request| request.id == id) {
            self.meters.promotions(asked.mode).add(end);
        }
    }

    /// The hook before the promotion, if it ran for this request.
    fn hook_of(&self, request: &str) -> Option<HookRecord> {
        let record = self.state.hook_before.as_ref()?;
        (record.request.as_deref() == Some(request)).then(|| record.clone())
    }

    /// Keeps what a hook did for the receipt, or adds it to the one there is.
    pub(super) fn note_hook(&mut self, record: &HookRecord) {
        if record.phase == HookPhase::BeforePromotion {
            self.state.hook_before = Some(record.clone());
            return;
        }
        let Some(mut receipt) = self.state.receipt.take() else {
            return;
        };
        if receipt.epoch == record.epoch {
            receipt.hooks.push(record.clone());
            self.keep_receipt(&receipt);
            if let Ok(id) = receipt.request.parse() {
                self.handle.activations().receipt(id, receipt.clone());
            }
        }
        self.state.receipt = Some(receipt);
    }

    fn keep_receipt(&self, receipt: &Receipt) {
        let (disk, receipt) = (self.disk.clone(), receipt.clone());
        tokio::task::spawn_blocking(move || {
            if let Err(error) = store(&*disk, receipt.epoch, &receipt) {
                tracing::warn!(%error, "the receipt could not be kept");
            }
        });
    }
}

/// Writes a receipt. Durable on return.
fn store(disk: &impl Disk, epoch: Epoch, receipt: &Receipt) -> Result<(), DiskError> {
    let body = serde_json::to_vec_pretty(receipt).expect("a receipt is always representable");
    disk.create_dir(DIRECTORY)?;
    replace_durably(disk, &format!("{DIRECTORY}/epoch-{epoch}.json"), &body)?;
    disk.sync_dir("")
}

/// When the newest receipt was made, in milliseconds of the Unix epoch. One
/// that cannot be read is shown by `understudy history`.
pub(crate) fn newest_promotion(disk: &impl Disk) -> Option<u64> {
    let kept = receipts::read(disk).ok()?;
    kept.into_iter().map(|receipt| receipt.wall_millis).max()
}

#[cfg(test)]
mod tests {
    use super::{Receipt, newest_promotion, store};
    use std::collections::BTreeMap;
    use understudy_log::sim::{Moment, Step, decisions};
    use understudy_log::{Disk, SimDisk};
    use understudy_protocol::LossBound;
    use understudy_types::{ClusterId, Epoch};

    fn receipt() -> Receipt {
        Receipt {
            format: 1,
            cluster: ClusterId::from_bytes([1; 16]),
            request: "a request".to_owned(),
            mode: "failover".to_owned(),
            by: "somebody".to_owned(),
            reason: "x".repeat(2000),
            fenced_by: None,
            overrides: Vec::new(),
            hooks: Vec::new(),
            node: "alpha".parse().expect("a name"),
            epoch: Epoch::new(2),
            lossy: false,
            loss_bound: LossBound::Nothing,
            forks: BTreeMap::new(),
            rto_micros: 1,
            steps: Vec::new(),
            wall_millis: 1,
        }
    }

    fn kept(disk: &SimDisk) -> Option<Receipt> {
        let bytes = disk.read("receipts/epoch-2.json").ok()?;
        Some(serde_json::from_slice(&bytes).expect("a whole receipt"))
    }

    fn cut(step: Step, occurrence: u64, moment: Moment, seed: u64) {
        let disk = SimDisk::new();
        disk.cut_power_at(step, occurrence, moment);
        let stored = store(&disk, Epoch::new(2), &receipt());
        assert!(stored.is_err(), "{step:?} {occurrence} {moment:?}");
        disk.crash(&mut decisions(seed));
        // Whole or absent; and what is left does not hinder the next one.
        kept(&disk);
        store(&disk, Epoch::new(2), &receipt()).expect("room");
        disk.crash(&mut decisions(seed));
        assert_eq!(kept(&disk).expect("it is durable").request, "a request");
    }

    #[test]
    fn last_promotion_is_the_newest_receipts() {
        let disk = SimDisk::new();
        assert_eq!(newest_promotion(&disk), None);
        for (epoch, wall_millis) in [(2, 20), (10, 100), (3, 30)] {
            let receipt = Receipt {
                wall_millis,
                ..receipt()
            };
            store(&disk, Epoch::new(epoch), &receipt).expect("room");
        }
        assert_eq!(newest_promotion(&disk), Some(100));
    }

    #[test]
    fn receipt_is_whole_or_absent_after_a_power_cut() {
        let disk = SimDisk::new();
        store(&disk, Epoch::new(2), &receipt()).expect("room");
        for (step, count) in disk.steps() {
            for occurrence in 0..count {
                for moment in Moment::ALL {
                    (0..16).for_each(|seed| cut(step, occurrence, moment, seed));
                }
            }
        }
    }
}
