//! The verdict on an operator's request, as a pure function.

use super::Seen;
use super::event::{Facts, Moment, Setup, Step};
use super::loss::{LossBound, loss_bound};
use super::primary::Primary;
use crate::activation::{ActivationRequest, Mode, RequestId};
use crate::lease::Lease;

/// What a node does about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// Another node's business.
    NotOurs,
    /// Say this, and be done with it.
    Answer(Step),
    Act {
        bound: LossBound,
    },
}

fn refuse(code: &'static str, fact: impl Into<String>, way_out: &str) -> Judgement {
    Judgement::Answer(Step::refused(code, fact, way_out))
}

/// The operator has not accepted what may be lost.
pub(crate) fn loss_refused(bound: LossBound) -> Step {
    Step::refused(
        "E303",
        format!("this failover may lose {bound}"),
        "prefer switchover while the primary lives; else accept it with --accept-loss SECONDS or --accept-loss unknown",
    )
}

/// The target's state is not the primary's.
fn diverged_refused() -> Step {
    Step::refused(
        "E312",
        "this node's state differs from the primary's at the same Lsn",
        "make it anew with `understudy rebuild`, and ask again once `understudy status` shows it equal",
    )
}

/// The target's log is damaged.
fn damaged_refused() -> Step {
    Step::refused(
        "E319",
        "this node's log is damaged",
        "restart it: as a standby it fetches the damaged end anew from the primary; without one look at `understudy log repair`",
    )
}

/// Why a node with these facts is not promoted, whatever was accepted.
pub(crate) fn unfit(facts: &Facts) -> Option<Step> {
    if facts.log_damaged {
        return Some(damaged_refused());
    }
    facts.state_diverged.then(diverged_refused)
}

/// Another request came before this one was judged.
pub(crate) fn displaced(by: RequestId) -> Step {
    Step::refused(
        "E205",
        format!("request {by} came in its place before it was judged"),
        "look at `understudy status`, and ask again if it is still wanted",
    )
}

/// What the lease itself shows to be done.
fn already_done(request: &ActivationRequest, lease: &Lease) -> Option<Judgement> {
    let consumed = lease.activation.as_ref()?;
    if consumed.id != request.id {
        return None;
    }
    let holder = lease.holder.as_ref().map(|holder| &holder.node);
    Some(Judgement::Answer(Step::AlreadyDone {
        holder: holder.unwrap_or(&request.target).clone(),
        epoch: lease.epoch,
    }))
}

/// Checks that hold for both verbs and both nodes. `None`: go on.
fn stale(
    request: &ActivationRequest,
    setup: &Setup,
    seen: &Seen,
    moment: &Moment,
) -> Option<Judgement> {
    let lease = &seen.lease;
    if request.cluster != setup.cluster {
        return Some(refuse(
            "E301",
            format!("the request is for cluster {}", request.cluster),
            "check bucket and prefix",
        ));
    }
    if let Some(done) = already_done(request, lease) {
        return Some(done);
    }
    if request.expect_epoch != lease.epoch {
        return Some(refuse(
            "E301",
            format!(
                "the request expects epoch {}, the lease is at {}",
                request.expect_epoch, lease.epoch
            ),
            "look at `understudy status` and ask again with the epoch that it shows",
        ));
    }
    let holder = lease.holder.as_ref().map(|holder| &holder.node);
    if let Some(expected) = &request.expect_holder
        && holder != Some(expected)
    {
        let holder = lease.holder_name();
        return Some(refuse(
            "E301",
            format!("the request expects holder {expected}, the lease names {holder}"),
            "look at `understudy status` and ask again",
        ));
    }
    if moment.wall_millis > request.not_after_ms {
        return Some(refuse("E302", "the request has expired", "ask again"));
    }
    None
}

fn store_is_silent() -> Judgement {
    refuse(
        "E306",
        "the object store does not answer, and without it no epoch can be taken",
        "restore the way to the object store, and ask again; when it is lost for good, `understudy failover --without-store` on the machine of the node that is to go on",
    )
}

/// A request, and what the node knows that judges it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case<'a> {
    pub(crate) request: &'a ActivationRequest,
    /// Whether the lease was read since the request came, and lately.
    pub(crate) store_is_fresh: bool,
    pub(crate) setup: &'a Setup,
    pub(crate) seen: &'a Seen,
    pub(crate) facts: &'a Facts,
    pub(crate) moment: &'a Moment,
}

/// What the lease says of a request. An old view of it proves what is done,
/// and refutes nothing.
fn settled(case: &Case<'_>) -> Option<Judgement> {
    if case.store_is_fresh {
        stale(case.request, case.setup, case.seen, case.moment)
    } else {
        already_done(case.request, &case.seen.lease)
    }
}

/// The target's verdict on a failover, or on a switchover.
pub(crate) fn judge_as_standby(case: &Case<'_>) -> Judgement {
    let Case {
        request,
        setup,
        facts,
        ..
    } = *case;
    if request.target != setup.me.node {
        return Judgement::NotOurs;
    }
    if let Some(judgement) = settled(case) {
        return judgement;
    }
    if request.mode == Mode::Switchover {
        // The primary acts; this node waits to be named in the lease.
        return Judgement::NotOurs;
    }
    if !case.store_is_fresh {
        return store_is_silent();
    }
    if let Some(refused) = unfit(facts) {
        return Judgement::Answer(refused);
    }
    let bound = loss_bound(setup, &case.seen.lease, facts, case.moment.now);
    if !bound.is_accepted(request.accept_loss) {
        return Judgement::Answer(loss_refused(bound));
    }
    Judgement::Act { bound }
}

/// The primary's verdict on a switchover.
pub(super) fn judge_as_primary(case: &Case<'_>, primary: &Primary) -> Judgement {
    let Case { request, setup, .. } = *case;
    let names_this_node = request.target == setup.me.node;
    if request.mode == Mode::Failover && !names_this_node {
        return Judgement::NotOurs;
    }
    if let Some(judgement) = settled(case) {
        return judgement;
    }
    if !case.store_is_fresh {
        // Perhaps somebody else holds the lease by now.
        return store_is_silent();
    }
    if names_this_node {
        return Judgement::Answer(Step::AlreadyDone {
            holder: setup.me.node.clone(),
            epoch: case.seen.lease.epoch,
        });
    }
    if !primary.streams(&request.target) {
        return refuse(
            "E202",
            format!("{} is not streaming from this primary", request.target),
            "check the name and the standby's log; when the primary must be given up, use `understudy failover`",
        );
    }
    let mut diverged = case.facts.diverged_standbys.iter();
    if diverged.any(|standby| standby.node == request.target) {
        return refuse(
            "E208",
            format!(
                "the state of {} differs from this primary's at the same Lsn",
                request.target
            ),
            "make it anew with `understudy rebuild`, and ask again once `understudy status` shows it equal",
        );
    }
    Judgement::Act {
        bound: LossBound::Nothing,
    }
}
