use super::{Fixed, console, primary, read};
use crate::page::FILES;
use crate::router;
use axum::body::Body;
use axum::http::Request;
use tower::ServiceExt;

const INDEX: &str = include_str!("../../page/index.html");

/// What stands between `before` and the next quotation mark, wherever.
fn quoted<'a>(text: &'a str, before: &'a str) -> impl Iterator<Item = &'a str> {
    let rest = text.split(before).skip(1);
    rest.filter_map(|rest| rest.split(['"', '\'']).next())
}

#[test]
fn page_needs_only_files_of_its_own() {
    let known = |name: &str| FILES.iter().any(|(file, _, _)| *file == name);
    let links = quoted(INDEX, "src=\"").chain(quoted(INDEX, "href=\""));
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
    assert!(!INDEX.contains("style=") && !INDEX.contains("<style"));
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

#[tokio::test]
async fn page_is_served_under_a_strict_policy() {
    let subject = Fixed {
        status: read(primary()),
        primary: true,
        ready: true,
        alive: true,
    };
    for (path, kind) in [("/", "text/html"), ("/page/app.js", "text/javascript")] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let answer = router(console(&subject)).oneshot(request).await.unwrap();
        let header = |name: &str| answer.headers()[name].to_str().unwrap();
        assert!(header("content-type").starts_with(kind), "{path}");
        let policy = header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(header("x-content-type-options"), "nosniff");
    }
}
