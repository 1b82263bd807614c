//! The services over loopback, with nodes that only pretend: no log, no
//! lease, and roles that change when a test says so.

mod fake_node;
mod kv;
mod relay;
mod server;
mod watch;
mod watch_roles;
