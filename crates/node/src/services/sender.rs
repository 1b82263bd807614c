//! One standby's sender: flushed batches, and the heartbeats behind them.

use super::Peers;
use super::echo::Echo;
use super::pack::{Sent, pack};
use super::throttle::Throttle;
use crate::settings::{Compression, StreamSettings};
use crate::shard::ShardCore;
use crate::shard::cursor::{CHUNK_BYTES, Cursor};
use crate::shard::marks::Beat;
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tonic::Status;
use understudy_log::Batch;
use understudy_types::{BootTime, Clock, Epoch, Lsn, Position, lsn_value};
use understudy_wire::ZSTD;
use understudy_wire::v1::{End, FollowResponse, Heartbeat, follow_response};

pub(crate) struct Sending {
    pub(crate) shard: Arc<ShardCore>,
    pub(crate) epoch: Epoch,
    pub(crate) from: Lsn,
    pub(crate) echo: Echo,
    pub(crate) peers: Arc<Peers>,
    /// Counts the changes of the lease that standbys should look at.
    pub(crate) hint: watch::Receiver<u64>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) way: Way,
    pub(crate) outgoing: mpsc::Sender<Result<FollowResponse, Status>>,
}

/// How batches go over the wire.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    pub(crate) compression: Compression,
    pub(crate) throttle: Arc<Throttle>,
    pub(crate) sent: Arc<Sent>,
    /// Bytes in front of a heartbeat.
    pub(crate) in_front_max: usize,
}

impl Way {
    pub(crate) fn new(settings: &StreamSettings, sent: Arc<Sent>) -> Way {
        let throttle = Throttle::new(settings.bandwidth_max);
        Way {
            compression: settings.compression,
            in_front_max: throttle.chunk(CHUNK_BYTES, settings.heartbeat_every / 2),
            throttle: Arc::new(throttle),
            sent,
        }
    }

    /// For a standby that understands these compressions.
    pub(super) fn accepted_by(&self, accepts: &[String]) -> Way {
        let is_accepted = accepts.iter().any(|name| name == ZSTD);
        Way {
            compression: match is_accepted {
                true => self.compression,
                false => Compression::None,
            },
            ..self.clone()
        }
    }
}

/// What the shard's marks ask of a sender.
enum Due {
    Nothing,
    /// Batches, after this time.
    Wait(Duration),
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

/// How far a stream has got.
struct Progress {
    cursor: Cursor,
    /// Read, and not sent yet.
    read: std::vec::IntoIter<Batch>,
    sent_beat: Option<u64>,
    hint_due: bool,
    /// Bytes that were sent in front of a heartbeat that waits.
    in_front: usize,
}

impl Progress {
    /// The first record that was not sent.
    fn next(&self) -> Lsn {
        let read = self.read.as_slice().first();
        read.map_or(self.cursor.next(), Batch::first_lsn)
    }
}

async fn run(sending: &mut Sending) -> Result<(), Stop> {
    let mut changed = sending.shard.changed.subscribe();
    let mut progress = Progress {
        cursor: Cursor::new(sending.from),
        read: Vec::new().into_iter(),
        sent_beat: None,
        hint_due: false,
        in_front: 0,
    };
    loop {
        // Marked before the look, so that a change during it is not missed.
        changed.borrow_and_update();
        let now = sending.clock.now();
        let pause = match due(sending, &mut progress, now) {
            Due::Batches { upto } => {
                send_batches(sending, &mut progress, upto).await?;
                continue;
            }
            Due::Beat { beat, read_lease } => {
                progress.sent_beat = Some(beat.sequence);
                progress.hint_due &= !read_lease;
                progress.in_front = 0;
                send_beat(sending, beat, read_lease).await?;
                continue;
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
            Due::Wait(pause) => Some(pause),
            Due::Nothing => None,
        };
        tokio::select! {
            _ = changed.changed() => {}
            hinted = sending.hint.changed() => progress.hint_due |= hinted.is_ok(),
            () = tokio::time::sleep(pause.unwrap_or_default()), if pause.is_some() => {}
            () = sending.outgoing.closed() => return Err(Stop::Gone),
        }
    }
}

fn due(sending: &Sending, progress: &mut Progress, now: BootTime) -> Due {
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
    let next = progress.next();
    let batches = last.filter(|last| last.lsn >= next);
    let pause = sending.way.throttle.wait(now);
    let is_new = |beat: &Beat| Some(beat.sequence) != progress.sent_beat;
    let beat = marks.beat.filter(|beat| progress.hint_due || is_new(beat));
    let beat = beat.filter(|_| ended.is_none());
    let Some(beat) = beat else {
        progress.in_front = 0;
        return match (batches, pause, ended) {
            (Some(_), Some(pause), _) => Due::Wait(pause),
            (Some(last), None, _) => Due::Batches { upto: last.lsn },
            (None, _, Some((_, end))) => Due::End(end),
            (None, _, None) => Due::Nothing,
        };
    };
    // Behind the data that it counts, so that it measures the same queue; but
    // behind no more than a chunk, or a long queue would silence it.
    let said = beat.flushed.map(|position| position.lsn);
    let is_behind_its_data = said < Some(next) && !progress.hint_due;
    if let Some(last) = batches
        && !is_behind_its_data
        && progress.in_front < sending.way.in_front_max
        // Nothing would go out meanwhile, and the beat would wait for nothing.
        && pause.is_none()
    {
        return Due::Batches { upto: last.lsn };
    }
    if !progress.hint_due {
        return Due::Beat {
            beat,
            read_lease: false,
        };
    }
    Due::Beat {
        beat: Beat {
            flushed,
            committed: marks.committed,
            bytes: marks.flushed_bytes,
            made_at: now,
            ..beat
        },
        read_lease: true,
    }
}

/// One message of batches.
async fn send_batches(sending: &Sending, progress: &mut Progress, upto: Lsn) -> Result<(), Stop> {
    if progress.read.as_slice().is_empty() {
        progress.read = read(sending, &mut progress.cursor, upto).await?.into_iter();
    }
    let way = &sending.way;
    let Some(packed) = pack(&mut progress.read, way.compression, &way.sent) else {
        return Ok(());
    };
    progress.in_front += packed.wire_bytes;
    put(sending, packed.message).await?;
    // When it is on its way, so that a network that stalls is no credit.
    way.throttle.sent(packed.wire_bytes, sending.clock.now());
    Ok(())
}

async fn read(sending: &Sending, cursor: &mut Cursor, upto: Lsn) -> Result<Vec<Batch>, Stop> {
    if let Some(batches) = cursor.read_memory(&sending.shard, upto) {
        return Ok(batches);
    }
    let shard = Arc::clone(&sending.shard);
    let mut moving = std::mem::replace(cursor, Cursor::new(cursor.next()));
    let read = tokio::task::spawn_blocking(move || {
        let batches = moving.read(&shard, upto);
        (moving, batches)
    });
    let (moved, batches) = read.await.map_err(|_| Stop::Gone)?;
    *cursor = moved;
    batches.map_err(|error| Stop::Failed(Status::internal(error.to_string())))
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
