//! Watchers on one prefix, writers under it, and the time between.

mod report;
mod run;
mod stamp;
mod tracker;
mod watcher;

mod writer;

pub use report::WatchReport;
pub use run::{WatchOptions, run_watch};
pub(crate) use watcher::connect;

#[cfg(test)]
mod tests;
