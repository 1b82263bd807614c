//! What operators did, and what nodes decided on their behalf, as records of
//! the log: chained and replicated like every other, and never shown to the
//! state machine.
//!
//! An act is first kept in the data root ([`keep`]), so that a crash does not
//! forget it. From there it goes into the log of the first shard: by this
//! node while it is the primary, else by a call to the primary. It leaves the
//! data root when it is committed; so it may be in the log twice, under one
//! id.

mod configuration;
mod delivery;
mod outbox;
mod writer;

pub(crate) use configuration::note_changes;
pub(crate) use delivery::{Ways, deliver};
pub use outbox::keep;
pub(crate) use writer::AuditWriter;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::Notify;
use understudy_log::{DiskError, OsDisk};
use understudy_types::{Clock, NodeId, Nonce};

/// Facts that are longer say only that they were.
const FACTS_BYTES_MAX: usize = 32 << 10;

/// The body of an audit record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditAct {
    pub format: u32,
    /// The same act may stand in the log twice.
    pub id: Nonce,
    /// `promoted`, `request_refused` … docs/formats.md lists them.
    pub act: String,
    /// Where it was done, or noticed.
    pub node: NodeId,
    /// Who did it, as far as that is known.
    pub by: String,
    /// That node's wall clock.
    pub wall_millis: u64,
    /// An object; its fields depend on the act.
    pub facts: Value,
}

impl AuditAct {
    pub const FORMAT: u32 = 1;

    /// `None` for what this version does not know.
    pub fn decode(body: &[u8]) -> Option<AuditAct> {
        let act: AuditAct = serde_json::from_slice(body).ok()?;
        (act.format == Self::FORMAT).then_some(act)
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let bounded = |act: &AuditAct| serde_json::to_vec(act).expect("always representable");
        let body = bounded(self);
        if body.len() <= FACTS_BYTES_MAX {
            return body;
        }
        bounded(&AuditAct {
            facts: json!({ "too_long_bytes": body.len() }),
            ..self.clone()
        })
    }
}

/// Takes what happens on this node. Clones share it.
#[derive(Clone)]
pub(crate) struct Audit {
    disk: Arc<OsDisk>,
    node: NodeId,
    clock: Arc<dyn Clock>,
    kept: Arc<Notify>,
}

impl Audit {
    pub(crate) fn new(disk: Arc<OsDisk>, node: NodeId, clock: Arc<dyn Clock>) -> Audit {
        Audit {
            disk,
            node,
            clock,
            kept: Arc::default(),
        }
    }

    /// Keeps an act, durably on return. Blocks on the disk. A failure is a
    /// warning: what was done stands.
    pub(crate) fn keep(&self, act: &str, by: &str, facts: Value) {
        let mut id = [0; 16];
        getrandom::fill(&mut id).expect("the system gives entropy");
        let kept = AuditAct {
            format: AuditAct::FORMAT,
            id: Nonce::from_bytes(id),
            act: act.to_owned(),
            node: self.node.clone(),
            by: by.to_owned(),
            wall_millis: self.clock.wall_millis(),
            facts,
        };
        match keep(&*self.disk, &kept) {
            Ok(()) => self.kept.notify_one(),
            Err(error) => tell(act, &error),
        }
    }

    /// As [`Audit::keep`], beside what goes on.
    pub(crate) fn note(&self, act: &'static str, by: String, facts: Value) {
        let audit = self.clone();
        tokio::task::spawn_blocking(move || audit.keep(act, &by, facts));
    }
}

fn tell(act: &str, error: &DiskError) {
    tracing::warn!(act, %error, "what was done could not be kept for the audit");
}
