//! The deterministic simulator: the real core and the real log, with
//! simulated time, disks, network, object store, operators and clients.
//!
//! One thread and one seed decide everything: an event queue ordered by time
//! and sequence, one generator of chance, no real clock, no hash map. The
//! same seed gives the same trace, byte for byte.
//!
//! What runs here as in production: `protocol::Control`, `CommitTracker`,
//! `Intake`, `common_position`, and `understudy_log` over its `SimDisk`. The
//! shell around them ([`node`]) is the simulator's own and does what the
//! node's shell does; its lines can be broken on purpose ([`Mutation`]).
//!
//! A run: faults for a while, checked at every step ([`invariants`]); then
//! faults stop, and the pair must heal, serve, and show every acknowledged
//! write on all nodes.
//!
//! Start with [`run()`], then `world`, then `node::Process`.

mod campaign;
mod chance;
mod client;
mod env;
mod invariants;
mod lease_steps;
mod machine;
mod matrix;
mod mutation;
mod network;
mod node;
mod oracle;
mod queue;
mod run;
mod scenario;
mod stats;
mod store;
mod time;
mod trace;
mod world;

pub use campaign::{Campaign, Failure, StopEarly, Summary, campaign};
pub use env::Violation;
pub use invariants::Invariant;
pub use lease_steps::LeaseStep;
pub use matrix::{Cell, DurableStep, Role, Thoroughness, crash_matrix};
pub use mutation::{Mutation, UnknownMutation};
pub use run::{Outcome, Tracing, run};
pub use stats::Stats;
