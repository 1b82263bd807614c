//! The closed loop: a number of calls in flight, the next one starts when one
//! ends. Latencies are from the start of the call to its whole answer.

mod command;
mod connection;
mod report;
mod run;
mod slot;
mod tally;

pub use command::{GetOptions, PutOptions, run_get, run_put};
pub use report::LoadReport;
