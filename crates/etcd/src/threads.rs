//! The threads that serve clients, each with a runtime of one thread.
//!
//! On such a runtime all tasks that a batch of answers wakes run before their
//! connection writes, so many responses leave in one system call. A runtime of
//! several threads writes after nearly each response, since a task that was
//! just woken runs next there.

use crate::{backend::Backend, door::Door, options::EtcdOptions, server};
use futures::StreamExt;
use std::{io, net, sync::Arc, thread};
use tokio::{
    net::TcpStream,
    runtime,
    sync::{mpsc, oneshot},
};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport;

/// Accepted connections that may wait for one thread.
const WAITING_MAX: usize = 64;

/// Why the services of a shard ended before they were asked to.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("a thread for clients cannot be started: {0}")]
    Thread(#[from] io::Error),
    #[error("a thread for clients ended: {0}")]
    Transport(#[from] transport::Error),
    #[error("a thread for clients panicked")]
    Panicked,
}

/// How the threads are told to end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ending {
    /// What is being answered is answered, then the thread ends.
    pub(crate) closing: CancellationToken,
    /// All connections are closed at once.
    pub(crate) at_once: CancellationToken,
}

/// One thread, and the way to give it connections.
#[derive(Debug)]
pub(crate) struct ClientThread {
    connections: mpsc::Sender<net::TcpStream>,
    ended: oneshot::Receiver<Result<(), transport::Error>>,
}

impl ClientThread {
    pub(crate) fn start<B: Backend>(
        number: usize,
        handle: B,
        options: EtcdOptions,
        ending: Ending,
    ) -> io::Result<ClientThread> {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (connections, receiver) = mpsc::channel(WAITING_MAX);
        let (end, ended) = oneshot::channel();
        thread::Builder::new()
            .name(format!("clients {number}"))
            .spawn(move || {
                let serving = serve(handle, options, receiver, ending);
                // Nobody may wait for it any more.
                let _ = end.send(runtime.block_on(serving));
            })?;
        Ok(ClientThread { connections, ended })
    }

    /// Waits for room. Fails when the thread has ended.
    pub(crate) async fn take(&self, connection: TcpStream) -> Result<(), ServeError> {
        let connection = connection.into_std()?;
        let sent = self.connections.send(connection).await;
        sent.map_err(|_| ServeError::Panicked)
    }

    /// Waits for the thread's end.
    pub(crate) async fn ended(self) -> Result<(), ServeError> {
        drop(self.connections);
        let ended = self.ended.await.map_err(|_| ServeError::Panicked)?;
        Ok(ended?)
    }
}

async fn serve<B: Backend>(
    handle: B,
    options: EtcdOptions,
    connections: mpsc::Receiver<net::TcpStream>,
    ending: Ending,
) -> Result<(), transport::Error> {
    let gate = options.gate.clone();
    let door = Door::new(handle.on_this_runtime(), options, ending.closing.clone());
    let incoming = ReceiverStream::new(connections).map(TcpStream::from_std);
    let incoming = gate.admitted(incoming);
    tokio::select! {
        ended = server::serve_connections(Arc::new(door), incoming) => ended,
        () = ending.at_once.cancelled() => Ok(()),
    }
}
