//! From a wish to its end: what both the commands and the page go through.

use super::follow::{self, End};
use super::judge;
use super::request::{self, Wish};
use super::target::{self, Seen};
use crate::admin::NoAnswer;
use crate::store::ClusterStore;
use understudy_console::Told;
use understudy_node::config::Configuration;
use understudy_node::status::Status;
use understudy_protocol::{Lease, Override};

/// Where the cluster's store is, and which nodes may be asked.
pub(super) struct Way<'a> {
    configuration: &'a Configuration,
    store: ClusterStore,
    known: Vec<String>,
}

pub(super) enum Looked {
    /// There is nothing to do.
    Done(String),
    Seen(Box<Sight>),
}

/// What is known before anything is written.
pub(super) struct Sight {
    pub(super) lease: Lease,
    pub(super) seen: Seen,
    nodes: Vec<(String, Result<Status, NoAnswer>)>,
}

impl<'a> Way<'a> {
    /// `known` are replication addresses, beside those that the lease and the
    /// configuration name. Sends nothing yet.
    pub(super) async fn to(
        configuration: &'a Configuration,
        known: Vec<String>,
    ) -> anyhow::Result<Way<'a>> {
        let store = ClusterStore::connect(&configuration.store).await?;
        Ok(Way {
            configuration,
            store,
            known,
        })
    }

    /// Refuses what the lease alone refuses, else asks the target for its
    /// verdict. Changes nothing.
    pub(super) async fn look(&self, wish: &Wish) -> anyhow::Result<Looked> {
        let lease = self.store.lease_of(self.configuration).await?;
        if let Some(done) = judge::already_done(wish, &lease) {
            return Ok(Looked::Done(done));
        }
        judge::check_lease(wish, &lease)?;
        let nodes = target::find(&self.known, self.configuration, &lease).await;
        let seen = target::look(wish, &lease, &nodes).await?;
        Ok(Looked::Seen(Box::new(Sight { lease, seen, nodes })))
    }

    /// Writes the request, and follows it. An error says that it was not
    /// written, or that the store could not be asked about its end.
    pub(super) async fn act(
        &self,
        wish: &Wish,
        sight: Sight,
        overrides: Vec<Override>,
        tell: &mut (dyn FnMut(Told) + Send),
    ) -> anyhow::Result<End> {
        let request = wish.request(&sight.lease, overrides)?;
        request::write(&self.store, &sight.lease, &request, wish.replace.as_deref()).await?;
        let addresses = sight.nodes.into_iter().map(|(address, _)| address);
        follow::follow(
            &self.store,
            self.configuration,
            &request,
            addresses.collect(),
            tell,
        )
        .await
    }
}
