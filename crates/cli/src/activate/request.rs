//! From the operator's wish to the object beside the lease.

use super::mode_of;
use crate::check::Verb;
use crate::files::entropy;
use crate::refusal::Refusal;
use crate::store::{ClusterStore, Written};
use understudy_node::BootClock;
use understudy_protocol::{AcceptLoss, ActivationRequest, Lease, LossBound, Override, RequestId};
use understudy_store::ETag;
use understudy_types::{Clock, Epoch, NodeId};

/// How long a request stays valid. It only stops a forgotten one.
const VALID_MILLIS: u64 = 60_000;

/// What the operator asked for.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    pub(super) verb: Verb,
    pub(super) target: NodeId,
    pub(super) expect_epoch: Epoch,
    pub(super) expect_holder: Option<NodeId>,
    pub(super) accept_loss: AcceptLoss,
    pub(super) fenced_by: Option<String>,
    /// Checks that may refuse.
    pub(super) accept: Vec<String>,
    /// The pending request that is to be replaced.
    pub(super) replace: Option<String>,
    pub(super) reason: String,
    /// Who asks, for the receipt and the audit.
    pub(super) by: String,
}

impl Wish {
    pub(super) fn request(
        &self,
        lease: &Lease,
        overrides: Vec<Override>,
    ) -> anyhow::Result<ActivationRequest> {
        let now = BootClock.wall_millis();
        Ok(ActivationRequest {
            format: ActivationRequest::FORMAT,
            id: RequestId::from_bytes(entropy()?),
            cluster: lease.cluster,
            mode: mode_of(self.verb),
            target: self.target.clone(),
            expect_epoch: self.expect_epoch,
            // What was judged here is what the nodes are to judge.
            expect_holder: lease.holder.as_ref().map(|holder| holder.node.clone()),
            accept_loss: self.accept_loss,
            fenced_by: self.fenced_by.clone(),
            overrides,
            by: self.by.clone(),
            reason: self.reason.clone(),
            not_after_ms: now + VALID_MILLIS,
        })
    }

    /// Whether the operator's word covers the bound.
    pub(super) fn accepts(&self, bound: Option<LossBound>) -> bool {
        match (bound, self.accept_loss) {
            (Some(LossBound::Nothing), _) | (_, AcceptLoss::Unknown) => true,
            (Some(LossBound::Recent { within, .. }), AcceptLoss::Seconds(seconds)) => {
                within.as_secs_f64() <= seconds as f64
            }
            _ => false,
        }
    }
}

pub(super) fn parse_accept_loss(text: &str) -> Result<AcceptLoss, String> {
    match text {
        "unknown" => Ok(AcceptLoss::Unknown),
        _ => text
            .trim_end_matches('s')
            .parse()
            .map(AcceptLoss::Seconds)
            .map_err(|_| "give a number of seconds, or `unknown`".to_owned()),
    }
}

/// Writes the request over what lies there. Durable on return. Refuses while
/// another request is pending.
pub(super) async fn write(
    store: &ClusterStore,
    lease: &Lease,
    request: &ActivationRequest,
    replace: Option<&str>,
) -> anyhow::Result<()> {
    let over: Option<ETag> = match store.activation().await? {
        None => None,
        Some((etag, Ok(pending))) => {
            check_pending(&pending, request, lease, replace, BootClock.wall_millis())?;
            Some(etag)
        }
        // What nobody can read binds nobody.
        Some((etag, Err(_))) => Some(etag),
    };
    match store.write_activation(request, over).await? {
        Written::Done => Ok(()),
        Written::Lost => Err(Refusal::new(
            "E205",
            "another request was written at the same moment",
            "look at `understudy status`, and ask again",
        )
        .into()),
    }
}

/// A request that still can act, and wants something else, stays.
pub(super) fn check_pending(
    pending: &ActivationRequest,
    request: &ActivationRequest,
    lease: &Lease,
    replace: Option<&str>,
    now_millis: u64,
) -> Result<(), Refusal> {
    let void = !pending.can_act(lease, now_millis);
    let same = pending.mode == request.mode && pending.target == request.target;
    if void || same || replace == Some(pending.id.to_string().as_str()) {
        return Ok(());
    }
    let left = (pending.not_after_ms - now_millis).div_ceil(1000);
    Err(Refusal::new(
        "E205",
        format!(
            "another request is pending: {:?} to {} by {} (id {})",
            pending.mode, pending.target, pending.by, pending.id
        )
        .to_lowercase(),
        format!(
            "wait until it is done or void (in {left} s), or replace it with --replace {}",
            pending.id
        ),
    ))
}
