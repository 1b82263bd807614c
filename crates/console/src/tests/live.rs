use super::{Fixed, console, primary, read, standby};
use crate::{
    Alone, Ask, Cluster, Console, Ended, Judged, NodeAnswer, Receipts, Refusal, Subject, Tell,
    Tokens, router, serve,
};
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use axum::response::Response;
use futures::future::{BoxFuture, join_all};
use parking_lot::Mutex;
use serde_json::Value;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Waker};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;
use understudy_node::Scrape;
use understudy_node::status::{Receipt, Status};

fn following() -> Console<Fixed> {
    console(&Fixed {
        status: read(standby()),
        primary: false,
        ready: true,
        alive: true,
    })
}

async fn get(console: &Console<Fixed>, path: &str) -> Response {
    let request = Request::get(path).body(Body::empty()).unwrap();
    router(console.clone()).oneshot(request).await.unwrap()
}

/// Counts what its pages cost.
#[derive(Clone)]
struct Counted {
    subject: Fixed,
    rounds: Arc<AtomicUsize>,
    reads: Arc<AtomicUsize>,
    reading: Arc<AtomicUsize>,
    gate: Arc<Mutex<()>>,
}

impl Counted {
    fn new() -> Counted {
        let subject = Fixed {
            status: read(primary()),
            primary: true,
            ready: true,
            alive: true,
        };
        Counted {
            subject,
            rounds: Arc::default(),
            reads: Arc::default(),
            reading: Arc::default(),
            gate: Arc::default(),
        }
    }

    fn console(&self) -> Console<Counted> {
        let endpoint = "127.0.0.1:2390".to_owned();
        let cluster = Arc::new(self.clone());
        Console::new(self.clone(), endpoint, cluster, Tokens::default())
    }
}

impl Subject for Counted {
    fn scrape(&self) -> impl Future<Output = Scrape> + Send {
        self.subject.scrape()
    }
    fn status(&self) -> Status {
        self.subject.status()
    }
    fn is_primary_now(&self) -> bool {
        true
    }
    fn is_ready(&self) -> bool {
        true
    }
    fn is_alive(&self) -> bool {
        true
    }
    fn receipts(&self) -> Result<Vec<Receipt>, String> {
        assert_eq!(self.reading.fetch_add(1, Relaxed), 0, "one at a time");
        drop(self.gate.lock());
        self.reads.fetch_add(1, Relaxed);
        self.reading.fetch_sub(1, Relaxed);
        Err("the disk is away".to_owned())
    }
}

impl Cluster for Counted {
    fn others<'a>(&'a self, _: &'a Status) -> BoxFuture<'a, Vec<NodeAnswer>> {
        self.rounds.fetch_add(1, Relaxed);
        let answer = NodeAnswer {
            endpoint: "127.0.0.1:2490".to_owned(),
            status: None,
            error: Some("no connection".to_owned()),
            seconds_ago: 0.0,
        };
        Box::pin(async move {
            // Others may come while it is asked.
            tokio::task::yield_now().await;
            vec![answer]
        })
    }

    fn receipts<'a>(&'a self, _: &'a Status) -> BoxFuture<'a, Receipts> {
        let silent = vec!["127.0.0.1:2490".to_owned(), "no\nplace".to_owned()];
        let receipts = Receipts {
            found: Vec::new(),
            silent,
        };
        Box::pin(async { receipts })
    }

    fn judge<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Result<Judged, Refusal>> {
        Alone.judge(ask)
    }

    fn act(&self, ask: Ask, by: String, tell: Tell) -> BoxFuture<'_, Result<Ended, Refusal>> {
        Box::pin(async move { Alone.act(ask, by, tell).await })
    }
}

/// What so many who ask at once hear.
async fn asked_at_once(console: &Console<Counted>, path: &str) -> Vec<(StatusCode, Value)> {
    let asking = (0..50).map(async |_| {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let answer = router(console.clone()).oneshot(request).await.unwrap();
        let status = answer.status();
        let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    });
    join_all(asking).await
}

// Those who come while an answer is fetched that is too old for them share the
// next one: two, however many ask.

#[tokio::test]
async fn many_pages_cost_one_round_to_the_other_nodes() {
    let counted = Counted::new();
    for (status, pair) in asked_at_once(&counted.console(), "/api/status").await {
        assert_eq!(status, StatusCode::OK);
        assert_eq!(pair["nodes"][0]["status"]["node"], "alpha");
        assert_eq!(pair["nodes"][1]["error"], "no connection");
    }
    let rounds = counted.rounds.load(Relaxed);
    assert!((1..=2).contains(&rounds), "{rounds}");
}

#[tokio::test]
async fn many_pages_read_the_receipts_once() {
    let counted = Counted::new();
    let console = counted.console();
    let mut asking = pin!(asked_at_once(&console, "/api/history"));
    // Nothing is read before all have come.
    let gate = counted.gate.lock();
    let mut unheard = Context::from_waker(Waker::noop());
    assert!(asking.as_mut().poll(&mut unheard).is_pending());
    drop(gate);
    for (status, said) in asking.await {
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(said["error"], "the disk is away");
    }
    let reads = counted.reads.load(Relaxed);
    assert!((1..=2).contains(&reads), "{reads}");
}

async fn json(console: &Console<Fixed>, path: &str) -> Value {
    let answer = get(console, path).await;
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    serde_json::from_slice(&body).unwrap()
}

#[tokio::test]
async fn pair_is_told_as_the_status_command_tells_it() {
    let pair = json(&following(), "/api/status").await;
    assert_eq!(pair["nodes"][0]["endpoint"], "127.0.0.1:2490");
    assert_eq!(pair["nodes"][0]["status"]["node"], "bravo");
    assert_eq!(pair["nodes"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn receipts_and_lag_are_empty_at_first() {
    let console = following();
    assert_eq!(json(&console, "/api/history").await, serde_json::json!([]));
    let lag = json(&console, "/api/lag").await;
    assert_eq!(lag["fields"][0], "seconds_ago");
    assert_eq!(lag["samples"], serde_json::json!([]));
}

#[tokio::test]
async fn nodes_whose_receipts_are_missing_are_named_beside_the_list() {
    let endpoint = "127.0.0.1:2390".to_owned();
    let counted = Counted::new();
    let (subject, cluster) = (counted.subject.clone(), Arc::new(counted));
    let console = Console::new(subject, endpoint, cluster, Tokens::default());
    let answer = get(&console, "/api/history").await;
    let silent = "127.0.0.1:2490, no\\nplace";
    assert_eq!(answer.headers()["understudy-silent"], silent);
    let complete = get(&following(), "/api/history").await;
    assert!(!complete.headers().contains_key("understudy-silent"));
}

#[tokio::test]
async fn more_pages_than_there_are_places_are_refused() {
    let console = following();
    let mut pages = Vec::new();
    let refused = loop {
        let answer = get(&console, "/api/events").await;
        match answer.status() {
            StatusCode::OK => pages.push(answer),
            _ => break answer,
        }
    };
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(pages.len(), 64);
    drop(pages);
    assert_eq!(get(&console, "/api/events").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn listeners_hear_each_second_and_are_let_go_at_the_end() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let console = following();
    let shutdown = async { drop(stopped.await) };
    let serving = tokio::spawn(serve(console.clone(), listener, shutdown));
    let mut stream = BufReader::new(TcpStream::connect(address).await.unwrap());
    let request = b"GET /api/events HTTP/1.1\r\nHost: here\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut heard = Vec::new();
    let mut line = String::new();
    while heard.len() < 2 {
        line.clear();
        assert!(
            stream.read_line(&mut line).await.unwrap() > 0,
            "ended early"
        );
        if let Some(data) = line.strip_prefix("data: ") {
            heard.push(serde_json::from_str::<Value>(data).unwrap());
        }
    }
    assert_eq!(heard[0]["nodes"][0]["status"]["node"], "bravo");
    assert_eq!(heard[1]["sample"][1], true, "the lag is known");
    assert_eq!(heard[1]["sample"][4], 3, "records that are not applied");
    let samples = json(&console, "/api/lag").await["samples"].clone();
    assert!(samples.as_array().unwrap().len() >= 2);
    stop.send(()).unwrap();
    // Would not come back if an open page held the console.
    stream.read_to_end(&mut Vec::new()).await.unwrap();
    serving.await.unwrap().unwrap();
}

#[test]
fn primary_without_its_standby_has_no_known_lag() {
    let sample = crate::live::Sample::of(&read(primary()), Default::default());
    assert!(!sample.known);
    assert_eq!(sample.behind.flushed, Some(8));
    assert_eq!(sample.behind.applied, None, "a primary cannot know");
}
