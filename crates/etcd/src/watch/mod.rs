//! The Watch service, on primary and standby alike: events come from what the
//! node itself has applied, so a stream outlives every change of role.

mod delivery;
mod fragment;
mod session;
mod watcher;

use crate::{backend::Backend, door::Door};
use futures::{FutureExt, StreamExt, future, stream::BoxStream};
use session::Session;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};
use understudy_wire::etcd::etcdserverpb::{WatchRequest, WatchResponse, watch_server};

/// Responses that wait for a slow client; what it does not take in time stays
/// in the history, until that is compacted.
const WAITING_RESPONSES_MAX: usize = 8;

pub(crate) struct WatchService<B>(pub(crate) Arc<Door<B>>);

#[tonic::async_trait]
impl<B: Backend> watch_server::Watch for WatchService<B> {
    type WatchStream = BoxStream<'static, Result<WatchResponse, Status>>;

    async fn watch(
        &self,
        request: Request<Streaming<WatchRequest>>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let (outgoing, responses) = mpsc::channel(WAITING_RESPONSES_MAX);
        let (end, ended) = oneshot::channel();
        let session = Session::new(Arc::clone(&self.0), outgoing);
        let requests = request.into_inner();
        tokio::spawn(async move {
            if let Err(status) = session.run(requests).await {
                // The receiver is gone when the client is.
                let _ = end.send(status);
            }
        });
        // A stream that we end has a status that lets clients come again.
        let last = ended
            .into_stream()
            .filter_map(|status| future::ready(status.ok().map(Err)));
        Ok(Response::new(
            ReceiverStream::new(responses).map(Ok).chain(last).boxed(),
        ))
    }
}
