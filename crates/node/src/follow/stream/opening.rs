//! A stream's beginning: connect, greet, and bring this log to where it can
//! go on from the primary's.

use super::{MESSAGE_BYTES_MAX, Session, closed, describe, malformed, refused};
use crate::follow::Context;
use crate::follow::knowledge::Broken;
use crate::shard::{LogCommand, Outline, ShardCore};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Channel, Endpoint};
use understudy_protocol::lag::StreamEnd;
use understudy_protocol::shard::Intake;
use understudy_tls::Expected;
use understudy_types::{Position, innermost_cause};
use understudy_wire::ZSTD;
use understudy_wire::v1::{
    self, FollowRequest, FollowResponse, follow_request, follow_response,
    replication_client::ReplicationClient,
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

async fn connect(context: &Context) -> Result<Channel, String> {
    let window = context.settings.window_of_stream();
    let primary = &context.target.primary;
    let address = &primary.replication;
    let endpoint = Endpoint::from_shared(format!("http://{address}"))
        .map_err(|error| format!("{address}: {error}"))?
        .connect_timeout(CONNECT_TIMEOUT)
        .initial_stream_window_size(window)
        .initial_connection_window_size(context.settings.window_of_connection())
        .http2_keep_alive_interval(Duration::from_millis(500))
        .keep_alive_timeout(Duration::from_secs(1))
        .keep_alive_while_idle(true);
    let expected = Expected::Node(primary.node.clone());
    let connected = context.dialer.connect(&endpoint, expected).await;
    connected.map_err(|error| format!("{address}: {}", innermost_cause(&error)))
}

impl Session {
    pub(super) async fn open(context: &Context, shard: &Arc<ShardCore>) -> Result<Session, Broken> {
        let channel = connect(context).await;
        let channel = channel.map_err(|cause| Broken::by(StreamEnd::Unreachable, cause))?;
        let outline = begin_intake(shard).await.map_err(closed)?;
        let (outgoing, requests) = mpsc::channel(16);
        let hello = hello(context, shard, &outline);
        outgoing.try_send(hello).expect("the channel is empty");
        let mut client = ReplicationClient::new(channel)
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX);
        let asked = context.clock.now();
        let answer = client.follow(ReceiverStream::new(requests)).await;
        let mut incoming = answer
            .map_err(|status| refused(describe(&status)))?
            .into_inner();
        let first = incoming
            .message()
            .await
            .map_err(|status| refused(describe(&status)))?;
        let Some(FollowResponse {
            message: Some(follow_response::Message::Welcome(welcome)),
        }) = first
        else {
            return Err(malformed("the primary did not begin with a welcome"));
        };
        if welcome.epoch != context.target.epoch.get() {
            let cause = format!("the primary answered for epoch {}", welcome.epoch);
            return Err(Broken::by(StreamEnd::OtherEpoch, cause));
        }
        let known = &context.known;
        known
            .hear(&context.target.primary, &welcome.profile_json)
            .await;
        let common = welcome
            .common
            .map(Position::try_from)
            .transpose()
            .map_err(malformed)?;
        let there = welcome
            .head
            .map(Position::try_from)
            .transpose()
            .map_err(malformed)?;
        let outline = stand_at(shard, outline, common).await.map_err(refused)?;
        let epoch = context.target.epoch;
        shard.update(|marks| marks.comparison.follow(epoch));
        let head = outline.history.head;
        Ok(Session {
            incoming,
            outgoing,
            intake: Intake::new(
                context.target.epoch,
                outline.last_epoch,
                head,
                outline.head_hash,
            ),
            handed: head.map(|position| position.lsn),
            heartbeat: 0,
            reported: None,
            welcome: (there.map(|position| position.lsn), asked),
        })
    }
}

fn hello(context: &Context, shard: &ShardCore, outline: &Outline) -> FollowRequest {
    let epochs = outline
        .history
        .epochs
        .iter()
        .map(|(epoch, fork)| v1::EpochFork {
            epoch: epoch.get(),
            fork: fork.map(Into::into),
        });
    let hello = v1::Hello {
        protocol: 1,
        cluster: Bytes::copy_from_slice(context.cluster.as_bytes()),
        shard: shard.name.to_string(),
        node: context.me.node.to_string(),
        data_id: Bytes::copy_from_slice(context.me.data_id.as_bytes()),
        epoch: context.target.promised.max(context.target.epoch).get(),
        head: outline.history.head.map(Into::into),
        epochs: epochs.collect(),
        accepts: vec![ZSTD.to_owned()],
    };
    FollowRequest {
        message: Some(follow_request::Message::Hello(hello)),
    }
}

async fn begin_intake(shard: &ShardCore) -> Result<Outline, String> {
    let outline = shard.ask(|reply| LogCommand::BeginIntake { reply }).await;
    outline.ok_or_else(|| "the log thread has ended".to_owned())
}

/// Brings the log to the common position: what it has beyond is divergent.
async fn stand_at(
    shard: &ShardCore,
    outline: Outline,
    common: Option<Position>,
) -> Result<Outline, String> {
    let head = outline.history.head;
    if common == head {
        return Ok(outline);
    }
    if common.is_none() {
        return Err("the primary shares no history with this non-empty log; it is never wiped: check cluster, prefix and data root".to_owned());
    }
    let reason = format!(
        "the primary's history goes on from {} without these records",
        common.map_or("the beginning".to_owned(), |position| position.to_string())
    );
    let cut = shard
        .ask(|reply| LogCommand::Cut {
            keep: common,
            reason,
            reply,
        })
        .await;
    cut.unwrap_or_else(|| Err("the log thread has ended".to_owned()))
}
