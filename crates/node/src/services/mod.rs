//! What other machines may ask of this node.

mod access;
mod admin;
mod fetch;
mod log;
mod peers;
mod replication;
mod sender;
mod server;

pub(crate) use peers::{Away, Peers};
pub(crate) use server::{Services, serve};
