use std::fmt;
use std::str::FromStr;

/// Host and port of one server; plain HTTP/2.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct Endpoint {
    authority: String,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEndpoint {
    #[error("{0:?} asks for TLS, which the load generator does not speak: use http://")]
    Tls(String),
    #[error("{0:?} is not host:port or http://host:port")]
    Malformed(String),
}

impl Endpoint {
    /// `host:port`.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.authority)
    }
}

impl FromStr for Endpoint {
    type Err = InvalidEndpoint;

    fn from_str(text: &str) -> Result<Self, InvalidEndpoint> {
        if text.starts_with("https://") {
            return Err(InvalidEndpoint::Tls(text.to_owned()));
        }
        let authority = text.strip_prefix("http://").unwrap_or(text);
        let authority = authority.strip_suffix('/').unwrap_or(authority);
        let malformed = || InvalidEndpoint::Malformed(text.to_owned());
        let (host, port) = authority.rsplit_once(':').ok_or_else(malformed)?;
        let host_is_whole = !host.is_empty() && !host.contains(['/', '@', ' ']);
        if !host_is_whole || port.parse::<u16>().is_err() {
            return Err(malformed());
        }
        Ok(Endpoint {
            authority: authority.to_owned(),
        })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoint_is_read_with_and_without_scheme() {
        for text in [
            "127.0.0.1:2379",
            "http://127.0.0.1:2379",
            "http://127.0.0.1:2379/",
        ] {
            let endpoint: Endpoint = text.parse().unwrap();
            assert_eq!(endpoint.url(), "http://127.0.0.1:2379");
        }
        assert_eq!(
            "[::1]:1".parse::<Endpoint>().unwrap().authority(),
            "[::1]:1"
        );
    }

    #[test]
    fn endpoint_without_port_or_with_tls_is_refused() {
        assert!(matches!(
            "https://a:1".parse::<Endpoint>(),
            Err(InvalidEndpoint::Tls(_))
        ));
        for text in ["", "host", ":1", "host:port", "http://a/b:1", "a:70000"] {
            assert!(text.parse::<Endpoint>().is_err(), "{text:?}");
        }
    }
}
