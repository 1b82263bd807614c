//! A load generator for any endpoint that speaks the etcd v3 API: it measures
//! puts, gets, watches, failovers and catch-ups, and it proves that no
//! acknowledged write is missing.
//!
//! It never guesses: a call whose outcome is not known is *unknown*, never
//! "failed". It never sends one write twice, so each acknowledged key must be
//! found at version 1. It knows nothing of the server but its API.
//!
//! What holds:
//! - one task per connection, no task and no encoding per request: the
//!   generator shares its cores with the server that it measures;
//! - every call ends: with an answer, or at its timeout;
//! - time is read in [`Stopwatch`] and nowhere else.
//!
//! Start with [`Bench`], the commands as options. [`Recorder`] and
//! [`AckedWrites`] are the part that tests of real processes use too.

mod stopwatch;
pub use stopwatch::Stopwatch;

mod duration;
mod endpoint;
mod error;
mod options;
pub use duration::parse_duration;
pub use endpoint::{Endpoint, InvalidEndpoint};
pub use error::LoadError;
pub use options::{Consistency, KeyOrder, LoadCourse, LoadOptions, OutputFormat, TargetOptions};

mod call;

mod keys;
mod latency;
mod table;
pub use latency::{Latency, LatencySummary};

mod load;
pub use load::{GetOptions, LoadReport, PutOptions, run_get, run_put};

mod watch;
pub use watch::{WatchOptions, WatchReport, run_watch};

mod writes;
pub use writes::{AckedWrites, Recorder, RecorderOptions, Verification, Violation, WriteCounts};

mod history;
pub use history::{
    Act, Answer, History, HistoryOptions, HistoryRecorder, Key, Operation, Outcome, Pair, Seen,
    Sighting, WatchedEvent,
};

mod failover;
pub use failover::{FailoverOptions, FailoverReport, run_failover};

mod catchup;
pub use catchup::{CatchupOptions, CatchupReport, StatusUrl, run_catchup};

mod bench;
pub use bench::{Bench, Prospect, Verdict};
