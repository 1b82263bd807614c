use super::PairReport;
use crate::exit::Exit;
use understudy_node::status::Status;

pub(super) fn exit_of(report: &PairReport) -> Exit {
    if report.statuses().next().is_none() {
        return Exit::Failed;
    }
    let served = report.primary().is_some();
    let followed = report.statuses().any(streams_with_known_lag);
    let unsound = |status: &Status| diverged(status) || damaged(status);
    if served && followed && !report.statuses().any(unsound) {
        Exit::Done
    } else {
        Exit::Warnings
    }
}

/// Of this node's own state, or of a standby's that tells its primary.
fn diverged(status: &Status) -> bool {
    if status.standbys.iter().any(|standby| standby.state_diverged) {
        return true;
    }
    let mut states = status
        .shards
        .values()
        .filter_map(|shard| shard.state.as_ref());
    states.any(|state| state.outcome == "diverged")
}

fn damaged(status: &Status) -> bool {
    let mut scrubs = status
        .shards
        .values()
        .filter_map(|shard| shard.scrub.as_ref());
    scrubs.any(|scrub| scrub.damage.is_some())
}

pub(super) fn streams_with_known_lag(status: &Status) -> bool {
    let streams = status
        .stream
        .as_ref()
        .is_some_and(|stream| stream.state == "streaming");
    let known = |lag: Option<&understudy_node::status::Lag>| lag.is_some_and(|lag| lag.known);
    streams
        && status
            .shards
            .values()
            .all(|shard| known(shard.lag.as_ref()))
}
