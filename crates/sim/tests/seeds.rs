//! Many seeds, and the seeds that once failed.

use understudy_sim::{Campaign, StopEarly, Tracing, campaign, run};

fn seeds_wanted() -> u64 {
    let wanted = std::env::var("UNDERSTUDY_SIM_SEEDS")
        .ok()
        .and_then(|text| text.parse().ok());
    wanted.unwrap_or(if cfg!(debug_assertions) { 200 } else { 10_000 })
}

#[test]
fn seeds_hold_every_invariant() {
    let plan = Campaign {
        from: 0,
        seeds: seeds_wanted(),
        mutation: None,
        stop_early: StopEarly::Never,
    };
    let summary = campaign(plan);
    let failures: Vec<_> = summary
        .failures
        .iter()
        .map(|failure| format!("seed {}: {:?}", failure.seed, failure.violation))
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(summary.stats.promotions > summary.seeds, "the runs promote");
    assert!(
        summary.stats.acknowledged > summary.seeds,
        "the runs acknowledge"
    );
}

#[track_caller]
fn holds(seed: u64) {
    let outcome = run(seed, None, Tracing::Off);
    assert_eq!(outcome.violation, None, "seed {seed}");
}

#[test]
fn request_of_another_epoch_is_not_consumed_when_the_lease_moves_under_it() {
    holds(859);
    holds(1262);
}

#[test]
fn accepted_loss_is_judged_again_when_the_epoch_is_taken() {
    holds(959);
    holds(1572);
}

#[test]
fn lossy_epoch_whose_holder_never_opened_it_passes_its_loss_on() {
    holds(256);
    holds(686);
}

#[test]
fn restarted_holder_does_not_overtake_whoever_took_the_lease_meanwhile() {
    holds(3322);
}

#[test]
fn what_a_full_disk_left_of_a_batch_is_no_damage_after_a_power_cut() {
    holds(14657);
}

#[test]
fn fencing_a_claims_maker_does_not_fence_the_holder_before_it() {
    holds(2904);
}

#[test]
fn epoch_that_opens_after_its_deadline_has_no_effect() {
    holds(9440);
}
