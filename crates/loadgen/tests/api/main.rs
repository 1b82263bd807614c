//! The measurements against a small key-value server in the same process.

mod catchup;
mod fixture;
mod load;
mod recorder;
mod watch;
