//! A node and its cluster that say what a state has recorded.

use crate::states::State;
use futures::future::BoxFuture;
use understudy_console::{
    Alone, Ask, Cluster, Ended, Judged, NodeAnswer, Receipts, Refusal, Step, Subject, Tell, Told,
};
use understudy_node::Scrape;
use understudy_node::status::{Receipt, Status, Verdict};

pub(crate) const TOKEN: &str = "kim-0123456789abcdef";

#[derive(Clone)]
pub(crate) struct Scene {
    state: State,
}

impl Scene {
    pub(crate) fn new(state: State) -> Scene {
        Scene { state }
    }
}

impl Subject for Scene {
    fn status(&self) -> Status {
        self.state.own.clone()
    }

    /// No picture shows a metric, and nobody asks for one.
    fn scrape(&self) -> impl Future<Output = Scrape> + Send {
        std::future::pending()
    }

    fn is_primary_now(&self) -> bool {
        self.state.own.is_primary()
    }

    fn is_alive(&self) -> bool {
        true
    }

    fn is_ready(&self) -> bool {
        true
    }

    fn receipts(&self) -> Result<Vec<Receipt>, String> {
        Ok(vec![self.state.receipt.clone()])
    }
}

impl Cluster for Scene {
    fn others<'a>(&'a self, _: &'a Status) -> BoxFuture<'a, Vec<NodeAnswer>> {
        Box::pin(async { vec![self.state.other.clone()] })
    }

    fn receipts<'a>(&'a self, own: &'a Status) -> BoxFuture<'a, Receipts> {
        Alone.receipts(own)
    }

    fn judge<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Result<Judged, Refusal>> {
        let checks = [
            ("P01", "the lease is readable, epoch 41, held by alpha"),
            ("P02", "heartbeat 0.2 s ago"),
            ("P04", "the lag is known: 0 records, 0.0 s"),
            ("P06", "the state's digest equals the primary's"),
        ];
        let check = |(id, fact): &(&str, &str)| serde_json::json!({ "id": id, "outcome": "ok", "fact": fact, "way_out": null });
        let checks: Vec<_> = checks.iter().map(check).collect();
        let verdict = serde_json::json!({
            "node": ask.to, "mode": "switchover", "outcome": "ready", "loss_bound": "nothing", "checks": checks
        });
        let verdict: Verdict = serde_json::from_value(verdict).expect("a verdict");
        let situation = "SWITCHOVER to bravo, epoch 41 → 42\n  primary alpha is alive".to_owned();
        Box::pin(async { Ok(Judged { situation, verdict }) })
    }

    /// Stops in the middle, for the picture.
    fn act(&self, _: Ask, _: String, mut tell: Tell) -> BoxFuture<'_, Result<Ended, Refusal>> {
        Box::pin(async move {
            for (seconds, node, step, detail) in [
                (
                    0.031,
                    "alpha",
                    "accepted",
                    "switchover to bravo accepted, epoch 41",
                ),
                (0.032, "alpha", "holding", "new writes are held"),
                (
                    0.036,
                    "alpha",
                    "sealed",
                    "sealed at main 18204988, successor bravo",
                ),
            ] {
                tell(Told::Step(Step {
                    seconds,
                    node: node.to_owned(),
                    step: step.to_owned(),
                    detail: detail.to_owned(),
                    failed: false,
                }));
            }
            std::future::pending().await
        })
    }
}
