use super::{Fixed, console, exposition, exposition_as, primary, read, standby};
use crate::{Form, Kind, METRICS, router};
use axum::body::{Body, to_bytes};
use axum::http::Request;
use axum::http::header::{ACCEPT, CONTENT_TYPE, VARY};
use std::collections::BTreeSet;
use tower::ServiceExt;

fn samples(text: &str) -> Vec<&str> {
    let lines = text.lines();
    lines.filter(|line| !line.starts_with('#')).collect()
}

#[test]
fn both_forms_have_the_same_samples() {
    for (status, is_primary) in [(standby(), false), (primary(), true)] {
        let plain = exposition(status.clone(), is_primary);
        let open = exposition_as(status, is_primary, Form::OpenMetrics);
        assert!(samples(&plain).len() > 50, "{plain}");
        assert_eq!(samples(&plain), samples(&open));
    }
}

#[test]
fn counters_and_the_end_differ_between_the_forms() {
    let plain = exposition(standby(), false);
    let open = exposition_as(standby(), false, Form::OpenMetrics);
    let io_errors = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| line.contains("io_errors"));
        lines.map(str::to_owned).collect()
    };
    let help = "Operations of the data root's file system that failed, a full disk included.";
    assert_eq!(
        io_errors(&plain),
        [
            &format!("# HELP understudy_io_errors_total {help}"),
            "# TYPE understudy_io_errors_total counter",
            "understudy_io_errors_total 5",
        ]
    );
    assert_eq!(
        io_errors(&open),
        [
            &format!("# HELP understudy_io_errors {help}"),
            "# TYPE understudy_io_errors counter",
            "understudy_io_errors_total 5",
        ]
    );
    assert!(!plain.contains("# EOF"));
    assert!(open.ends_with("\n# EOF\n"));
    assert_eq!(open.matches("# EOF").count(), 1);
}

/// What a family of that kind may call its samples.
fn sample_names(family: &str, kind: &str) -> Vec<String> {
    let endings: &[&str] = match kind {
        "counter" => &["_total"],
        "histogram" => &["_bucket", "_sum", "_count"],
        _ => &[""],
    };
    let names = endings.iter().map(|ending| format!("{family}{ending}"));
    names.collect()
}

#[test]
fn openmetrics_families_stand_together_and_share_no_name() {
    for (status, is_primary) in [(standby(), false), (primary(), true)] {
        let open = exposition_as(status, is_primary, Form::OpenMetrics);
        let (mut families, mut taken) = (BTreeSet::new(), BTreeSet::new());
        let mut own = Vec::new();
        for line in open.lines().filter(|line| *line != "# EOF") {
            if let Some(typed) = line.strip_prefix("# TYPE ") {
                let (family, kind) = typed.split_once(' ').expect("a family and its type");
                assert!(
                    families.insert(family.to_owned()),
                    "{family} is there twice"
                );
                own = sample_names(family, kind);
                for name in &own {
                    assert!(taken.insert(name.clone()), "{name} is of two families");
                }
            } else if !line.starts_with("# HELP ") {
                let name = line.split(['{', ' ']).next().expect("a name");
                assert!(own.iter().any(|known| known == name), "{line}: {own:?}");
            }
        }
        assert!(families.len() > 30, "{families:?}");
    }
}

#[test]
fn names_and_helps_are_what_both_forms_take() {
    for metric in METRICS {
        let is_counter = metric.kind == Kind::Counter;
        assert_eq!(
            metric.name.ends_with("_total"),
            is_counter,
            "{}",
            metric.name
        );
        // Nothing that a form would have escaped.
        assert!(!metric.help.contains(['\\', '"', '\n']), "{}", metric.name);
    }
}

#[test]
fn bounds_are_told_as_fractions() {
    let text = exposition(standby(), false);
    let bounds: BTreeSet<&str> = text
        .split("rtt_seconds_bucket{le=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    let expected = ["+Inf", "0.001", "0.01", "1.0"];
    assert_eq!(bounds.into_iter().collect::<Vec<_>>(), expected);
}

async fn scraped(accept: Option<&str>) -> (String, String) {
    let subject = Fixed {
        status: read(primary()),
        primary: true,
        ready: true,
        alive: true,
    };
    let mut request = Request::get("/metrics");
    if let Some(accept) = accept {
        request = request.header(ACCEPT, accept);
    }
    let request = request.body(Body::empty()).unwrap();
    let answer = router(console(&subject)).oneshot(request).await.unwrap();
    assert_eq!(answer.headers()[VARY], "accept");
    let kind = answer.headers()[CONTENT_TYPE].to_str().unwrap().to_owned();
    let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    (kind, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn scraper_gets_openmetrics_when_it_asks_for_it() {
    let (kind, text) = scraped(Some("application/openmetrics-text;version=1.0.0")).await;
    assert_eq!(
        kind,
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    assert!(text.ends_with("# EOF\n"), "{text}");
    for accept in [None, Some("*/*")] {
        let (kind, text) = scraped(accept).await;
        assert_eq!(kind, "text/plain; version=0.0.4; charset=utf-8");
        assert!(!text.contains("# EOF"), "{text}");
    }
}
