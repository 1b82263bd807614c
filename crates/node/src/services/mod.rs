//! What other machines may ask of this node.

mod access;
mod admin;
mod echo;
mod fetch;
mod log;
mod pack;
mod peers;
mod replication;
mod sender;
mod server;
mod throttle;

pub(crate) use pack::Sent;
pub(crate) use peers::{Away, Peers};
pub(crate) use server::{Services, serve};
