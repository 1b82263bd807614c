use crate::FaultKind;
use std::fmt;
use std::time::Duration;

/// Where the objects are, and how long one request may take.
#[derive(Clone, Debug)]
pub struct S3Config {
    pub bucket: String,
    /// Put before every key, with a `/` between. May be empty.
    pub prefix: String,
    /// An URL such as `http://127.0.0.1:9000`; `None` is AWS in `region`.
    pub endpoint: Option<String>,
    /// Part of every signature. Stores that are not AWS take any.
    pub region: String,
    /// The bucket in the URL's path, as most stores that are not AWS want
    /// it; otherwise in the host name.
    pub path_style: bool,
    /// `None`: environment, profile files, web identity, container and
    /// instance roles, in this order.
    pub credentials: Option<Credentials>,
    /// For one whole request, connecting and both bodies included.
    pub attempt_timeout: Duration,
    /// For DNS, TCP and TLS; inside `attempt_timeout`.
    pub connect_timeout: Duration,
}

impl S3Config {
    /// A bucket of AWS, no prefix, the usual credentials, and the times that
    /// the lease's defaults are reckoned with.
    pub fn new(bucket: impl Into<String>, region: impl Into<String>) -> Self {
        S3Config {
            bucket: bucket.into(),
            prefix: String::new(),
            endpoint: None,
            region: region.into(),
            path_style: false,
            credentials: None,
            attempt_timeout: Duration::from_millis(1500),
            connect_timeout: Duration::from_millis(500),
        }
    }

    /// `s3://bucket/prefix at endpoint`, for people.
    pub fn describe(&self) -> String {
        let slash = if self.prefix.is_empty() { "" } else { "/" };
        let place = format!("s3://{}{slash}{}", self.bucket, self.prefix);
        match &self.endpoint {
            Some(endpoint) => format!("{place} at {endpoint}"),
            None => format!("{place} in {}", self.region),
        }
    }
}

/// A fixed pair of keys. Its `Debug` shows the access key only.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub access_key: String,
    pub secret_key: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("access_key", &self.access_key)
            .finish_non_exhaustive()
    }
}

/// Why no request can be made: correct the configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    #[error("the bucket's name is empty: set it")]
    NoBucket,
    #[error("the region is empty: set it (stores that are not AWS take any, e.g. us-east-1)")]
    NoRegion,
    #[error("the endpoint {endpoint:?} is not an http:// or https:// URL with a host: correct it")]
    InvalidEndpoint { endpoint: String },
    #[error("the prefix {prefix:?} must not begin or end with a slash: leave the slashes out")]
    InvalidPrefix { prefix: String },
    #[error("{} ({detail}): {}", FaultKind::NoCredentials.fact(), FaultKind::NoCredentials.cure())]
    NoCredentials { detail: String },
    #[error(
        "connect_timeout ({connect_timeout:?}) must be positive and at most \
         attempt_timeout ({attempt_timeout:?})"
    )]
    InvalidTimeouts {
        connect_timeout: Duration,
        attempt_timeout: Duration,
    },
}

impl S3Config {
    pub(super) fn check(&self) -> Result<(), ConnectError> {
        if self.bucket.is_empty() {
            return Err(ConnectError::NoBucket);
        }
        if self.region.is_empty() {
            return Err(ConnectError::NoRegion);
        }
        if self.prefix.starts_with('/') || self.prefix.ends_with('/') {
            return Err(ConnectError::InvalidPrefix {
                prefix: self.prefix.clone(),
            });
        }
        if self.connect_timeout.is_zero() || self.connect_timeout > self.attempt_timeout {
            return Err(ConnectError::InvalidTimeouts {
                connect_timeout: self.connect_timeout,
                attempt_timeout: self.attempt_timeout,
            });
        }
        match &self.endpoint {
            Some(endpoint) if host_of(endpoint).is_none() => Err(ConnectError::InvalidEndpoint {
                endpoint: endpoint.clone(),
            }),
            _ => Ok(()),
        }
    }

    /// Whether the endpoint is on this machine, by name or by address.
    pub(super) fn is_loopback(&self) -> bool {
        let Some(host) = self.endpoint.as_deref().and_then(host_of) else {
            return false;
        };
        let address = host.trim_start_matches('[').trim_end_matches(']');
        match address.parse::<std::net::IpAddr>() {
            Ok(address) => address.is_loopback(),
            Err(_) => host.eq_ignore_ascii_case("localhost"),
        }
    }
}

/// The host of an http or https URL, an IPv6 address with its brackets.
fn host_of(endpoint: &str) -> Option<&str> {
    let rest = endpoint
        .strip_prefix("http://")
        .or_else(|| endpoint.strip_prefix("https://"))?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = match authority.rfind(']') {
        Some(end) => &authority[..=end],
        None => authority.split(':').next()?,
    };
    (!host.is_empty()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(endpoint: &str) -> S3Config {
        S3Config {
            endpoint: Some(endpoint.into()),
            ..S3Config::new("bucket", "us-east-1")
        }
    }

    #[test]
    fn loopback_is_known_by_name_and_by_address() {
        for endpoint in [
            "http://127.0.0.1:9000",
            "http://[::1]:9000",
            "https://LOCALHOST/x",
        ] {
            assert!(at(endpoint).is_loopback(), "{endpoint}");
        }
        for endpoint in ["http://127.0.0.1.example.com", "https://s3.example.com:443"] {
            assert!(!at(endpoint).is_loopback(), "{endpoint}");
        }
        assert!(!S3Config::new("bucket", "us-east-1").is_loopback());
    }

    #[test]
    fn unusable_configurations_are_refused() {
        for endpoint in ["127.0.0.1:9000", "ftp://host", "http://", "http://:80"] {
            let refusal = at(endpoint).check();
            assert!(
                matches!(refusal, Err(ConnectError::InvalidEndpoint { .. })),
                "{endpoint}"
            );
        }
        let prefixed = S3Config {
            prefix: "a/".into(),
            ..at("http://host")
        };
        assert!(matches!(
            prefixed.check(),
            Err(ConnectError::InvalidPrefix { .. })
        ));
        assert_eq!(
            S3Config::new("", "us-east-1").check(),
            Err(ConnectError::NoBucket)
        );
        assert_eq!(
            S3Config::new("bucket", "").check(),
            Err(ConnectError::NoRegion)
        );
        let hasty = S3Config {
            connect_timeout: Duration::from_secs(9),
            ..at("http://host")
        };
        assert!(matches!(
            hasty.check(),
            Err(ConnectError::InvalidTimeouts { .. })
        ));
        assert_eq!(at("http://host:9000").check(), Ok(()));
    }

    #[test]
    fn the_secret_key_is_not_printed() {
        let credentials = Credentials {
            access_key: "A".into(),
            secret_key: "hidden".into(),
        };
        assert!(!format!("{credentials:?}").contains("hidden"));
    }
}
