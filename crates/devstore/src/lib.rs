//! The development store: a small S3 server inside the process, so that one
//! machine can run the same code against the same protocol as production.
//!
//! It speaks path-style S3 with verified signatures: buckets, conditional
//! puts, conditional and ranged gets, deletes, listings. Everything else is
//! answered `NotImplemented`, so that a new need shows itself at once. It is
//! no store for production: one process, one disk, everything in memory.
//!
//! What it keeps:
//! - a change is answered after it is on stable storage, and no reader sees it
//!   before that;
//! - checking a condition and making the change are one step;
//! - a torn last record is cut off at start, any other damage is refused;
//! - after a failed flush it changes nothing any more;
//! - two of them never share a directory.
//!
//! Start with [`DevStore`]; `shelf` is where the promises above are kept.

mod auth;
mod backend;
mod config;
mod contents;
mod error;
mod journal;
mod lies;
mod server;
mod shelf;

pub use config::{DevStoreConfig, MissingBucket, Mode};
pub use error::DevStoreError;
pub use lies::Lie;
pub use server::DevStore;
