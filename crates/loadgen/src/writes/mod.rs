//! Writers whose every attempt has a key and a value of its own, a ledger of
//! what they were told, and the check of that ledger against a server.

mod ledger;
mod naming;
mod pause;
mod progress;
mod readback;
mod recorder;
mod verification;
mod writer;

pub use ledger::{AckedWrites, WriteCounts};
pub(crate) use recorder::run_name;
pub use recorder::{Recorder, RecorderOptions};
pub use verification::{Verification, Violation};

pub(crate) use pause::Pause;
pub(crate) use readback::prefix_end;

#[cfg(test)]
mod tests;
