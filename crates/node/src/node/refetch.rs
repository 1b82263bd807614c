//! Damaged segments between sound ones, fetched from the holder of the lease.
//!
//! What is fetched must lead from the chain hash before a segment to the one
//! that the next segment follows. So it is what was there, whoever sent it,
//! and the log stands for all that it stood for before.

use crate::driver::LEASE_KEY;
use crate::follow::MESSAGE_BYTES_MAX;
use crate::settings::Settings;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use tonic::transport::Endpoint;
use understudy_log::{Batch, DataRoot, Gap, LogError, OsDisk, Splice, find_gap};
use understudy_protocol::{Lease, Member};
use understudy_store::{Fetched, ObjectStore};
use understudy_tls::{Dialer, Expected};
use understudy_types::{ShardName, innermost_cause};
use understudy_wire::v1::{FetchRequest, replication_client::ReplicationClient};

/// For the connection, and for each batch.
const PATIENCE: Duration = Duration::from_secs(5);

/// Fills what it can. What it cannot is said, and left as it is.
pub(super) async fn fill_gaps(
    root: &DataRoot<OsDisk>,
    store: &dyn ObjectStore,
    settings: &Settings,
    dialer: &Dialer,
) -> Result<(), LogError> {
    for shard in &settings.shards {
        while let Some(gap) = gap(root, &shard.name).await? {
            let (shard, damage) = (&gap.shard, &gap.damage);
            match fill(root, store, settings, dialer, &gap).await {
                Ok(from) => tracing::warn!(
                    %shard, file = %damage.file, offset = damage.offset, %from,
                    "a damaged segment was fetched anew and proved by the chain: the log is what it was; the damaged bytes are kept in damaged/"
                ),
                Err(why) => {
                    tracing::warn!(%shard, file = %damage.file, why, "a damaged segment could not be fetched anew");
                    break;
                }
            }
        }
    }
    Ok(())
}

async fn gap(root: &DataRoot<OsDisk>, shard: &ShardName) -> Result<Option<Gap>, LogError> {
    let (disk, cluster) = (Arc::clone(root.disk()), root.identity().cluster);
    let shard = shard.clone();
    let found = tokio::task::spawn_blocking(move || find_gap(&*disk, cluster, &shard));
    found.await.expect("a walk does not panic")
}

/// The address that it was fetched from, or why not.
async fn fill(
    root: &DataRoot<OsDisk>,
    store: &dyn ObjectStore,
    settings: &Settings,
    dialer: &Dialer,
    gap: &Gap,
) -> Result<String, String> {
    let holder = holder(store, settings).await?;
    let address = holder.replication;
    let endpoint = Endpoint::from_shared(format!("http://{address}"));
    let endpoint = endpoint.map_err(|error| format!("{address}: {error}"))?;
    let endpoint = endpoint.connect_timeout(PATIENCE);
    let channel = dialer.connect(&endpoint, Expected::Node(holder.node)).await;
    let channel = channel.map_err(|error| format!("{address}: {}", innermost_cause(&error)))?;
    let mut client = ReplicationClient::new(channel).max_decoding_message_size(MESSAGE_BYTES_MAX);
    let request = FetchRequest {
        cluster: bytes::Bytes::copy_from_slice(gap.cluster.as_bytes()),
        shard: gap.shard.to_string(),
        from_lsn: gap.first_lsn().get(),
        upto_lsn: gap.end.lsn.get(),
    };
    let said = |status: tonic::Status| format!("{address}: {}", status.message());
    let silent = |_| format!("{address} is silent");
    let batches = timeout(PATIENCE, client.fetch(request)).await;
    let mut batches = batches.map_err(silent)?.map_err(said)?.into_inner();
    let disk = root.disk();
    let mut splice = Splice::begin(&**disk, gap).map_err(|error| error.to_string())?;
    while let Some(fetched) = timeout(PATIENCE, batches.message())
        .await
        .map_err(silent)?
        .map_err(said)?
    {
        let batch = Batch::decode(fetched.batch).map_err(|error| error.to_string())?;
        splice.push(&batch).map_err(|error| error.to_string())?;
    }
    splice.finish().map_err(|error| error.to_string())?;
    Ok(address)
}

/// The holder of the lease, which serves other nodes.
async fn holder(store: &dyn ObjectStore, settings: &Settings) -> Result<Member, String> {
    let object = match store.get(LEASE_KEY, None).await {
        Ok(Fetched::Found(object)) => object,
        Ok(_) => return Err("there is no lease".to_owned()),
        Err(error) => return Err(error.to_string()),
    };
    let lease = Lease::decode(&object.body).map_err(|error| error.to_string())?;
    match lease.holder {
        Some(holder) if holder.node != settings.node => Ok(holder),
        Some(_) => Err("this node itself holds the lease".to_owned()),
        None => Err("nobody holds the lease".to_owned()),
    }
}
