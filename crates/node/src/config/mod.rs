//! The configuration file, and what flags and the environment put over it,
//! become [`Settings`] and [`StoreSettings`], which are valid by construction.
//!
//! `raw` is the file as written, `units` the way values are spelled,
//! `overrides` what lies over it, `check` the one place where relations
//! between values are judged. docs/configuration.md describes every field;
//! a test compares that page with `raw`.

mod check;
mod error;
mod overrides;
mod raw;
mod security;
mod store;
mod units;

pub use error::ConfigError;
pub use overrides::Overrides;
pub use store::StoreSettings;
pub use units::{parse_byte_count, parse_duration};

use crate::settings::Settings;
use std::path::{Path, PathBuf};

/// What one configuration file and what lies over it say.
#[derive(Clone, Debug)]
pub struct Configuration {
    pub settings: Settings,
    pub store: StoreSettings,
}

impl Configuration {
    /// Reads the file, puts `overrides` over it, and checks all relations.
    /// Changes nothing on disk.
    pub fn load(file: &Path, overrides: &Overrides) -> Result<Configuration, ConfigError> {
        let text = std::fs::read_to_string(file).map_err(|source| ConfigError::Unreadable {
            file: file.to_owned(),
            source,
        })?;
        Self::parse(&text, file, overrides)
    }

    /// As `load`, from text that would be in `file`. Relative paths in it
    /// begin at the file's directory.
    pub fn parse(
        text: &str,
        file: &Path,
        overrides: &Overrides,
    ) -> Result<Configuration, ConfigError> {
        let mut raw: raw::File = toml::from_str(text).map_err(|error| ConfigError::Malformed {
            file: file.to_owned(),
            detail: error.to_string().trim_end().to_owned(),
        })?;
        overrides.apply(&mut raw)?;
        check::checked(raw, &directory_of(file)).map_err(|problem| ConfigError::Invalid {
            file: file.to_owned(),
            problem,
        })
    }
}

fn directory_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

#[cfg(test)]
mod tests;
