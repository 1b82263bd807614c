use rig::first_write::{FirstWriteOptions, run};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn promotion_with_a_free_lease_waits_for_no_ttl() {
    let report = run(&FirstWriteOptions {
        keys: 1000,
        value_size: 128,
        rounds: 2,
    })
    .await;
    println!("{report}");
    let longest = report.after_flag.longest();
    // The rig's ttl is 3 s, its poll 1 s.
    assert!(longest < Some(Duration::from_millis(900)), "{report}");
}
