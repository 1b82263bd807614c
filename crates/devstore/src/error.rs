use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a development store cannot start, or cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum DevStoreError {
    #[error(
        "the address {address} is taken by another process: stop that one, or listen on another port"
    )]
    AddressInUse { address: SocketAddr },
    #[error("cannot listen on {address}: {source}")]
    Listen {
        address: SocketAddr,
        source: std::io::Error,
    },
    #[error("another store is using {}: stop it, or give this one its own directory", dir.display())]
    DirectoryInUse { dir: PathBuf },
    #[error("cannot {act} {}: {source}", path.display())]
    Disk {
        act: &'static str,
        path: PathBuf,
        source: std::io::Error,
    },
    /// Not a torn tail: sound records follow the damage, or the file is not
    /// a journal. It is never repaired by guessing.
    #[error(
        "{} is damaged at offset {offset}: expected {expected}, found {found}. \
         Restore the file, or move it away to begin with an empty store",
        path.display()
    )]
    Damaged {
        path: PathBuf,
        offset: u64,
        expected: &'static str,
        found: String,
    },
    /// A flush failed earlier. What the disk holds is unknown until the store
    /// is started again.
    #[error("a write to the journal failed, so nothing is written any more: start the store again")]
    Stopped,
}

impl DevStoreError {
    pub(crate) fn disk(
        act: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> DevStoreError {
        let path = path.into();
        move |source| DevStoreError::Disk { act, path, source }
    }
}
