//! Calls that become a command in the log.

use crate::{
    backend::Backend,
    call::{Call, Failure, Origin, Repeat},
    convert::response,
    door::Door,
    relay::relayed_request,
    status,
};
use bytes::Bytes;
use std::future::Future;
use tonic::{Response, Status, transport::Channel};
use understudy_kv::{Command, CommandResponse, KvError, LARGEST_REQUEST_BYTES, validate};
use understudy_types::Epoch;
use understudy_wire::etcd::etcdserverpb::{self as pb, kv_client::KvClient};

/// A request that becomes a command in the log.
pub(crate) trait Write: Clone + Send + Sync + 'static {
    type Answer: Send;

    /// The answer to the client; none when the response is another command's.
    fn answer(response: CommandResponse, header: pb::ResponseHeader) -> Option<Self::Answer>;

    fn send(
        self,
        client: KvClient<Channel>,
    ) -> impl Future<Output = Result<Response<Self::Answer>, Status>> + Send;
}

/// Proposes here or at the primary. When the future is dropped, and when the
/// status is UNAVAILABLE without the mark, it may still happen.
pub(crate) async fn propose<B: Backend, W: Write>(
    door: &Door<B>,
    wire: W,
    command: Command,
    origin: Origin,
) -> Result<Response<W::Answer>, Status> {
    let proposal = Proposal {
        wire,
        command: encode(&command)?,
    };
    door.answer(&proposal, origin).await.map(Response::new)
}

/// Refuses what no state can make sensible before it takes room in a log.
fn encode(command: &Command) -> Result<Bytes, Status> {
    validate(command).map_err(status::of_kv_error)?;
    let bytes = Bytes::from(command.encode());
    if bytes.len() > LARGEST_REQUEST_BYTES {
        return Err(status::of_kv_error(KvError::RequestTooLarge));
    }
    Ok(bytes)
}

struct Proposal<W> {
    wire: W,
    command: Bytes,
}

impl<W: Write> Call for Proposal<W> {
    type Answer = W::Answer;

    const REPEAT: Repeat = Repeat::WhenNotAccepted;

    async fn answer_here<B: Backend>(&self, door: &Door<B>) -> Result<Self::Answer, Failure> {
        let applied = door.backend.propose(self.command.clone()).await?;
        let response = applied
            .response
            .map_err(|error| Failure::Final(status::of_kv_error(error)))?;
        Ok(answer_to::<B, W>(door, response, applied.epoch))
    }

    async fn send_on(&self, client: KvClient<Channel>) -> Result<Self::Answer, Status> {
        self.wire
            .clone()
            .send(client)
            .await
            .map(Response::into_inner)
    }
}

fn answer_to<B: Backend, W: Write>(
    door: &Door<B>,
    response: CommandResponse,
    epoch: Epoch,
) -> W::Answer {
    let header = door.identity.header(response.revision(), epoch);
    W::answer(response, header).expect("a command is answered with its own kind of response")
}

impl Write for pb::PutRequest {
    type Answer = pb::PutResponse;

    fn answer(response: CommandResponse, header: pb::ResponseHeader) -> Option<Self::Answer> {
        match response {
            CommandResponse::Put(answer) => Some(response::put(answer, header)),
            _ => None,
        }
    }

    async fn send(self, mut client: KvClient<Channel>) -> Result<Response<Self::Answer>, Status> {
        client.put(relayed_request(self)).await
    }
}

impl Write for pb::DeleteRangeRequest {
    type Answer = pb::DeleteRangeResponse;

    fn answer(response: CommandResponse, header: pb::ResponseHeader) -> Option<Self::Answer> {
        match response {
            CommandResponse::DeleteRange(answer) => Some(response::delete_range(answer, header)),
            _ => None,
        }
    }

    async fn send(self, mut client: KvClient<Channel>) -> Result<Response<Self::Answer>, Status> {
        client.delete_range(relayed_request(self)).await
    }
}

impl Write for pb::TxnRequest {
    type Answer = pb::TxnResponse;

    fn answer(response: CommandResponse, header: pb::ResponseHeader) -> Option<Self::Answer> {
        match response {
            CommandResponse::Txn(answer) => Some(response::txn(answer, header)),
            _ => None,
        }
    }

    async fn send(self, mut client: KvClient<Channel>) -> Result<Response<Self::Answer>, Status> {
        client.txn(relayed_request(self)).await
    }
}

impl Write for pb::CompactionRequest {
    type Answer = pb::CompactionResponse;

    fn answer(response: CommandResponse, header: pb::ResponseHeader) -> Option<Self::Answer> {
        match response {
            CommandResponse::Compact(_) => Some(pb::CompactionResponse {
                header: Some(header),
            }),
            _ => None,
        }
    }

    async fn send(self, mut client: KvClient<Channel>) -> Result<Response<Self::Answer>, Status> {
        client.compact(relayed_request(self)).await
    }
}
