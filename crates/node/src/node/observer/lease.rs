use crate::status::LeaseStatus;
use understudy_protocol::control::{AckHome, ControlView, LeaseView};
use understudy_protocol::{AckPolicy, Lease};
use understudy_types::{BootTime, NodeId};

pub(super) fn lease_status(seen: &LeaseView, control: &ControlView, now: BootTime) -> LeaseStatus {
    let lease = &seen.lease;
    let state = serde_json::to_value(lease.state).ok();
    LeaseStatus {
        epoch: lease.epoch,
        state: state
            .and_then(|s| s.as_str().map(str::to_owned))
            .unwrap_or_default(),
        holder: lease.holder.as_ref().map(|holder| holder.node.clone()),
        holder_replication: lease
            .holder
            .as_ref()
            .map(|holder| holder.replication.clone()),
        ttl_seconds: lease.ttl().as_secs_f64(),
        seen_seconds_ago: now.since(seen.seen_since).as_secs_f64(),
        store_answered_seconds_ago: control
            .store_answered
            .map(|answered| now.since(answered).as_secs_f64()),
        remaining_seconds: control
            .deadline
            .map(|deadline| deadline.since(now).as_secs_f64() - now.since(deadline).as_secs_f64()),
        in_sync: in_sync_names(lease.ack_policy, lease),
        ack_policy: lease.ack_policy,
        ack_home: Some(ack_home(lease)),
        handover_to: lease
            .handover
            .as_ref()
            .map(|handover| handover.successor.clone()),
        unacknowledged_epoch: lease.unacknowledged,
        without_store: lease.without_store.clone(),
    }
}

/// The stand-in's slots are on the holder's own disk.
fn ack_home(lease: &Lease) -> AckHome {
    match lease.without_store {
        Some(_) => AckHome::Local,
        None => AckHome::of(lease),
    }
}

fn in_sync_names(policy: AckPolicy, lease: &Lease) -> Vec<NodeId> {
    match policy {
        AckPolicy::Local => Vec::new(),
        AckPolicy::Replicated => lease
            .in_sync
            .iter()
            .map(|member| member.node.clone())
            .collect(),
    }
}
