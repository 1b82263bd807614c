use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const BODY_BYTES_MAX: u64 = 16 << 20;

/// Where a console's metrics are: `http://host:port/path`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusUrl {
    authority: String,
    path: String,
}

impl std::str::FromStr for StatusUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let rest = text
            .strip_prefix("http://")
            .ok_or_else(|| format!("{text:?} does not start with http://"))?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        if !authority.contains(':') {
            return Err(format!("{text:?} names no port"));
        }
        let path = if path.is_empty() { "metrics" } else { path };
        Ok(StatusUrl {
            authority: authority.to_owned(),
            path: format!("/{path}"),
        })
    }
}

impl std::fmt::Display for StatusUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "http://{}{}", self.authority, self.path)
    }
}

/// Gets the page. HTTP/1.0: the answer is whole when the connection ends, and
/// never in chunks.
pub(super) async fn scrape(url: &StatusUrl, within: Duration) -> io::Result<String> {
    tokio::time::timeout(within, get(url))
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

async fn get(url: &StatusUrl) -> io::Result<String> {
    let mut stream = TcpStream::connect(&url.authority).await?;
    let request = format!(
        "GET {} HTTP/1.0\r\nHost: {}\r\nAccept: text/plain\r\n\r\n",
        url.path, url.authority
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream
        .take(BODY_BYTES_MAX)
        .read_to_string(&mut answer)
        .await?;
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .ok_or_else(|| io::Error::other("no HTTP answer"))?;
    let status_line = head.lines().next().unwrap_or_default();
    if status_line.split_whitespace().nth(1) != Some("200") {
        return Err(io::Error::other(format!("{url} answers {status_line:?}")));
    }
    Ok(body.to_owned())
}
