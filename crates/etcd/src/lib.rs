//! The etcd v3 API over one shard of a node.
//!
//! Primary and standby serve the same services. Serializable reads and
//! watches are answered from what the node has applied; writes and
//! linearizable reads are answered by the primary, and a standby sends them
//! on. While there is no primary, or it changes, a unary call is held for a
//! bounded time: a switchover is latency, not an error.
//!
//! What it never does:
//! - send a write a second time unless it is definite that it did not happen
//!   the first time; a client is told `understudy-not-accepted` exactly then
//! - relay what was relayed
//! - keep more than a few responses for a client that does not read
//! - tell a watch other content for a revision that it was told already
//!
//! Start reading at `door`, where every unary call enters, then `call`, `watch`.
//! `threads` is where all of it runs, `status` the one table of codes and messages.

mod backend;
mod call;
mod cluster;
mod convert;
mod door;
mod identity;
mod kv;
mod lease;
mod maintenance;
mod options;
mod read;
mod relay;
mod server;
mod status;
mod threads;
mod watch;
mod write;

pub use backend::{Backend, CommandResult};
pub use options::{EtcdOptions, MemberAddress};
pub use server::EtcdServer;
pub use status::NOT_ACCEPTED;
pub use threads::ServeError;
