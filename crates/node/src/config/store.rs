use std::fmt;
use std::time::Duration;
use understudy_store::{Credentials, S3Config};

/// The longest that connecting to the store may take, inside an attempt.
const CONNECT_TIMEOUT_MAX: Duration = Duration::from_millis(500);

/// Where the lease is. Its `Debug` does not show the secret key.
#[derive(Clone, PartialEq, Eq)]
pub struct StoreSettings {
    pub bucket: String,
    /// Put before every key; may be empty.
    pub prefix: String,
    /// An URL; `None` is AWS in `region`.
    pub endpoint: Option<String>,
    pub region: String,
    pub path_style: bool,
    /// Access key and secret key; `None` is the SDK's usual chain.
    pub keys: Option<(String, String)>,
    /// The longest that one request may take: `lease.attempt_timeout`.
    pub attempt_timeout: Duration,
}

impl StoreSettings {
    /// The same, as the store's client wants it.
    pub fn s3_config(&self) -> S3Config {
        S3Config {
            bucket: self.bucket.clone(),
            prefix: self.prefix.clone(),
            endpoint: self.endpoint.clone(),
            region: self.region.clone(),
            path_style: self.path_style,
            credentials: self
                .keys
                .clone()
                .map(|(access_key, secret_key)| Credentials {
                    access_key,
                    secret_key,
                }),
            attempt_timeout: self.attempt_timeout,
            connect_timeout: self.attempt_timeout.min(CONNECT_TIMEOUT_MAX),
        }
    }

    /// `s3://bucket/prefix at endpoint`, for people.
    pub fn describe(&self) -> String {
        self.s3_config().describe()
    }
}

impl fmt::Debug for StoreSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreSettings")
            .field("place", &self.describe())
            .field("path_style", &self.path_style)
            .field("access_key", &self.keys.as_ref().map(|(access, _)| access))
            .finish_non_exhaustive()
    }
}
