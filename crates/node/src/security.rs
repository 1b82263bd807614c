//! What this node proves to others with, and how they are let in.

use crate::profile::{Proof, Proofs};
use crate::settings::Settings;
use crate::status::CertificateStatus;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use understudy_tls::{
    Certificate, ClientCredentials, Clients, Credentials, CredentialsError, Dialer, Gate, Holder,
    Identity, Reloaded,
};
use understudy_types::{NodeId, ShardName};

/// Clones share it.
#[derive(Clone, Debug)]
pub struct Security {
    members: Option<Arc<Reloaded<Credentials>>>,
    clients: Option<Arc<Reloaded<ClientCredentials>>>,
    refused: Arc<AtomicU64>,
}

impl Security {
    /// Reads the certificates that the settings name.
    pub(crate) fn open(settings: &Settings) -> Result<Security, CredentialsError> {
        let members = settings.tls.clone().map(|files| {
            let identity = Identity::node(&settings.cluster_name, settings.node.clone());
            Reloaded::<Credentials>::open(files, Holder::Node(identity))
        });
        let clients = settings.client_tls.clone();
        let clients = clients.map(Reloaded::<ClientCredentials>::open);
        Ok(Security {
            members: members.transpose()?,
            clients: clients.transpose()?,
            refused: Arc::default(),
        })
    }

    /// How this node speaks with others.
    pub fn dialer(&self) -> Dialer {
        match &self.members {
            Some(members) => Dialer::with(Arc::clone(members)),
            None => Dialer::plaintext(),
        }
    }

    /// Where the clients of a shard come in.
    pub fn gate_for_clients(&self, shard: &ShardName) -> Gate {
        let clients = match &self.clients {
            Some(clients) => Clients::Tls(Arc::clone(clients)),
            None => Clients::Plaintext,
        };
        Gate::for_clients(&format!("shard {shard}"), self.members.clone(), clients)
            .counting(Arc::clone(&self.refused))
    }

    pub(crate) fn gate_for_members(&self) -> Gate {
        Gate::for_members("replication", self.members.clone()).counting(Arc::clone(&self.refused))
    }

    /// Takes changed files while the node runs.
    pub(crate) fn watch(&self, tasks: &mut JoinSet<()>, stop: &CancellationToken) {
        if let Some(members) = self.members.clone() {
            tasks.spawn(members.watch(stop.clone()));
        }
        if let Some(clients) = self.clients.clone() {
            tasks.spawn(clients.watch(stop.clone()));
        }
    }

    /// Connections that were not let in, since the start.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// None where plain text is spoken.
    pub(crate) fn certificates(&self, node: &NodeId, wall_millis: u64) -> Vec<CertificateStatus> {
        let told = |name: &str, certificate: &Certificate, problem: Option<String>| {
            let holder = certificate.identity.as_ref();
            CertificateStatus {
                name: name.to_owned(),
                holder: holder.map_or(node.to_string(), ToString::to_string),
                expires_at_unix: certificate.not_after,
                seconds_left: certificate.seconds_left(wall_millis),
                problem,
            }
        };
        let mut all = Vec::new();
        if let Some(members) = &self.members {
            let current = members.current();
            all.push(told("node", &current.own, members.problem()));
            all.push(told("authority", current.authority(), None));
        }
        if let Some(clients) = &self.clients {
            all.push(told("clients", &clients.current().own, clients.problem()));
        }
        all
    }

    /// The same for another node, or a tool, to compare.
    pub(crate) fn proofs(&self, settings: &Settings) -> Proofs {
        let members = self.members.as_ref().map(|members| {
            let current = members.current();
            let advertised = std::iter::once(settings.replication.advertise.as_str());
            Proof {
                signed_by: Some(current.signed_by.digest.clone()),
                problem: members.problem(),
                ..Proof::of(&current.own, &current.authorities, advertised)
            }
        });
        let clients = self.clients.as_ref().map(|clients| {
            let current = clients.current();
            let advertised = settings.shards.iter();
            let advertised = advertised.map(|shard| shard.clients.advertise.as_str());
            Proof {
                problem: clients.problem(),
                ..Proof::of(&current.own, &current.authorities, advertised)
            }
        });
        Proofs { members, clients }
    }
}
