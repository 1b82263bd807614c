use crate::{ClusterId, ShardName};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The BLAKE3 chain value at a batch's end: the hash over the previous
/// chain value, the batch's canonical header and its payload. It therefore
/// stands for the whole history up to there.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ChainHash([u8; 32]);

impl ChainHash {
    /// The value before the first batch of a shard. It binds the cluster and
    /// the shard, so no batch of another history can ever link to it.
    pub fn genesis(cluster: ClusterId, shard: &ShardName) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("understudy chain genesis v1");
        hasher.update(cluster.as_bytes());
        hasher.update(shard.as_str().as_bytes());
        ChainHash(*hasher.finalize().as_bytes())
    }

    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        ChainHash(bytes)
    }

    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first eight hexadecimal digits, for people.
    pub fn short(&self) -> String {
        hex(&self.0[..4])
    }
}

fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut out, b| {
            let _ = write!(out, "{b:02x}");
            out
        })
}

impl fmt::Display for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChainHash({}…)", self.short())
    }
}

#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("a chain hash is 64 hexadecimal digits")]
pub struct ParseHashError;

impl FromStr for ChainHash {
    type Err = ParseHashError;
    fn from_str(text: &str) -> Result<Self, ParseHashError> {
        if text.len() != 64 || !text.is_ascii() {
            return Err(ParseHashError);
        }
        let mut bytes = [0; 32];
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).map_err(|_| ParseHashError)?;
        }
        Ok(ChainHash(bytes))
    }
}

impl TryFrom<String> for ChainHash {
    type Error = ParseHashError;
    fn try_from(text: String) -> Result<Self, ParseHashError> {
        text.parse()
    }
}

impl From<ChainHash> for String {
    fn from(hash: ChainHash) -> String {
        hash.to_string()
    }
}
