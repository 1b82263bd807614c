//! One shard's stream: connect, compare histories, take batches, report.

mod opening;

use super::Context;
use super::knowledge::{Broken, Heard, Knowledge};
use super::unpack::unpack;
use crate::meters::ChainFault;
use crate::shard::{ShardCore, offered};
use bytes::Bytes;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::mpsc;
use tonic::{Status, Streaming};
use understudy_log::Batch;
use understudy_protocol::lag::{Mark, StreamEnd};
use understudy_protocol::shard::Intake;
use understudy_types::{BootTime, Lsn, Position, innermost_cause, lsn_value};
use understudy_wire::state_at;
use understudy_wire::v1::{self, FollowRequest, FollowResponse, follow_request, follow_response};

/// The largest message that a stream takes: a batch at its limit.
pub(crate) const MESSAGE_BYTES_MAX: usize = 72 << 20;

const RETRY_MIN: Duration = Duration::from_millis(50);
const RETRY_MAX: Duration = Duration::from_millis(250);

/// Why a stream ended; all but `Ended` lead to another attempt.
enum End {
    /// The primary is silent for good, and all of it is flushed here.
    Ended,
    Broken(Broken),
}

/// Follows the target until it is told to stop.
pub(super) async fn follow(context: Arc<Context>, shard: Arc<ShardCore>) {
    let knowledge = Arc::clone(&context.knowledge[&shard.name]);
    let mut wait = RETRY_MIN;
    loop {
        let began = context.clock.now();
        let end = tokio::select! {
            end = run(&context, &shard, &knowledge) => end,
            () = context.stop.cancelled() => return,
        };
        match end {
            End::Ended => {
                let cause = "the primary has ended its epoch";
                knowledge.disconnected(Broken::by(StreamEnd::Closed, cause));
                context
                    .driver
                    .primary_ended(context.target.epoch, shard.name.clone())
                    .await;
                return context.stop.cancelled().await;
            }
            End::Broken(broken) => {
                context.meters.stream_ends.add(broken.end);
                let (reason, cause) = (broken.end.name(), broken.cause.clone());
                if knowledge.disconnected(broken) {
                    let primary = &context.target.primary.node;
                    tracing::info!(shard = %shard.name, %primary, reason, cause, "no stream");
                }
            }
        }
        context.reconnects.fetch_add(1, Ordering::Relaxed);
        context.driver.knock().await;
        let lasted = context.clock.now().since(began);
        wait = if lasted > RETRY_MAX {
            RETRY_MIN
        } else {
            (wait * 2).min(RETRY_MAX)
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = context.stop.cancelled() => return,
        }
    }
}

async fn run(context: &Context, shard: &Arc<ShardCore>, knowledge: &Knowledge) -> End {
    let mut session = match Session::open(context, shard).await {
        Ok(session) => session,
        Err(broken) => return End::Broken(broken),
    };
    let from = {
        let marks = shard.marks.lock();
        Mark {
            lsn: marks.flushed.map(|position| position.lsn),
            bytes: marks.flushed_bytes,
        }
    };
    knowledge.connected(from, context.clock.now());
    knowledge.welcomed(session.welcome.0, session.welcome.1);
    match session.serve(context, shard, knowledge).await {
        Ok(()) => End::Ended,
        Err(broken) => End::Broken(broken),
    }
}

/// A stream after its handshake.
struct Session {
    incoming: Streaming<FollowResponse>,
    outgoing: mpsc::Sender<FollowRequest>,
    intake: Intake,
    /// The last batch handed to the log.
    handed: Option<Lsn>,
    heartbeat: u64,
    reported: Option<Position>,
    /// The primary's end in its welcome, and when this node asked for it.
    welcome: (Option<Lsn>, BootTime),
}

/// A failure of the connection has its cause below the status.
fn describe(status: &Status) -> String {
    match status.source() {
        Some(_) => format!("{}: {}", status.code(), innermost_cause(status)),
        None => format!("{}: {}", status.code(), status.message()),
    }
}

fn malformed(cause: impl ToString) -> Broken {
    Broken::by(StreamEnd::Malformed, cause.to_string())
}

fn refused(cause: impl Into<String>) -> Broken {
    Broken::by(StreamEnd::Refused, cause)
}

fn closed(cause: impl Into<String>) -> Broken {
    Broken::by(StreamEnd::Closed, cause)
}

/// Counts it: the stream begins anew from what is flushed here.
fn chain_fault(context: &Context, fault: ChainFault, cause: impl ToString) -> Broken {
    context.meters.chain_faults.add(fault);
    Broken::by(fault.into(), cause.to_string())
}

impl Session {
    /// Takes what comes, until the primary's end or a failure.
    async fn serve(
        &mut self,
        context: &Context,
        shard: &Arc<ShardCore>,
        knowledge: &Knowledge,
    ) -> Result<(), Broken> {
        let silence_max = (context.settings.heartbeat_every * 4).max(Duration::from_secs(2));
        let mut changed = shard.changed.subscribe();
        let mut beats = tokio::time::interval(context.settings.heartbeat_every);
        let mut heard = context.clock.now();
        self.report(context, shard).await?;
        loop {
            tokio::select! {
                message = self.incoming.message() => {
                    heard = context.clock.now();
                    let message = message.map_err(|status| closed(describe(&status)))?;
                    let message = message.ok_or_else(|| closed("the primary closed the stream"))?;
                    let message = message.message;
                    if let Some(end) = self.take(context, shard, knowledge, message).await? {
                        let flushed = wait_for_flush(shard, end).await;
                        return flushed.map_err(|cause| Broken::by(StreamEnd::NotStored, cause));
                    }
                }
                _ = changed.changed() => self.report_flush(context, shard).await?,
                _ = beats.tick() => {
                    if context.clock.now().since(heard) > silence_max {
                        let cause = format!("no heartbeat for {silence_max:?}");
                        return Err(Broken::by(StreamEnd::Silent, cause));
                    }
                }
            }
        }
    }

    /// Takes one message; `Some` when the primary said its end.
    async fn take(
        &mut self,
        context: &Context,
        shard: &Arc<ShardCore>,
        knowledge: &Knowledge,
        message: Option<follow_response::Message>,
    ) -> Result<Option<Option<Position>>, Broken> {
        match message {
            Some(follow_response::Message::Batch(bytes)) => {
                self.take_batch(context, shard, knowledge, bytes).await?;
            }
            Some(follow_response::Message::Compressed(packed)) => {
                let unpacked = unpack(&packed);
                let damaged = |error| chain_fault(context, ChainFault::Damaged, error);
                for bytes in unpacked.map_err(damaged)? {
                    self.take_batch(context, shard, knowledge, bytes).await?;
                }
            }
            Some(follow_response::Message::Heartbeat(beat)) => {
                let hint = beat.read_lease;
                let asks = beat.asks;
                self.take_heartbeat(context, shard, knowledge, beat)?;
                if hint {
                    context.driver.knock().await;
                }
                if asks > context.vouched.load(Ordering::SeqCst) {
                    let epoch = context.target.epoch;
                    context.driver.vouch_asked(epoch, asks).await;
                }
                self.report(context, shard).await?;
            }
            Some(follow_response::Message::End(end)) if end.epoch == context.target.epoch.get() => {
                let flushed = end.flushed.map(Position::try_from).transpose();
                return flushed.map(Some).map_err(malformed);
            }
            _ => return Err(malformed("the primary sent a message out of place")),
        }
        Ok(None)
    }

    async fn take_batch(
        &mut self,
        context: &Context,
        shard: &Arc<ShardCore>,
        knowledge: &Knowledge,
        bytes: Bytes,
    ) -> Result<(), Broken> {
        let length = bytes.len() as u64;
        context.meters.received_bytes.add(length);
        let batch = Batch::decode(bytes).map_err(|error| {
            chain_fault(
                context,
                ChainFault::Damaged,
                format!("damaged batch: {error}"),
            )
        })?;
        let taken = self.intake.take(offered(&batch), context.target.epoch);
        taken.map_err(|refusal| chain_fault(context, refusal.into(), refusal))?;
        let last = batch.last_lsn();
        shard.store(batch, context.settings.intake_memory).await;
        self.handed = Some(last);
        let applied = shard.marks.lock().applied;
        knowledge.received(last, length, applied, context.clock.now());
        Ok(())
    }

    fn take_heartbeat(
        &mut self,
        context: &Context,
        shard: &ShardCore,
        knowledge: &Knowledge,
        beat: v1::Heartbeat,
    ) -> Result<(), Broken> {
        if beat.epoch != context.target.epoch.get() {
            let cause = format!("heartbeat of epoch {}", beat.epoch);
            return Err(Broken::by(StreamEnd::OtherEpoch, cause));
        }
        let flushed = beat
            .flushed
            .map(Position::try_from)
            .transpose()
            .map_err(malformed)?;
        let claim = state_at(beat.digest_lsn, &beat.digest).map_err(malformed)?;
        let arrived = context.clock.now();
        let committed = Lsn::new(beat.committed);
        self.heartbeat = beat.sequence;
        // Both durations are counted by one clock each; one per cent covers
        // the difference of their rates.
        let echo = (beat.echo > 0).then(|| BootTime::from_nanos(beat.echo));
        let age = Duration::from_nanos(beat.echo_age);
        let made_after = echo.map(|echo| echo + (age - age / 100));
        let round_trip = echo.map(|echo| arrived.since(echo + age));
        let heard = Heard {
            flushed,
            committed,
            bytes: beat.bytes,
            arrived,
            made_after,
        };
        if let Some(time) = round_trip {
            context.meters.round_trips.note(time);
        }
        let (applied, divergence) = shard.update(|marks| {
            marks.note_committed(committed);
            let epoch = context.target.epoch;
            let divergence =
                claim.and_then(|claim| marks.comparison.claimed(epoch, claim, arrived));
            (marks.applied, divergence)
        });
        knowledge.heard(heard, round_trip, applied);
        shard.tell_divergence(divergence);
        Ok(())
    }

    async fn report_flush(&mut self, context: &Context, shard: &ShardCore) -> Result<(), Broken> {
        let (flushed, failure) = {
            let marks = shard.marks.lock();
            (marks.flushed, marks.intake_failure.clone())
        };
        if let Some(failure) = failure {
            return Err(Broken::by(StreamEnd::NotStored, failure));
        }
        if flushed != self.reported {
            self.report(context, shard).await
        } else {
            Ok(())
        }
    }

    /// Tells the primary where this node stands, unless it has promised
    /// another epoch.
    async fn report(&mut self, context: &Context, shard: &ShardCore) -> Result<(), Broken> {
        if !context.reporting.load(Ordering::SeqCst) {
            return Ok(());
        }
        let (flushed, applied, state_diverged) = {
            let marks = shard.marks.lock();
            (marks.flushed, marks.applied, marks.comparison.is_diverged())
        };
        self.reported = flushed;
        let progress = v1::Progress {
            heartbeat: self.heartbeat,
            written: lsn_value(self.handed),
            flushed: flushed.map(Into::into),
            applied: lsn_value(applied),
            tick: context.clock.now().as_nanos(),
            state_diverged,
            vouched: context.vouched.load(Ordering::SeqCst),
        };
        let message = Some(follow_request::Message::Progress(progress));
        let sent = self.outgoing.send(FollowRequest { message }).await;
        sent.map_err(|_| closed("the primary closed the stream"))
    }
}

/// Waits until everything up to the primary's end is flushed here.
async fn wait_for_flush(shard: &ShardCore, end: Option<Position>) -> Result<(), String> {
    let flushed = shard.wait_until(|marks| {
        if marks.flushed == end {
            return Some(Ok(()));
        }
        if let Some(failure) = &marks.intake_failure {
            return Some(Err(failure.clone()));
        }
        let passed = marks.flushed.map(|p| p.lsn) >= end.map(|p| p.lsn);
        passed.then(|| Err("this log does not end where the primary's does".to_owned()))
    });
    let flushed = flushed.await;
    flushed.unwrap_or_else(|| Err("the node is ending".to_owned()))
}
