//! The activation flag: an operator's request, `<prefix>/activation.json`.
//!
//! It is consumed inside the conditional write that takes the epoch, so it
//! can never act twice, and never in another epoch than the operator saw.

use crate::lease::{Consumed, Lease};
use serde::{Deserialize, Serialize};
use understudy_types::{ClusterId, Epoch, NodeId, Nonce};

/// Names one request; the same id asked twice is the same request.
pub type RequestId = Nonce;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Planned: loses nothing, or does not happen.
    Switchover,
    /// Not planned: the primary is gone or silent.
    Failover,
}

/// What the operator is ready to lose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AcceptLoss {
    #[default]
    Nothing,
    /// Writes acknowledged in at most this many last seconds.
    Seconds(u64),
    /// Whatever it is.
    Unknown,
}

/// A check of the verdict that refused, and that the operator overrode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// `P04` and so on.
    pub check: String,
    /// What the check said.
    pub fact: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActivationRequest {
    pub format: u32,
    pub id: RequestId,
    pub cluster: ClusterId,
    pub mode: Mode,
    pub target: NodeId,
    pub expect_epoch: Epoch,
    /// The holder that the operator believes in, when given.
    pub expect_holder: Option<NodeId>,
    #[serde(default)]
    pub accept_loss: AcceptLoss,
    /// Evidence that the old primary cannot write any more.
    #[serde(default)]
    pub fenced_by: Option<String>,
    /// For the lease and the receipt: the nodes judge by their own rules all
    /// the same. Absent in the object when there are none, as in those of
    /// versions before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<Override>,
    pub by: String,
    pub reason: String,
    /// Wall clock in milliseconds after which the request is void. It only
    /// stops a forgotten request; safety never rests on it.
    pub not_after_ms: u64,
}

impl ActivationRequest {
    pub const FORMAT: u32 = 1;

    /// Whether it is neither done nor void by this lease and wall clock.
    pub fn can_act(&self, lease: &Lease, wall_millis: u64) -> bool {
        let consumed = lease.activation.as_ref();
        self.cluster == lease.cluster
            && self.expect_epoch == lease.epoch
            && wall_millis <= self.not_after_ms
            && consumed.is_none_or(|consumed| consumed.id != self.id)
    }

    /// As the lease keeps it once it has led to an epoch.
    pub(crate) fn consumed(&self) -> Consumed {
        Consumed {
            id: self.id,
            mode: self.mode,
            by: self.by.clone(),
            reason: self.reason.clone(),
            fenced_by: self.fenced_by.clone(),
            overrides: self.overrides.clone(),
        }
    }

    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).expect("a request is always representable")
    }

    pub fn decode(bytes: &[u8]) -> Result<ActivationRequest, String> {
        let request: ActivationRequest =
            serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if request.format != Self::FORMAT {
            return Err(format!(
                "format {} is not known to this binary",
                request.format
            ));
        }
        Ok(request)
    }
}
