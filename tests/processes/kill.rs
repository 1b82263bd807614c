use rig::RigOptions;
use rig::rounds::{RoundsOptions, run};

fn rounds(default: u32) -> u32 {
    std::env::var("UNDERSTUDY_KILL_ROUNDS")
        .ok()
        .map_or(default, |text| text.parse().expect("a number of rounds"))
}

#[tokio::test(flavor = "multi_thread")]
async fn replicated_pair_loses_nothing_when_its_primary_is_killed() {
    let report = run(&RoundsOptions {
        pair: RigOptions::replicated(),
        rounds: rounds(5),
        fenced_by: None,
    })
    .await;
    println!("{report}");
    assert!(report.is_sound(), "{report}");
    assert_eq!(report.missing, 0, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn local_pair_loses_no_more_than_it_stated() {
    let report = run(&RoundsOptions {
        pair: RigOptions::local(),
        rounds: rounds(3),
        fenced_by: None,
    })
    .await;
    println!("{report}");
    assert!(report.is_sound(), "{report}");
}
