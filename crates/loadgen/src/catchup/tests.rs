use super::gap::{Gap, Stages, gap};
use super::metrics::positions;
use super::report::{CatchupReport, Sample};
use super::scrape::StatusUrl;

const STANDBY: &str = "\
# TYPE understudy_position_records gauge
understudy_position_records{shard=\"orders\",stage=\"primary_durable\"} 100
understudy_position_records{shard=\"orders\",stage=\"applied\"} 60
understudy_position_records{stage=\"applied\", shard=\"quotes\"} 7 1700000000
understudy_position_records{stage=\"primary_durable\",shard=\"quotes\"} 5
understudy_position_records{shard=\"torn\",stage=
understudy_position_bytes{shard=\"orders\",stage=\"applied\"} 1
";

fn stages() -> Stages {
    Stages {
        target: "primary_durable".into(),
        reached: "applied".into(),
    }
}

fn sample(seconds: f64, reached: u64, target: u64) -> Sample {
    let behind = target - reached;
    let gap = Some(Gap {
        reached,
        target,
        behind,
    });
    Sample { seconds, gap }
}

#[test]
fn gap_is_summed_shard_by_shard() {
    let gap = gap(&[positions(STANDBY)], &stages());
    assert_eq!(
        gap,
        Some(Gap {
            reached: 67,
            target: 105,
            behind: 40
        })
    );
}

#[test]
fn highest_target_and_lowest_position_of_several_consoles_count() {
    let primary = STANDBY.replace("100", "120").replace(" 60", " 120");
    let consoles = [positions(STANDBY), positions(&primary)];
    assert_eq!(gap(&consoles, &stages()).unwrap().behind, 60);
}

#[test]
fn missing_position_is_unknown_and_not_zero() {
    assert_eq!(gap(&[positions("")], &stages()), None);
    let without = STANDBY.replace("orders\",stage=\"applied", "orders\",stage=\"received");
    assert_eq!(gap(&[positions(&without)], &stages()), None);
}

#[test]
fn report_is_caught_up_only_when_its_last_sample_is() {
    let mut report = CatchupReport::default();
    report.add(sample(1.0, 100, 500));
    assert!(!report.caught_up());
    report.add(sample(3.0, 500, 500));
    assert!(report.caught_up());
    assert_eq!(report.records_per_second(), Some(200.0));
    report.add(Sample {
        seconds: 4.0,
        gap: None,
    });
    assert!(!report.caught_up());
}

#[test]
fn status_url_without_path_means_metrics() {
    let url: StatusUrl = "http://127.0.0.1:2391".parse().unwrap();
    assert_eq!(url.to_string(), "http://127.0.0.1:2391/metrics");
    assert!("127.0.0.1:2391".parse::<StatusUrl>().is_err());
    assert!("http://host/metrics".parse::<StatusUrl>().is_err());
}
