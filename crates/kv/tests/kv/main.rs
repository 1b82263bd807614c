//! The semantics that etcd's clients stand on, and a naive model to hold
//! against.

mod against_model;
mod bytes_of_commands;
mod compaction;
mod epochs;
mod errors;
mod leases;
mod model;
mod puts_and_deletes;
mod ranges;
mod roll_back;
mod support;
mod txns;
mod watches;
