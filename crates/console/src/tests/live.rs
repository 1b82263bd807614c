use super::{Fixed, console, primary, read, standby};
use crate::{Console, router, serve};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::response::Response;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

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

async fn json(console: &Console<Fixed>, path: &str) -> Value {
    let answer = get(console, path).await;
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    let body = axum::body::to_bytes(answer.into_body(), 1 << 20)
        .await
        .unwrap();
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
async fn more_pages_than_there_are_places_are_refused() {
    let console = following();
    let places: Vec<_> = std::iter::from_fn(|| console.take_place(None)).collect();
    let refused = get(&console, "/api/events").await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers().contains_key("retry-after"));
    drop(places);
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
