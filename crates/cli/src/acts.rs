//! What a command did with a stopped node, for the cluster's audit.

use crate::files::entropy;
use crate::operator::operator;
use serde_json::Value;
use understudy_log::{Identity, OsDisk};
use understudy_node::BootClock;
use understudy_node::audit::{self, AuditAct};
use understudy_types::{Clock, Nonce};

/// Keeps the act in the data root; the node delivers it once it runs. Durable
/// on `Ok`.
pub(crate) fn keep_act(
    disk: &OsDisk,
    identity: &Identity,
    act: &str,
    facts: Value,
) -> anyhow::Result<()> {
    let act = AuditAct {
        format: AuditAct::FORMAT,
        id: Nonce::from_bytes(entropy()?),
        act: act.to_owned(),
        node: identity.node.clone(),
        by: operator(),
        wall_millis: BootClock.wall_millis(),
        facts,
    };
    Ok(audit::keep(disk, &act)?)
}
