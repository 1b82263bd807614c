//! How fast a standby catches up, read from the consoles' metrics.

mod gap;
mod metrics;
mod report;
mod run;
mod scrape;

pub use report::CatchupReport;
pub use run::{CatchupOptions, run_catchup};
pub use scrape::StatusUrl;

#[cfg(test)]
mod tests;
