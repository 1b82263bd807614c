//! Tables: events in, actions out.

mod ambiguous;
mod automatic;
mod commit;
mod comparison;
mod diverged;
mod failover;
mod failsafe;
mod fallback;
mod filler;
mod golden;
mod handover;
mod handshake;
mod hooks;
mod in_sync;
mod lag;
mod refetch;
mod registered;
mod requests;
mod rig;
mod schedule;
mod start;
mod stepping_up;
mod without_store;
