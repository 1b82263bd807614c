use rig::RigOptions;
use rig::drill::{DrillOptions, DrillReport, run};

/// Rounds of faults, with what clients were told judged at the end.
async fn drill(pair: RigOptions) -> DrillReport {
    let report = run(&DrillOptions {
        rounds: 6,
        operations: 2_000,
        ..DrillOptions::new(pair, 1)
    })
    .await;
    println!("{report}");
    assert!(report.is_sound(), "{report}");
    assert!(
        report.histories > 0 && report.operations > 1_000,
        "{report}"
    );
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn replicated_pair_loses_nothing_and_is_linearizable_in_all_faults() {
    let report = drill(RigOptions::replicated()).await;
    assert_eq!(report.missing, 0, "{report}");
    assert!(report.kills > 0, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn local_pair_loses_no_more_than_it_stated_and_is_linearizable_until_then() {
    let report = drill(RigOptions::local()).await;
    assert!(report.kills > 0, "{report}");
}
