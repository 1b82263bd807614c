use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const PATIENCE: Duration = Duration::from_secs(2);

/// What a console answered.
#[derive(Clone, Debug)]
pub struct Page {
    pub status: u16,
    pub body: String,
}

/// One GET; none when nobody answers in time.
pub async fn get(address: SocketAddr, path: &str) -> Option<Page> {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await.ok()?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: console\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.ok()?;
        parse(&String::from_utf8(answer).ok()?)
    };
    tokio::time::timeout(PATIENCE, exchange).await.ok()?
}

fn parse(answer: &str) -> Option<Page> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Page {
        status,
        body: body.to_owned(),
    })
}
