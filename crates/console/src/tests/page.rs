use super::{Fixed, console, primary, read};
use crate::page::FILES;
use crate::router;
use crate::runbook::sections;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use axum::response::Response;
use tower::ServiceExt;

const INDEX: &str = include_str!("../../page/index.html");
const RUNBOOK: &str = include_str!("../../page/runbook.html");

/// What stands between `before` and the next quotation mark, wherever.
fn quoted<'a>(text: &'a str, before: &'a str) -> impl Iterator<Item = &'a str> {
    let rest = text.split(before).skip(1);
    rest.filter_map(|rest| rest.split(['"', '\'']).next())
}

#[test]
fn page_needs_only_files_of_its_own() {
    let known = |name: &str| FILES.iter().any(|(file, _, _)| *file == name);
    let links = [INDEX, RUNBOOK].into_iter();
    let links = links.flat_map(|page| quoted(page, "src=\"").chain(quoted(page, "href=\"")));
    for link in links.filter(|link| !link.starts_with('#')) {
        let own = link.strip_prefix("/page/").is_none_or(known);
        assert!(link.starts_with('/') && own, "{link}");
    }
    for (file, _, text) in FILES {
        for import in quoted(text, "from '") {
            assert!(
                import.strip_prefix("./").is_some_and(known),
                "{file}: {import}"
            );
        }
        let urls = text.replace("http://www.w3.org/2000/svg", "");
        assert!(
            !urls.contains("http://") && !urls.contains("https://"),
            "{file}"
        );
    }
}

#[test]
fn page_has_nothing_that_its_policy_forbids() {
    for page in [INDEX, RUNBOOK] {
        assert!(!page.contains("style=") && !page.contains("<style"));
    }
    for script in INDEX.split("<script").skip(1) {
        let between = script.split_once('>').expect("a whole element").1;
        assert!(
            between.starts_with("</script>"),
            "an inline script: {between}"
        );
    }
    for (file, _, text) in FILES {
        assert!(
            !text.contains("innerHTML") && !text.contains("eval("),
            "{file}"
        );
    }
}

async fn answer(path: &str) -> Response {
    let subject = Fixed {
        status: read(primary()),
        primary: true,
        ready: true,
        alive: true,
    };
    let request = Request::get(path).body(Body::empty()).unwrap();
    router(console(&subject)).oneshot(request).await.unwrap()
}

async fn text(path: &str) -> (StatusCode, String) {
    let answer = answer(path).await;
    let status = answer.status();
    let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn runbook_has_a_page_for_every_id_and_one_that_lists_them() {
    let (status, contents) = text("/runbook").await;
    assert_eq!(status, StatusCode::OK);
    for section in sections() {
        let link = format!("href=\"/runbook/{}\"", section.id);
        assert!(contents.contains(&link), "{link} in\n{contents}");
        let (status, page) = text(&format!("/runbook/{}", section.id)).await;
        assert_eq!(status, StatusCode::OK, "{}", section.id);
        let title = format!("<title>{} ·", section.id);
        assert!(page.contains(&title) && page.contains("<p><b>"), "{page}");
    }
}

#[tokio::test]
async fn runbook_says_nothing_of_an_id_that_there_is_not() {
    let (status, page) = text("/runbook/E999%3Cb%3E").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(
        page.contains("href=\"/runbook\"") && !page.contains("E999"),
        "{page}"
    );
}

#[tokio::test]
async fn page_is_served_under_a_strict_policy() {
    for (path, kind) in [
        ("/", "text/html"),
        ("/page/app.js", "text/javascript"),
        ("/runbook", "text/html"),
        ("/runbook/P04", "text/html"),
    ] {
        let answer = answer(path).await;
        let header = |name: &str| answer.headers()[name].to_str().unwrap();
        assert!(header("content-type").starts_with(kind), "{path}");
        let policy = header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(header("x-content-type-options"), "nosniff");
    }
}
