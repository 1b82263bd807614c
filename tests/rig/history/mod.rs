//! Judges what clients and watchers were told: is there one order of all
//! operations that explains every answer, and did every watcher see every
//! change once and in order?
//!
//! The order is searched by the checker of `todc-utils` (Wing and Gong's
//! algorithm with Lowe's memory of what was tried), a group of keys at a time.
//! [`revisions`] then holds the groups together, as every change of any key
//! has a revision of its own.

mod check;
mod model;
mod revisions;
mod watches;

pub use check::{Violation, violations};

#[cfg(test)]
mod tests;
