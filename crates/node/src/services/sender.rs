//! One standby's sender: flushed batches, and the heartbeats behind them.

use super::Peers;
use crate::shard::ShardCore;
use crate::shard::cursor::Cursor;
use crate::shard::marks::Beat;
use bytes::Bytes;
use parking_lot::Mutex;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use tonic::Status;
use understudy_log::Batch;
use understudy_types::{BootTime, Clock, Epoch, Lsn, Position, lsn_value};
use understudy_wire::v1::{End, FollowResponse, Heartbeat, follow_response};

/// The standby's own clock as it last reported it, and when that arrived.
#[derive(Clone, Debug, Default)]
pub(crate) struct Echo(Arc<Mutex<Option<(u64, BootTime)>>>);

impl Echo {
    pub(crate) fn set(&self, tick: u64, now: BootTime) {
        *self.0.lock() = Some((tick, now));
    }

    /// What had arrived when the beat was made.
    fn before(&self, made_at: BootTime) -> Option<(u64, BootTime)> {
        self.0.lock().filter(|(_, arrived)| *arrived <= made_at)
    }
}

pub(crate) struct Sending {
    pub(crate) shard: Arc<ShardCore>,
    pub(crate) epoch: Epoch,
    pub(crate) from: Lsn,
    pub(crate) echo: Echo,
    pub(crate) peers: Arc<Peers>,
    /// Counts the changes of the lease that standbys should look at.
    pub(crate) hint: watch::Receiver<u64>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) outgoing: mpsc::Sender<Result<FollowResponse, Status>>,
}

/// What the shard's marks ask of a sender.
enum Due {
    Nothing,
    Batches {
        upto: Lsn,
    },
    Beat {
        beat: Beat,
        read_lease: bool,
    },
    /// The epoch is over here; everything was sent.
    End(Option<Position>),
    /// Another epoch is open: this stream is of the past.
    Outdated,
}

/// Why a stream stops being served.
enum Stop {
    Gone,
    Failed(Status),
}

/// Sends until the standby is gone or the epoch is over.
pub(crate) async fn send(mut sending: Sending) {
    match run(&mut sending).await {
        Ok(()) | Err(Stop::Gone) => {}
        Err(Stop::Failed(status)) => drop(sending.outgoing.send(Err(status)).await),
    }
}

async fn run(sending: &mut Sending) -> Result<(), Stop> {
    let mut cursor = Cursor::new(sending.from);
    let mut changed = sending.shard.changed.subscribe();
    let mut sent_beat = None;
    let mut hint_due = false;
    loop {
        // Marked before the look, so that a change during it is not missed.
        changed.borrow_and_update();
        match due(sending, cursor.next(), sent_beat, hint_due) {
            Due::Batches { upto } => cursor = send_batches(sending, cursor, upto).await?,
            Due::Beat { beat, read_lease } => {
                sent_beat = Some(beat.sequence);
                hint_due &= !read_lease;
                send_beat(sending, beat, read_lease).await?;
            }
            Due::End(flushed) => {
                let end = End {
                    epoch: sending.epoch.get(),
                    flushed: flushed.map(Into::into),
                };
                return put(sending, follow_response::Message::End(end)).await;
            }
            Due::Outdated => {
                return Err(Stop::Failed(Status::unavailable(
                    "the primary has a new epoch",
                )));
            }
            Due::Nothing => tokio::select! {
                _ = changed.changed() => {}
                hinted = sending.hint.changed() => hint_due |= hinted.is_ok(),
                () = sending.outgoing.closed() => return Err(Stop::Gone),
            },
        }
    }
}

fn due(sending: &Sending, next: Lsn, sent_beat: Option<u64>, hint_due: bool) -> Due {
    let marks = sending.shard.marks.lock();
    if marks.stopping {
        return Due::Outdated;
    }
    let flushed = marks.flushed;
    let ended = marks.ended.filter(|(epoch, _)| *epoch == sending.epoch);
    if marks.epoch() != Some(sending.epoch) && ended.is_none() {
        return Due::Outdated;
    }
    let last = match ended {
        Some((_, end)) => end,
        None => flushed,
    };
    if let Some(last) = last.filter(|last| last.lsn >= next) {
        return Due::Batches { upto: last.lsn };
    }
    if let Some((_, end)) = ended {
        return Due::End(end);
    }
    // Everything that is flushed was sent, so a beat may count all of it.
    match marks.beat {
        Some(beat) if hint_due => {
            let made_at = sending.clock.now();
            let committed = marks.committed;
            let bytes = marks.flushed_bytes;
            Due::Beat {
                beat: Beat {
                    flushed,
                    committed,
                    bytes,
                    made_at,
                    ..beat
                },
                read_lease: true,
            }
        }
        Some(beat) if Some(beat.sequence) != sent_beat => Due::Beat {
            beat,
            read_lease: false,
        },
        _ => Due::Nothing,
    }
}

async fn send_batches(sending: &Sending, mut cursor: Cursor, upto: Lsn) -> Result<Cursor, Stop> {
    let batches = match cursor.read_memory(&sending.shard, upto) {
        Some(batches) => batches,
        None => {
            let shard = Arc::clone(&sending.shard);
            let read = tokio::task::spawn_blocking(move || {
                let batches = cursor.read(&shard, upto);
                (cursor, batches)
            });
            let (moved, batches) = read.await.map_err(|_| Stop::Gone)?;
            cursor = moved;
            batches.map_err(|error| Stop::Failed(Status::internal(error.to_string())))?
        }
    };
    for batch in batches {
        put(sending, message(batch)).await?;
    }
    Ok(cursor)
}

fn message(batch: Batch) -> follow_response::Message {
    follow_response::Message::Batch(batch.bytes().clone())
}

async fn send_beat(sending: &Sending, beat: Beat, read_lease: bool) -> Result<(), Stop> {
    let echo = sending.echo.before(beat.made_at);
    let heartbeat = Heartbeat {
        epoch: sending.epoch.get(),
        sequence: beat.sequence,
        flushed: beat.flushed.map(Into::into),
        committed: lsn_value(beat.committed),
        bytes: beat.bytes,
        tick: beat.made_at.as_nanos(),
        read_lease,
        echo: echo.map_or(0, |(tick, _)| tick),
        echo_age: echo.map_or(0, |(_, arrived)| {
            beat.made_at.since(arrived).as_nanos() as u64
        }),
        asks: sending.peers.asks(),
        digest_lsn: lsn_value(beat.state.map(|state| state.lsn)),
        digest: beat.state.map_or(Bytes::new(), |state| {
            Bytes::copy_from_slice(&state.digest.0)
        }),
    };
    put(sending, follow_response::Message::Heartbeat(heartbeat)).await
}

async fn put(sending: &Sending, message: follow_response::Message) -> Result<(), Stop> {
    let sent = sending
        .outgoing
        .send(Ok(FollowResponse {
            message: Some(message),
        }))
        .await;
    sent.map_err(|_| Stop::Gone)
}
