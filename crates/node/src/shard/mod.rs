//! One shard: its log thread, its state thread, and what they share.
//!
//! proposal → [`queue`] → [`log_thread`] (append, flush) → [`tail`] →
//! [`marks`] (committed) → [`state_thread`] (apply) → answer.

pub(crate) mod answers;
pub(crate) mod boot;
pub(crate) mod core;
pub(crate) mod cursor;
pub(crate) mod log_thread;
pub(crate) mod marks;
pub(crate) mod queue;
mod restore;
pub(crate) mod scrub;
pub(crate) mod state_thread;
pub(crate) mod tail;
pub(crate) mod work;

pub(crate) use self::core::{LogCommand, Outline, ShardCore, offered};

#[cfg(test)]
mod tests;
