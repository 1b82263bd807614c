use crate::Refusal;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use understudy_node::status::{Receipt, Status, Verdict};
use understudy_protocol::{AcceptLoss, Mode};
use understudy_types::NodeId;

/// What one node said, or why it did not.
#[derive(Clone, Debug, Serialize)]
pub struct NodeAnswer {
    /// Its replication address.
    pub endpoint: String,
    pub status: Option<Status>,
    pub error: Option<String>,
    /// Since it was asked.
    pub seconds_ago: f64,
}

/// Receipts of past promotions, and whose are missing.
#[derive(Clone, Debug, Default)]
pub struct Receipts {
    pub found: Vec<Receipt>,
    /// Replication addresses of nodes that were asked and gave none.
    pub silent: Vec<String>,
}

/// What an operator asks for: the same as the commands' flags.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    pub verb: Mode,
    pub to: NodeId,
    pub expect_epoch: u64,
    #[serde(default)]
    pub accept_loss: AcceptLoss,
    #[serde(default)]
    pub fenced_by: Option<String>,
    /// Checks of the verdict that may refuse.
    #[serde(default)]
    pub accept: Vec<String>,
    /// The pending request that is to be replaced.
    #[serde(default)]
    pub replace: Option<String>,
    #[serde(default)]
    pub reason: String,
    /// The cluster's name, as the operator typed it.
    #[serde(default)]
    pub confirm: String,
}

/// What the target says of itself before anything is written.
#[derive(Clone, Debug, Serialize)]
pub struct Judged {
    pub situation: String,
    pub verdict: Verdict,
}

/// One line of the table of steps.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// Since the request was written.
    pub seconds: f64,
    pub node: String,
    pub step: String,
    pub detail: String,
    pub failed: bool,
}

/// What is told while an act is under way.
#[derive(Clone, Debug)]
pub enum Told {
    Step(Step),
    Receipt(Box<Receipt>),
}

pub type Tell = Box<dyn FnMut(Told) + Send>;

/// How an act ended that was not refused before it was written.
#[derive(Clone, Debug, Serialize)]
pub struct Ended {
    pub outcome: Outcome,
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Done,
    /// By the nodes: the primary goes on as before.
    Refused,
    /// The request is written, and nobody has ended it in time.
    EndNotSeen,
}

/// The way from this node to the others of its cluster.
pub trait Cluster: Send + Sync + 'static {
    /// Asks every other node that is known; `own` is this node's status.
    /// Changes nothing, and returns within seconds whoever answers.
    fn others<'a>(&'a self, own: &'a Status) -> BoxFuture<'a, Vec<NodeAnswer>>;

    /// The newest receipts of every other node, in no order. Returns within
    /// seconds whoever answers.
    fn receipts<'a>(&'a self, own: &'a Status) -> BoxFuture<'a, Receipts>;

    /// The target's verdict. Changes nothing.
    fn judge<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Result<Judged, Refusal>>;

    /// Judges again, writes the request and follows it to its end. A refusal
    /// says that nothing was written.
    fn act(&self, ask: Ask, by: String, tell: Tell) -> BoxFuture<'_, Result<Ended, Refusal>>;
}

/// A console that knows nobody else.
#[derive(Clone, Copy, Debug)]
pub struct Alone;

impl Alone {
    fn refusal() -> Refusal {
        let way_out = "use the understudy command, or the page of a running node";
        Refusal::new("E508", "this console knows no way to the cluster", way_out)
    }
}

impl Cluster for Alone {
    fn others<'a>(&'a self, _: &'a Status) -> BoxFuture<'a, Vec<NodeAnswer>> {
        Box::pin(async { Vec::new() })
    }

    fn receipts<'a>(&'a self, _: &'a Status) -> BoxFuture<'a, Receipts> {
        Box::pin(async { Receipts::default() })
    }

    fn judge<'a>(&'a self, _: &'a Ask) -> BoxFuture<'a, Result<Judged, Refusal>> {
        Box::pin(async { Err(Alone::refusal()) })
    }

    fn act(&self, _: Ask, _: String, _: Tell) -> BoxFuture<'_, Result<Ended, Refusal>> {
        Box::pin(async { Err(Alone::refusal()) })
    }
}
