//! The lease and the activation flag, as an operator's command sees them.

use anyhow::{Context, bail};
use bytes::Bytes;
use std::sync::Arc;
use understudy_node::config::{Configuration, StoreSettings};
use understudy_protocol::{ActivationRequest, Lease};
use understudy_store::{Condition, ETag, Fetched, ObjectStore, PutAnswer, S3Store, StoreError};

const LEASE: &str = "lease.json";
const ACTIVATION: &str = "activation.json";

#[derive(Clone, Debug)]
pub(crate) struct ClusterStore {
    objects: Arc<dyn ObjectStore>,
    place: String,
}

/// What became of a conditional write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    Done,
    /// Somebody else changed the object in between.
    Lost,
}

impl ClusterStore {
    /// Sends nothing yet.
    pub(crate) async fn connect(settings: &StoreSettings) -> anyhow::Result<ClusterStore> {
        let store = S3Store::connect(settings.s3_config()).await?;
        Ok(ClusterStore {
            objects: Arc::new(store),
            place: settings.describe(),
        })
    }

    /// Over any implementation; `place` is what people are told.
    pub(crate) fn on(objects: Arc<dyn ObjectStore>, place: String) -> ClusterStore {
        ClusterStore { objects, place }
    }

    pub(crate) fn objects(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.objects)
    }

    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// The lease; `None` when the cluster was never founded.
    pub(crate) async fn lease(&self) -> anyhow::Result<Option<Lease>> {
        match self.get(LEASE).await? {
            Some((_, body)) => Ok(Some(Lease::decode(&body)?)),
            None => Ok(None),
        }
    }

    /// The lease of the configured cluster.
    pub(crate) async fn lease_of(&self, configuration: &Configuration) -> anyhow::Result<Lease> {
        let configured = &configuration.settings.cluster_name;
        let Some(lease) = self.lease().await? else {
            bail!(
                "there is no lease.json in {}: found the cluster with `understudy init`, or correct bucket and prefix",
                self.place
            );
        };
        if lease.name != *configured {
            bail!(
                "the lease in {} belongs to cluster {:?}, the configuration says {configured:?}: check bucket, prefix and cluster",
                self.place,
                lease.name
            );
        }
        Ok(lease)
    }

    /// Creates the lease. Durable when `Done`; an unknown outcome is settled
    /// by reading back.
    pub(crate) async fn create_lease(&self, lease: &Lease) -> anyhow::Result<Written> {
        let body = Bytes::from(lease.encode());
        let answer = self.objects.put(LEASE, body, Condition::Absent).await;
        if settled(&answer)? {
            return Ok(Written::Done);
        }
        let found = self
            .lease()
            .await
            .context("the outcome of the write is unknown")?;
        Ok(match found {
            Some(found) if found.nonce == lease.nonce => Written::Done,
            _ => Written::Lost,
        })
    }

    /// The flag as it lies there, readable or not.
    pub(crate) async fn activation(
        &self,
    ) -> anyhow::Result<Option<(ETag, Result<ActivationRequest, String>)>> {
        let found = self.get(ACTIVATION).await?;
        Ok(found.map(|(etag, body)| (etag, ActivationRequest::decode(&body))))
    }

    /// Writes the flag over the state that was read. Durable when `Done`; an
    /// unknown outcome is settled by reading back.
    pub(crate) async fn write_activation(
        &self,
        request: &ActivationRequest,
        over: Option<ETag>,
    ) -> anyhow::Result<Written> {
        let condition = over.map_or(Condition::Absent, Condition::Matches);
        let body = Bytes::from(request.encode());
        let answer = self.objects.put(ACTIVATION, body, condition).await;
        if settled(&answer)? {
            return Ok(Written::Done);
        }
        let found = self
            .activation()
            .await
            .context("the outcome of the write is unknown")?;
        Ok(match found {
            Some((_, Ok(found))) if found.id == request.id => Written::Done,
            _ => Written::Lost,
        })
    }

    async fn get(&self, key: &str) -> anyhow::Result<Option<(ETag, Bytes)>> {
        let fetched = self.objects.get(key, None).await;
        match fetched.with_context(|| format!("cannot read {key}"))? {
            Fetched::Found(object) => Ok(Some((object.etag, object.body))),
            Fetched::Absent | Fetched::NotModified => Ok(None),
        }
    }
}

/// Whether the answer alone says that it was applied. An error that surely
/// did not happen is an error; all else is for reading back.
fn settled(answer: &Result<PutAnswer, StoreError>) -> anyhow::Result<bool> {
    match answer {
        Ok(PutAnswer::Applied(_)) => Ok(true),
        Err(error @ StoreError::Determinate(_)) => Err(error.clone().into()),
        Ok(_) | Err(StoreError::Indeterminate(_)) => Ok(false),
    }
}
