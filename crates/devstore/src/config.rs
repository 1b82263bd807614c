use crate::Lie;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// How a development store is set up.
#[derive(Clone)]
pub struct DevStoreConfig {
    /// Port 0 takes a free one: see [`DevStore::local_addr`](crate::DevStore::local_addr).
    pub listen: SocketAddr,
    /// Made if it does not exist. One store at a time.
    pub dir: PathBuf,
    pub access_key: String,
    pub secret_key: String,
    pub missing_bucket: MissingBucket,
    pub mode: Mode,
}

impl DevStoreConfig {
    /// An honest store that makes buckets on first use.
    pub fn new(
        listen: SocketAddr,
        dir: impl Into<PathBuf>,
        access_key: impl Into<String>,
        secret_key: impl Into<String>,
    ) -> Self {
        DevStoreConfig {
            listen,
            dir: dir.into(),
            access_key: access_key.into(),
            secret_key: secret_key.into(),
            missing_bucket: MissingBucket::MadeOnFirstUse,
            mode: Mode::Honest,
        }
    }
}

impl fmt::Debug for DevStoreConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DevStoreConfig")
            .field("listen", &self.listen)
            .field("dir", &self.dir)
            .field("access_key", &self.access_key)
            .field("missing_bucket", &self.missing_bucket)
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}

/// What a request finds that names a bucket which nobody made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingBucket {
    /// An empty bucket; the first put makes it.
    MadeOnFirstUse,
    /// `NoSuchBucket`, as in production.
    Refused,
}

/// Whether the store keeps its word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Honest,
    /// Honest, but a put's `If-Match` holds only without quotes, as with
    /// Ceph's gateway.
    WantsBareETags,
    /// For showing that a node refuses such a store.
    Lies(Lie),
}
