use std::path::PathBuf;

/// Why a configuration cannot be used; each says what to change.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error(
        "the configuration {} cannot be read: {source}; correct the path given with --config",
        file.display()
    )]
    Unreadable {
        file: PathBuf,
        source: std::io::Error,
    },
    #[error(
        "the configuration {} is not valid:\n{detail}\n(docs/configuration.md lists every field)",
        file.display()
    )]
    Malformed { file: PathBuf, detail: String },
    #[error("the configuration {}: {problem}", file.display())]
    Invalid { file: PathBuf, problem: String },
    #[error("{name}: {problem}")]
    Override { name: &'static str, problem: String },
}
