//! The steps of operators' requests on this node, for whoever watches.

use crate::status::{ActivationStepRecord, Receipt};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::watch;
use understudy_protocol::RequestId;
use understudy_protocol::control::Step;
use understudy_types::{BootTime, NodeId};

/// Requests whose steps are kept in memory.
const KEPT_MAX: usize = 32;

#[derive(Clone, Debug)]
pub(crate) struct Activations {
    inner: Arc<Mutex<VecDeque<Track>>>,
    changed: watch::Sender<()>,
    node: NodeId,
}

#[derive(Clone, Debug)]
struct Track {
    id: RequestId,
    began: BootTime,
    steps: Vec<ActivationStepRecord>,
    receipt: Option<Receipt>,
    ended: bool,
}

impl Activations {
    pub(crate) fn new(node: NodeId) -> Self {
        Activations {
            inner: Arc::default(),
            changed: watch::Sender::new(()),
            node,
        }
    }

    pub(crate) fn changed(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Notes a step; returns all steps so far and the time since the first.
    pub(crate) fn note(
        &self,
        id: RequestId,
        step: &Step,
        now: BootTime,
    ) -> (Vec<ActivationStepRecord>, u64) {
        let mut tracks = self.inner.lock();
        if !tracks.iter().any(|track| track.id == id) {
            let track = Track {
                id,
                began: now,
                steps: Vec::new(),
                receipt: None,
                ended: false,
            };
            tracks.push_back(track);
            if tracks.len() > KEPT_MAX {
                tracks.pop_front();
            }
        }
        let track = tracks
            .iter_mut()
            .find(|track| track.id == id)
            .expect("just there");
        let elapsed_micros = now.since(track.began).as_micros() as u64;
        track.steps.push(ActivationStepRecord {
            elapsed_micros,
            node: self.node.clone(),
            step: name(step).to_owned(),
            detail: step.to_string(),
        });
        track.ended = ends(step);
        (track.steps.clone(), elapsed_micros)
    }

    /// Adds the receipt to a request that has ended.
    pub(crate) fn receipt(&self, id: RequestId, receipt: Receipt) {
        if let Some(track) = self.inner.lock().iter_mut().find(|track| track.id == id) {
            track.receipt = Some(receipt);
        }
    }

    pub(crate) fn announce(&self) {
        self.changed.send_replace(());
    }

    /// The step number `index` of a request, and with the last one the
    /// receipt, if there is one.
    pub(crate) fn step(
        &self,
        id: RequestId,
        index: usize,
    ) -> Option<(ActivationStepRecord, Option<Receipt>, bool)> {
        let tracks = self.inner.lock();
        let track = tracks.iter().find(|track| track.id == id)?;
        let step = track.steps.get(index)?.clone();
        let last = track.ended && index + 1 == track.steps.len();
        Some((step, track.receipt.clone().filter(|_| last), last))
    }
}

/// The step's name in status, receipts and docs.
fn name(step: &Step) -> &'static str {
    match step {
        Step::Refused { .. } => "refused",
        Step::Accepted { .. } => "accepted",
        Step::Holding => "holding",
        Step::Sealed { .. } => "sealed",
        Step::Confirmed { .. } => "confirmed",
        Step::HandedOver { .. } => "handed_over",
        Step::Aborted { .. } => "aborted",
        Step::Promised(_) => "promised",
        Step::Claimed(_) => "claimed",
        Step::Fenced { .. } => "fenced",
        Step::Drained { .. } => "drained",
        Step::Taken { .. } => "taken",
        Step::Serving(_) => "serving",
        Step::Follows { .. } => "follows",
        Step::Acknowledged(_) => "acknowledged",
        Step::Forgotten { .. } => "forgotten",
        Step::AlreadyDone { .. } => "already_done",
    }
}

/// Whether a request has nothing more to say on this node.
fn ends(step: &Step) -> bool {
    matches!(
        step,
        Step::Refused { .. }
            | Step::Aborted { .. }
            | Step::Serving(_)
            | Step::Follows { .. }
            | Step::Acknowledged(_)
            | Step::Forgotten { .. }
            | Step::AlreadyDone { .. }
    )
}
