//! The first lines: who holds the lease, by which policy, and what is out of
//! the ordinary about the cluster.

use crate::format::span;
use std::fmt::Write;
use understudy_node::status::{LeaseStatus, Status};
use understudy_protocol::AckPolicy;
use understudy_protocol::control::AckHome;

pub(super) fn cluster(out: &mut String, status: &Status) {
    let _ = write!(out, "CLUSTER {}", status.cluster_name);
    let Some(lease) = &status.lease else {
        let _ = writeln!(out, "   lease UNKNOWN: {} has not read it yet", status.node);
        return;
    };
    line(out, lease);
    marks(out, status, lease);
}

fn line(out: &mut String, lease: &LeaseStatus) {
    let holder = lease.holder_name();
    let role = if lease.state == "held" {
        "primary"
    } else {
        "holder"
    };
    let _ = write!(
        out,
        "   epoch {}   {role} {holder}   lease {}",
        lease.epoch, lease.state
    );
    match lease.remaining_seconds {
        Some(left) if left > 0.0 => {
            let _ = write!(
                out,
                " (ok for {}, ttl {})",
                span(left),
                span(lease.ttl_seconds)
            );
        }
        Some(left) => {
            let _ = write!(out, " (LAPSED {} ago)", span(-left));
        }
        None => {
            let _ = write!(
                out,
                " (unchanged for {}, ttl {})",
                span(lease.seen_seconds_ago),
                span(lease.ttl_seconds)
            );
        }
    }
    let _ = write!(out, "   policy {}", policy(lease.ack_policy));
    if lease.ack_policy == AckPolicy::Replicated {
        let names: Vec<String> = lease.in_sync.iter().map(ToString::to_string).collect();
        match names.is_empty() {
            true => *out += nobody_in_sync(lease.ack_home),
            false => {
                let _ = write!(out, "   in sync: {}", names.join(", "));
            }
        }
    }
    out.push('\n');
}

fn marks(out: &mut String, status: &Status, lease: &LeaseStatus) {
    if let Some(mark) = &lease.without_store {
        let _ = writeln!(
            out,
            "WARNING  THE OBJECT STORE IS GIVEN UP, by {} ({}; evidence: {}): all that is acknowledged\n\
             \x20        is on this machine alone, and no standby can follow, until `understudy store adopt`",
            mark.by, mark.reason, mark.fenced_by
        );
    }
    if let Some(epoch) = lease.unacknowledged_epoch {
        let _ = writeln!(
            out,
            "WARNING  epoch {epoch} was taken by an automatic failover: no other happens until understudy acknowledge --expect-epoch {}",
            lease.epoch
        );
    }
    if status.failsafe == "on" {
        *out += match status.goes_on_by_word {
            true => {
                " FAILSAFE: the store is silent; goes on by the word of all that could take over\n"
            }
            false => " failsafe on\n",
        };
    }
    if let Some(maintenance) = &status.maintenance {
        let _ = writeln!(
            out,
            " MAINTENANCE: {} refuses writes, by {}: {}",
            status.node, maintenance.by, maintenance.reason
        );
    }
    if let Some(to) = &lease.handover_to {
        let _ = writeln!(out, " HANDING OVER to {to}");
    }
}

fn policy(policy: AckPolicy) -> &'static str {
    match policy {
        AckPolicy::Local => "local",
        AckPolicy::Replicated => "replicated",
    }
}

fn nobody_in_sync(home: Option<AckHome>) -> &'static str {
    match home {
        Some(AckHome::Store) => "   NOBODY IN SYNC: acknowledged writes rest in the object store",
        _ => "   NOBODY IN SYNC",
    }
}
