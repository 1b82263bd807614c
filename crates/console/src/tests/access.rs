use super::{Fixed, primary, read};
use crate::cluster::{
    Ask, Cluster, Ended, Judged, NodeAnswer, Outcome, Receipts, Step, Tell, Told,
};
use crate::{Alone, Console, Refusal, Role, Tokens, router};
use axum::body::{Body, BodyDataStream};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use futures::StreamExt;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::Semaphore;
use tower::ServiceExt;
use understudy_node::status::{Status, Verdict};

const KIM: &str = "kim-0123456789abcdef";
const VIC: &str = "vic-0123456789abcdef";

/// Notes who acted, and ends an act when it is let go.
#[derive(Clone)]
struct Recorder {
    acted: Arc<Mutex<Vec<(Ask, String)>>>,
    gate: Arc<Semaphore>,
}

impl Cluster for Recorder {
    fn others<'a>(&'a self, _: &'a Status) -> BoxFuture<'a, Vec<NodeAnswer>> {
        Box::pin(async { Vec::new() })
    }

    fn receipts<'a>(&'a self, own: &'a Status) -> BoxFuture<'a, Receipts> {
        Alone.receipts(own)
    }

    fn judge<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Result<Judged, Refusal>> {
        let verdict = json!({
            "node": ask.to, "mode": "switchover", "outcome": "ready", "loss_bound": null, "checks": []
        });
        let verdict: Verdict = serde_json::from_value(verdict).unwrap();
        let situation = format!("epoch {}", ask.expect_epoch);
        Box::pin(async { Ok(Judged { situation, verdict }) })
    }

    fn act(&self, ask: Ask, by: String, mut tell: Tell) -> BoxFuture<'_, Result<Ended, Refusal>> {
        Box::pin(async move {
            tell(Told::Step(Step {
                seconds: 0.1,
                node: "bravo".to_owned(),
                step: "accepted".to_owned(),
                detail: "accepted".to_owned(),
                failed: false,
            }));
            self.gate.acquire().await.unwrap().forget();
            let refused = ask.confirm != "dev";
            self.acted.lock().push((ask, by));
            match refused {
                true => Err(Refusal::new("E311", "not this cluster's name", "type it")),
                false => Ok(Ended {
                    outcome: Outcome::Done,
                    text: String::new(),
                }),
            }
        })
    }
}

struct Desk {
    console: Console<Fixed>,
    recorder: Recorder,
}

fn desk(viewers: &str, operators: &str) -> Desk {
    let mut tokens = Tokens::default();
    for (role, list) in [(Role::Viewer, viewers), (Role::Operator, operators)] {
        if !list.is_empty() {
            tokens.add(role, list).unwrap();
        }
    }
    let subject = Fixed {
        status: read(primary()),
        primary: true,
        ready: true,
        alive: true,
    };
    let recorder = Recorder {
        acted: Arc::default(),
        gate: Arc::new(Semaphore::new(1000)),
    };
    let cluster = Arc::new(recorder.clone());
    let endpoint = "127.0.0.1:2390".to_owned();
    Desk {
        console: Console::new(subject, endpoint, cluster, tokens),
        recorder,
    }
}

fn with_both() -> Desk {
    desk(&format!("vic {VIC}"), &format!("kim {KIM}"))
}

struct Said {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

async fn send(
    desk: &Desk,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: Value,
) -> Said {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = Body::from(body.to_string());
    let request = request
        .header("content-type", "application/json")
        .body(body);
    let answer = router(desk.console.clone())
        .oneshot(request.unwrap())
        .await
        .unwrap();
    let (parts, body) = answer.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    Said {
        status: parts.status,
        headers: parts.headers,
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    }
}

const PAGE: (&str, &str) = ("x-understudy", "1");

async fn sign_in(desk: &Desk, token: &str) -> Said {
    let body = json!({ "token": token });
    send(desk, Method::POST, "/api/session", &[PAGE], body).await
}

/// As a browser sends it back.
async fn cookie(desk: &Desk, token: &str) -> String {
    let said = sign_in(desk, token).await;
    assert_eq!(said.status, StatusCode::OK, "{}", said.body);
    let line = said.headers["set-cookie"].to_str().unwrap();
    assert!(
        line.contains("; HttpOnly; SameSite=Strict; Path=/;"),
        "{line}"
    );
    assert!(!line.contains(token), "{line}");
    line.split(';').next().unwrap().to_owned()
}

fn switchover(confirm: &str) -> Value {
    json!({ "verb": "switchover", "to": "bravo", "expect_epoch": 3, "confirm": confirm })
}

async fn act(desk: &Desk, headers: &[(&str, &str)]) -> Said {
    send(
        desk,
        Method::POST,
        "/api/activation",
        headers,
        switchover("dev"),
    )
    .await
}

#[tokio::test]
async fn without_tokens_everybody_looks_and_nobody_acts() {
    let desk = desk("", "");
    let look = send(&desk, Method::GET, "/api/status", &[], Value::Null).await;
    assert_eq!(look.status, StatusCode::OK);
    for said in [
        act(&desk, &[PAGE]).await,
        sign_in(&desk, "anything at all").await,
    ] {
        assert_eq!(said.status, StatusCode::FORBIDDEN);
        assert_eq!(said.body["id"], "E501");
    }
    assert!(desk.recorder.acted.lock().is_empty());
}

#[tokio::test]
async fn operator_signs_in_acts_and_signs_out() {
    let desk = with_both();
    let cookie = cookie(&desk, KIM).await;
    let signed = [PAGE, ("cookie", cookie.as_str())];
    let said = act(&desk, &signed).await;
    assert_eq!(said.status, StatusCode::OK, "{}", said.body);
    assert_eq!(said.body["ended"]["outcome"], "done");
    assert_eq!(said.body["steps"][0]["detail"], "accepted");
    let (ask, by) = desk.recorder.acted.lock()[0].clone();
    assert_eq!((ask.to.as_str(), ask.expect_epoch), ("bravo", 3));
    assert_eq!(
        by, "kim (console of alpha)",
        "the receipt and the audit name a person"
    );
    let out = send(&desk, Method::DELETE, "/api/session", &signed, Value::Null).await;
    assert!(
        out.headers["set-cookie"]
            .to_str()
            .unwrap()
            .contains("Max-Age=0")
    );
    let said = act(&desk, &signed).await;
    assert_eq!(
        (said.status, &said.body["id"]),
        (StatusCode::UNAUTHORIZED, &json!("E502"))
    );
}

#[tokio::test]
async fn viewer_looks_and_does_not_act() {
    let desk = with_both();
    let cookie = cookie(&desk, VIC).await;
    let signed = [PAGE, ("cookie", cookie.as_str())];
    for path in ["/api/status", "/api/lag", "/api/history", "/status"] {
        let said = send(&desk, Method::GET, path, &signed, Value::Null).await;
        assert_eq!(said.status, StatusCode::OK, "{path}");
        let said = send(&desk, Method::GET, path, &[], Value::Null).await;
        assert_eq!(
            said.status,
            StatusCode::UNAUTHORIZED,
            "{path} without a session"
        );
    }
    let check = send(&desk, Method::POST, "/api/check", &signed, switchover("")).await;
    for said in [check, act(&desk, &signed).await] {
        assert_eq!(
            (said.status, &said.body["id"]),
            (StatusCode::FORBIDDEN, &json!("E505"))
        );
    }
    // Probes and the page itself stay open.
    for path in ["/", "/live", "/primary", "/metrics", "/api/session"] {
        let said = send(&desk, Method::GET, path, &[], Value::Null).await;
        assert_eq!(said.status, StatusCode::OK, "{path}");
    }
    let stranger = send(&desk, Method::GET, "/live", &[], Value::Null).await;
    assert_eq!(stranger.body, Value::Null, "yes or no, and nothing else");
    let viewer = send(&desk, Method::GET, "/live", &signed, Value::Null).await;
    assert_eq!(viewer.body["node"], "alpha");
}

#[tokio::test]
async fn programs_act_with_a_token_in_the_header() {
    let desk = with_both();
    let bearer = format!("Bearer {KIM}");
    let headers = [PAGE, ("authorization", bearer.as_str())];
    let said = send(&desk, Method::POST, "/api/check", &headers, switchover("")).await;
    assert_eq!(said.status, StatusCode::OK);
    assert_eq!(said.body["situation"], "epoch 3");
    assert_eq!(act(&desk, &headers).await.status, StatusCode::OK);
}

#[tokio::test]
async fn page_of_another_site_does_not_act() {
    let desk = with_both();
    let cookie = cookie(&desk, KIM).await;
    let cookie = ("cookie", cookie.as_str());
    for headers in [
        &[cookie][..],
        &[
            cookie,
            PAGE,
            ("origin", "https://evil.example"),
            ("host", "alpha:2391"),
        ],
        &[cookie, PAGE, ("sec-fetch-site", "cross-site")],
    ] {
        let said = act(&desk, headers).await;
        assert_eq!(
            (said.status, &said.body["id"]),
            (StatusCode::FORBIDDEN, &json!("E506"))
        );
    }
    assert!(desk.recorder.acted.lock().is_empty());
}

#[tokio::test]
async fn wrong_tokens_are_refused_and_then_made_to_wait() {
    let desk = with_both();
    for _ in 0..10 {
        let said = sign_in(&desk, "nobody-0123456789").await;
        assert_eq!(
            (said.status, &said.body["id"]),
            (StatusCode::UNAUTHORIZED, &json!("E503"))
        );
        assert!(!said.headers.contains_key("set-cookie"));
    }
    let said = sign_in(&desk, "nobody-0123456789").await;
    assert_eq!(
        (said.status, &said.body["id"]),
        (StatusCode::TOO_MANY_REQUESTS, &json!("E504"))
    );
    assert!(said.headers.contains_key("retry-after"));
    // Whoever is at the same proxy, and knows a token, is not kept out.
    assert_eq!(sign_in(&desk, KIM).await.status, StatusCode::OK);
}

#[tokio::test]
async fn second_act_waits_for_the_first_and_a_refused_one_ends() {
    let desk = desk("", &format!("kim {KIM}"));
    let bearer = format!("Bearer {KIM}");
    let headers = [PAGE, ("authorization", bearer.as_str())];
    let held = desk.recorder.gate.acquire_many(1000).await.unwrap();
    let mut told = desk.console.acts().told();
    let first = act(&desk, &headers);
    let second = async {
        told.changed().await.unwrap();
        let said = act(&desk, &headers).await;
        assert_eq!(
            (said.status, &said.body["id"]),
            (StatusCode::CONFLICT, &json!("E507"))
        );
        drop(held);
    };
    let (first, ()) = tokio::join!(first, second);
    assert_eq!(first.status, StatusCode::OK);
    let wrong = switchover("prod");
    let said = send(&desk, Method::POST, "/api/activation", &headers, wrong).await;
    assert_eq!(
        (said.status, &said.body["id"]),
        (StatusCode::CONFLICT, &json!("E311"))
    );
    assert_eq!(
        act(&desk, &headers).await.status,
        StatusCode::OK,
        "nothing is left behind"
    );
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_before_it_costs_anything() {
    let desk = desk("", &format!("kim {KIM}"));
    let bearer = format!("Bearer {KIM}");
    let headers = [PAGE, ("authorization", bearer.as_str())];
    for body in [
        json!({}),
        json!({ "verb": "switchover", "to": "bravo", "expect_epoch": 3, "extra": 1 }),
    ] {
        let said = send(&desk, Method::POST, "/api/activation", &headers, body).await;
        assert!(said.status.is_client_error(), "{}", said.status);
    }
    let long = json!({ "token": "x".repeat(1 << 20) });
    let said = send(&desk, Method::POST, "/api/session", &headers, long).await;
    assert_eq!(said.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(desk.recorder.acted.lock().is_empty());
}

/// What one open page hears, until its stream ends.
struct OpenPage(BodyDataStream);

impl OpenPage {
    async fn open(desk: &Desk, headers: &[(&str, &str)]) -> OpenPage {
        let mut request = Request::get("/api/events");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        let answer = router(desk.console.clone()).oneshot(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        OpenPage(answer.into_body().into_data_stream())
    }

    /// The next event's data; none at the end.
    async fn hears(&mut self) -> Option<String> {
        loop {
            let chunk = self.0.next().await?.unwrap();
            let text = String::from_utf8(chunk.to_vec()).unwrap();
            // Comments show that the node is still there.
            let data = text.lines().find_map(|line| line.strip_prefix("data: "));
            if let Some(data) = data {
                return Some(data.to_owned());
            }
        }
    }
}

#[tokio::test]
async fn page_of_an_ended_session_hears_nothing_more_and_others_do() {
    let desk = with_both();
    let (of_vic, of_kim) = (cookie(&desk, VIC).await, cookie(&desk, KIM).await);
    let bearer = format!("Bearer {KIM}");
    let mut vic = OpenPage::open(&desk, &[("cookie", &of_vic)]).await;
    let mut kim = OpenPage::open(&desk, &[("cookie", &of_kim)]).await;
    let mut program = OpenPage::open(&desk, &[("authorization", &bearer)]).await;
    desk.console.tell("\"first\"".into());
    for page in [&mut vic, &mut kim, &mut program] {
        assert_eq!(page.hears().await.as_deref(), Some("\"first\""));
    }
    let signed = [PAGE, ("cookie", of_vic.as_str())];
    send(&desk, Method::DELETE, "/api/session", &signed, Value::Null).await;
    assert_eq!(vic.hears().await, None, "at once, not with the next event");
    desk.console.tell("\"second\"".into());
    for page in [&mut kim, &mut program] {
        assert_eq!(page.hears().await.as_deref(), Some("\"second\""));
    }
}

#[tokio::test]
async fn page_that_heard_nothing_yet_ends_before_it_hears_what_comes_after_the_session() {
    let desk = with_both();
    let of_vic = cookie(&desk, VIC).await;
    let mut vic = OpenPage::open(&desk, &[("cookie", &of_vic)]).await;
    let signed = [PAGE, ("cookie", of_vic.as_str())];
    send(&desk, Method::DELETE, "/api/session", &signed, Value::Null).await;
    desk.console.tell("\"too late\"".into());
    assert_eq!(vic.hears().await, None);
}

#[tokio::test]
async fn page_of_nobody_goes_on_while_looking_needs_no_token() {
    let desk = desk("", &format!("kim {KIM}"));
    let of_kim = cookie(&desk, KIM).await;
    let mut anybody = OpenPage::open(&desk, &[]).await;
    let mut kim = OpenPage::open(&desk, &[("cookie", &of_kim)]).await;
    let signed = [PAGE, ("cookie", of_kim.as_str())];
    send(&desk, Method::DELETE, "/api/session", &signed, Value::Null).await;
    desk.console.tell("\"news\"".into());
    assert_eq!(anybody.hears().await.as_deref(), Some("\"news\""));
    assert_eq!(kim.hears().await, None, "it may come back as anybody");
}

#[tokio::test]
async fn page_of_a_token_that_was_taken_from_the_list_ends_and_the_others_go_on() {
    let desk = with_both();
    let (of_vic, of_kim) = (cookie(&desk, VIC).await, cookie(&desk, KIM).await);
    let bearer = format!("Bearer {VIC}");
    let mut vic = OpenPage::open(&desk, &[("cookie", &of_vic)]).await;
    let mut program = OpenPage::open(&desk, &[("authorization", &bearer)]).await;
    let mut kim = OpenPage::open(&desk, &[("cookie", &of_kim)]).await;
    let mut tokens = Tokens::default();
    let ann = "ann-0123456789abcdef";
    tokens.add(Role::Viewer, &format!("ann {ann}")).unwrap();
    tokens.add(Role::Operator, &format!("kim {KIM}")).unwrap();
    desk.console.take_tokens(tokens);
    assert_eq!(vic.hears().await, None);
    assert_eq!(program.hears().await, None);
    desk.console.tell("\"news\"".into());
    assert_eq!(kim.hears().await.as_deref(), Some("\"news\""));
    let wrong = sign_in(&desk, VIC).await;
    assert_eq!(wrong.body["id"], "E503");
    assert_eq!(sign_in(&desk, ann).await.status, StatusCode::OK);
    let signed = [PAGE, ("cookie", of_vic.as_str())];
    let look = send(&desk, Method::GET, "/api/status", &signed, Value::Null).await;
    assert_eq!(look.status, StatusCode::UNAUTHORIZED);
}
