//! The log's tests, in one binary.

mod batch;
mod common;
mod crash;
mod disk;
mod full;
mod golden;
mod log;
mod quarantine;
mod reader;
mod recovery;
mod root;
mod scrub;
mod set_aside;
mod splice;
mod tail;
mod truncate;
