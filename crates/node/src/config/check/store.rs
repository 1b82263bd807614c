//! The object store, and the digests of its keys.

use super::Checked;
use crate::config::{StoreSettings, raw};
use crate::settings::SecretDigests;
use understudy_protocol::Timing;

pub(super) fn store(store: &raw::Store, timing: &Timing) -> Checked<StoreSettings> {
    if store.bucket.is_empty() {
        return Err("store.bucket is empty: name the bucket".to_owned());
    }
    let prefix = store.prefix.clone().unwrap_or_default();
    if prefix.starts_with('/') || prefix.ends_with('/') {
        return Err(format!(
            "store.prefix ({prefix:?}) must not begin or end with a slash: leave the slashes out"
        ));
    }
    if store.region.is_none() && store.endpoint.is_none() {
        return Err("store.region is missing: set it to the bucket's region, or set store.endpoint for a store that is not AWS".to_owned());
    }
    let keys = match (&store.access_key, &store.secret_key) {
        (Some(access), Some(secret)) => Some((access.clone(), secret.clone())),
        (None, None) => None,
        (Some(_), None) => return Err("store.access_key is given without store.secret_key: give both, or neither to use the environment's credentials".to_owned()),
        (None, Some(_)) => return Err("store.secret_key is given without store.access_key: give both, or neither to use the environment's credentials".to_owned()),
    };
    Ok(StoreSettings {
        bucket: store.bucket.clone(),
        prefix,
        endpoint: store.endpoint.clone(),
        region: store
            .region
            .clone()
            .unwrap_or_else(|| "us-east-1".to_owned()),
        path_style: store.path_style.unwrap_or(store.endpoint.is_some()),
        keys,
        attempt_timeout: timing.attempt_timeout,
    })
}

pub(super) fn secrets(cluster_name: &str, store: &StoreSettings) -> SecretDigests {
    let mut digests = SecretDigests::default();
    if let Some((access, secret)) = &store.keys {
        digests.insert(cluster_name, "store.access_key", access);
        digests.insert(cluster_name, "store.secret_key", secret);
    }
    digests
}
