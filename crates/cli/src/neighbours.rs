//! The console's way from one node to the others of its cluster.

use crate::activate::PageWay;
use crate::refusal::Refusal;
use crate::{admin, told};
use futures::future::BoxFuture;
use understudy_console::{Ask, Cluster, Ended, Judged, NodeAnswer, Receipts, Tell};
use understudy_node::config::Configuration;
use understudy_node::status::Status;

/// Receipts of each other node.
const LAST: u32 = 50;

/// Asks the nodes that the configuration, the files beside it and the lease
/// name.
#[derive(Debug)]
pub(crate) struct Neighbours {
    own: String,
    addresses: Vec<String>,
    way: PageWay,
}

impl Neighbours {
    /// `beside` are the addresses in the files beside this node's own.
    pub(crate) fn new(configuration: &Configuration, beside: Vec<String>) -> Neighbours {
        let settings = &configuration.settings;
        let own = settings.replication.advertise.clone();
        let mut addresses = settings.page.peers.clone();
        addresses.extend(beside);
        addresses.retain(|address| *address != own);
        let way = PageWay::new(configuration.clone(), addresses.clone());
        Neighbours {
            own,
            addresses,
            way,
        }
    }

    fn addresses(&self, status: &Status) -> Vec<String> {
        let mut addresses = self.addresses.clone();
        let lease = status.lease.as_ref();
        let holder = lease.and_then(|lease| lease.holder_replication.clone());
        addresses.extend(holder.filter(|address| *address != self.own));
        addresses
    }
}

impl Cluster for Neighbours {
    fn others<'a>(&'a self, own: &'a Status) -> BoxFuture<'a, Vec<NodeAnswer>> {
        Box::pin(async move {
            let answers = admin::ask_all(self.addresses(own)).await;
            let foreign = |answer: &Result<Status, String>| {
                answer
                    .as_ref()
                    .is_ok_and(|status| status.cluster != own.cluster || status.node == own.node)
            };
            let ours = answers.into_iter().filter(|(_, answer)| !foreign(answer));
            ours.map(|(endpoint, answer)| NodeAnswer {
                endpoint,
                error: answer.as_ref().err().cloned(),
                status: answer.ok(),
                seconds_ago: 0.0,
            })
            .collect()
        })
    }

    fn receipts<'a>(&'a self, own: &'a Status) -> BoxFuture<'a, Receipts> {
        Box::pin(async move {
            let gathered = admin::gather_receipts(self.addresses(own), LAST).await;
            let found = gathered.receipts.into_iter();
            let silent = gathered.silent.into_iter();
            Receipts {
                found: found.filter(|one| one.cluster == own.cluster).collect(),
                silent: silent.map(|(address, _)| address).collect(),
            }
        })
    }

    fn judge<'a>(
        &'a self,
        ask: &'a Ask,
    ) -> BoxFuture<'a, Result<Judged, understudy_console::Refusal>> {
        Box::pin(async move { self.way.judge(ask).await.map_err(refusal) })
    }

    fn act(
        &self,
        ask: Ask,
        by: String,
        tell: Tell,
    ) -> BoxFuture<'_, Result<Ended, understudy_console::Refusal>> {
        Box::pin(async move { self.way.act(ask, by, tell).await.map_err(refusal) })
    }
}

/// As a command tells it: other errors have no id.
fn refusal(error: anyhow::Error) -> understudy_console::Refusal {
    match error.downcast::<Refusal>() {
        Ok(refusal) => understudy_console::Refusal::new(refusal.id, refusal.fact, refusal.way_out),
        Err(error) => {
            let way_out = "see to its cause, look at `understudy status`, and ask again";
            understudy_console::Refusal::new("error", told(&error), way_out)
        }
    }
}
