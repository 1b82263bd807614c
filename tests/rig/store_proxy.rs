//! A proxy in front of the store that treats requests badly, one whole
//! request at a time: it knows just enough of HTTP/1.1 to tell where one ends.

use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// How each request is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    None,
    /// It and its answer are held for so long.
    Delays(Duration),
    /// It is answered 503 and goes nowhere.
    Fails,
    /// It is done, and the connection closed in place of the answer.
    LosesAnswers,
    /// It is done twice; the second answer is given.
    Doubles,
    /// It is done, and the answer ends in its middle.
    Truncates,
}

impl Trouble {
    pub const EACH: [Trouble; 5] = [
        Trouble::Delays(Duration::from_millis(300)),
        Trouble::Fails,
        Trouble::LosesAnswers,
        Trouble::Doubles,
        Trouble::Truncates,
    ];
}

const UNAVAILABLE: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// Ends with its drop.
#[derive(Debug)]
pub struct StoreProxy {
    trouble: watch::Sender<Trouble>,
    troubled: Arc<AtomicU64>,
    asked: Arc<Mutex<BTreeSet<Asked>>>,
    task: JoinHandle<()>,
}

/// What was asked of the store: method, and path without its query.
type Asked = (String, String);

impl StoreProxy {
    pub async fn before(address: SocketAddr, target: SocketAddr) -> StoreProxy {
        let listener = TcpListener::bind(address).await.expect("the proxy's port");
        let trouble = watch::Sender::new(Trouble::None);
        let troubled = Arc::new(AtomicU64::new(0));
        let way = Way {
            target,
            trouble: trouble.subscribe(),
            troubled: Arc::clone(&troubled),
            asked: Arc::default(),
        };
        StoreProxy {
            trouble,
            troubled,
            asked: Arc::clone(&way.asked),
            task: tokio::spawn(accept(listener, way)),
        }
    }

    pub fn set(&self, trouble: Trouble) {
        self.trouble.send_replace(trouble);
    }

    /// Requests that were treated badly so far.
    pub fn troubled(&self) -> u64 {
        self.troubled.load(Ordering::Relaxed)
    }

    /// Each that was asked once or more.
    pub fn asked(&self) -> BTreeSet<(String, String)> {
        self.asked.lock().expect("nobody panics with it").clone()
    }
}

impl Drop for StoreProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Clone, Debug)]
struct Way {
    target: SocketAddr,
    trouble: watch::Receiver<Trouble>,
    troubled: Arc<AtomicU64>,
    asked: Arc<Mutex<BTreeSet<Asked>>>,
}

impl Way {
    fn note(&self, request: &[u8]) {
        let head = String::from_utf8_lossy(request);
        let mut words = head.split(' ').map(str::to_owned);
        if let (Some(method), Some(target)) = (words.next(), words.next()) {
            let path = target.split('?').next().unwrap_or_default().to_owned();
            let mut asked = self.asked.lock().expect("nobody panics with it");
            asked.insert((method, path));
        }
    }
}

async fn accept(listener: TcpListener, way: Way) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        connections.spawn(serve(client, way.clone()));
    }
}

/// Request after request, until either side ends the connection.
async fn serve(client: TcpStream, way: Way) -> io::Result<()> {
    let (from_client, mut to_client) = client.into_split();
    let mut from_client = BufReader::new(from_client);
    let mut server = TcpStream::connect(way.target).await?;
    loop {
        let request = read_message(&mut from_client).await?;
        way.note(&request);
        let trouble = *way.trouble.borrow();
        if trouble != Trouble::None {
            way.troubled.fetch_add(1, Ordering::Relaxed);
        }
        match trouble {
            Trouble::Fails => return to_client.write_all(UNAVAILABLE).await,
            Trouble::Delays(delay) => tokio::time::sleep(delay).await,
            Trouble::Doubles => drop(exchange(&mut server, &request).await?),
            Trouble::None | Trouble::LosesAnswers | Trouble::Truncates => {}
        }
        let answer = exchange(&mut server, &request).await?;
        match trouble {
            Trouble::LosesAnswers => return Ok(()),
            Trouble::Truncates => return to_client.write_all(&answer[..answer.len() / 2]).await,
            Trouble::Delays(delay) => tokio::time::sleep(delay).await,
            Trouble::None | Trouble::Fails | Trouble::Doubles => {}
        }
        to_client.write_all(&answer).await?;
    }
}

async fn exchange(server: &mut TcpStream, request: &[u8]) -> io::Result<Vec<u8>> {
    server.write_all(request).await?;
    read_message(&mut BufReader::new(server)).await
}

/// A head, and the body that it announces. The store answers neither in
/// chunks nor to HEAD, so that a message without a length has no body.
async fn read_message(from: &mut (impl AsyncBufReadExt + Unpin)) -> io::Result<Vec<u8>> {
    let mut message = Vec::new();
    let mut body_bytes = 0;
    loop {
        let mut line = Vec::new();
        if from.read_until(b'\n', &mut line).await? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        message.extend_from_slice(&line);
        let text = String::from_utf8_lossy(&line).to_ascii_lowercase();
        assert!(
            !text.starts_with("transfer-encoding"),
            "the proxy does not know chunks"
        );
        if let Some(length) = text.strip_prefix("content-length:") {
            body_bytes = length.trim().parse().expect("a length");
        }
        if text.trim_end().is_empty() {
            break;
        }
    }
    let mut body = vec![0; body_bytes];
    from.read_exact(&mut body).await?;
    message.extend_from_slice(&body);
    Ok(message)
}
