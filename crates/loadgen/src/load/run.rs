use super::command::Work;
use super::connection::run_connection;
use super::tally::Tally;
use crate::call::Connection;
use crate::{LoadCourse, LoadError, Stopwatch, TargetOptions};
use std::sync::Arc;
use std::time::Duration;

/// One measurement, whole.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) target: TargetOptions,
    pub(super) connections: u32,
    pub(super) in_flight: u32,
    pub(super) seed: u64,
    pub(super) extent: Extent,
    /// Calls that start before it, on the run's stopwatch, are not counted.
    pub(super) warm_up: Duration,
    pub(super) course: LoadCourse,
    pub(super) work: Work,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Extent {
    Calls(u64),
    /// From the start; no call starts after it.
    Lasting(Duration),
}

/// What the connections of one run share.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) plan: Plan,
    pub(super) stopwatch: Stopwatch,
}

#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) tally: Tally,
    /// From the end of the warm-up to the last answer.
    pub(super) measured: Duration,
}

impl Run {
    /// The number of the call that may start at `now`; none when it is over.
    pub(super) fn next_turn(&self, now: Duration) -> Option<u64> {
        match self.plan.extent {
            Extent::Lasting(duration) if now >= duration => None,
            Extent::Lasting(_) => Some(self.plan.course.next_call()),
            Extent::Calls(calls) => {
                let turn = self.plan.course.next_call();
                (turn < calls).then_some(turn)
            }
        }
    }

    /// Whether no further call would start.
    pub(super) fn is_over(&self) -> bool {
        match self.plan.extent {
            Extent::Lasting(duration) => self.stopwatch.elapsed() >= duration,
            Extent::Calls(calls) => self.plan.course.calls() >= calls,
        }
    }

    /// How many calls the connection keeps in flight.
    pub(super) fn slots_of(&self, connection: u32) -> u32 {
        let share = self.plan.in_flight / self.plan.connections;
        share + u32::from(connection < self.plan.in_flight % self.plan.connections)
    }
}

/// Runs a plan to its end. Dropping it stops the connections at their next
/// wait; calls in flight may have happened.
pub(super) async fn run(plan: Plan) -> Result<Outcome, LoadError> {
    refuse_if_unreachable(&plan.target).await?;
    plan.course.begin(match plan.extent {
        Extent::Calls(calls) => Some(calls),
        Extent::Lasting(_) => None,
    });
    let run = Arc::new(Run {
        plan,
        stopwatch: Stopwatch::start(),
    });
    let mut tasks = tokio::task::JoinSet::new();
    for connection in 0..run.plan.connections {
        tasks.spawn(run_connection(run.clone(), connection));
    }
    let mut tally = Tally::default();
    for part in tasks.join_all().await {
        tally.add(&part);
    }
    let measured = run.stopwatch.elapsed().saturating_sub(run.plan.warm_up);
    Ok(Outcome { tally, measured })
}

/// A run against nothing should say so at once.
async fn refuse_if_unreachable(target: &TargetOptions) -> Result<(), LoadError> {
    let mut refusal = None;
    for endpoint in &target.endpoints {
        match Connection::open(endpoint, target.connect_timeout).await {
            Ok(_) => return Ok(()),
            Err(failure) => {
                refusal = Some(LoadError::Unreachable {
                    endpoint: endpoint.clone(),
                    reason: failure.to_string(),
                });
            }
        }
    }
    refusal.map_or(Ok(()), Err)
}
