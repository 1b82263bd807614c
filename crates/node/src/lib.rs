//! A node: the shell around the core. It owns the threads, the sockets, the
//! files and the clock, and does what [`understudy_protocol::Control`] says.
//!
//! It never decides a question of the protocol: who may write, who follows
//! whom and what is committed is asked of the core. It never acknowledges
//! what is not flushed ([`shard`]), and no answer leaves without a last look
//! at the lease's deadline ([`handle::ShardHandle::propose`]).
//!
//! Start with [`Node`]; then `shard`, the way of a write; then `driver`, the
//! owner of the role.

pub mod audit;
pub mod profile;
pub mod security;
pub mod settings;

pub mod config;

mod clock;

mod node;

pub mod handle;

mod authority;

mod pulse;

mod maintenance;

mod shard;

mod follow;

mod fallback;

mod services;

mod driver;

pub mod receipts;

mod once;

pub mod meters;

pub mod status;

pub mod stand_in;

pub use clock::BootClock;
pub use node::{ClaimedRoot, FatalError, Node, Observer, Scrape, StartError};
pub use pulse::Pulses;
pub use understudy_log::segment::FORMAT_VERSION as LOG_FORMAT;
