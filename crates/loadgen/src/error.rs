use crate::Endpoint;

/// Why a measurement could not be made. What a server answers to single calls
/// is no such error: it is counted in the report.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The caller must change the options.
    #[error("{0}")]
    InvalidOptions(String),
    /// The caller must look at the servers: none of them could be used.
    #[error("no endpoint answers; the last one tried, {endpoint}: {reason}")]
    Unreachable { endpoint: Endpoint, reason: String },
    /// The caller must look at the command that it gave.
    #[error("cannot run {command:?}: {source}")]
    Command {
        command: String,
        source: std::io::Error,
    },
    /// The system gave no random bytes for the run's name.
    #[error("no random bytes from the system: {0}")]
    Random(getrandom::Error),
    /// The report could not be written.
    #[error("cannot write the report: {0}")]
    Output(#[from] std::io::Error),
}
