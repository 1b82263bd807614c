//! Writers over several endpoints while the operator, or a command, moves the
//! service; then the proof that nothing acknowledged is missing.

mod report;
mod run;

pub use report::FailoverReport;
pub use run::{FailoverOptions, run_failover};
