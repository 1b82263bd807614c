use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const PATIENCE: Duration = Duration::from_secs(2);

/// What a server answered.
#[derive(Clone, Debug)]
pub struct Page {
    pub status: u16,
    pub body: String,
}

/// One GET; none when nobody answers in time.
pub async fn get(address: SocketAddr, path: &str) -> Option<Page> {
    let exchange = send(address, "GET", path, "");
    tokio::time::timeout(PATIENCE, exchange).await.ok()?
}

/// One request, with a JSON body unless it is empty; none when nobody answers.
pub(crate) async fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    body: &str,
) -> Option<Page> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.ok()?;
    read_answer(&mut stream).await
}

/// Up to the length that is told, or to the end: not every server closes.
async fn read_answer(stream: &mut TcpStream) -> Option<Page> {
    let mut answer = Vec::new();
    loop {
        if let Some(page) = whole(&answer) {
            return Some(page);
        }
        if stream.read_buf(&mut answer).await.ok()? == 0 {
            return parse(&answer).map(|(page, _)| page);
        }
    }
}

/// The answer, once all of its length is there.
fn whole(answer: &[u8]) -> Option<Page> {
    let (page, length) = parse(answer)?;
    (page.body.len() >= length?).then_some(page)
}

/// As much as there is, and the length of its body where that is told.
fn parse(answer: &[u8]) -> Option<(Page, Option<usize>)> {
    let answer = std::str::from_utf8(answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let told = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.trim().parse().ok())?
    });
    let body = body.to_owned();
    Some((Page { status, body }, told))
}
