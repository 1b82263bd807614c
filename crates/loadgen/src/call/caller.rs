use super::{CallFailure, Connection, Method, frame};
use crate::Endpoint;
use prost::Message;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::task::JoinHandle;
use understudy_wire::etcd::etcdserverpb as pb;

/// Between two rounds in which no endpoint answered.
const ROUND_PAUSE: Duration = Duration::from_millis(20);

/// Time limits of a caller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) connect: Duration,
    pub(crate) call: Duration,
}

/// A caller that knows several endpoints and uses one connection at a time.
/// It stays with an endpoint until the caller asks for the next one. It never
/// repeats a call: whether a repetition is right, only its user knows.
#[derive(Debug)]
pub(crate) struct Caller {
    endpoints: Vec<Endpoint>,
    current: usize,
    open: Option<Open>,
    failures_in_row: usize,
    limits: Limits,
}

#[derive(Debug)]
struct Open {
    connection: Connection,
    driver: JoinHandle<()>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Caller {
    /// Starts at the endpoint with number `first`, counted around.
    pub(crate) fn new(endpoints: Vec<Endpoint>, first: usize, limits: Limits) -> Self {
        assert!(!endpoints.is_empty(), "a caller has an endpoint");
        Caller {
            current: first % endpoints.len(),
            endpoints,
            open: None,
            failures_in_row: 0,
            limits,
        }
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoints[self.current]
    }

    /// Goes on at the next endpoint, on a new connection.
    pub(crate) fn turn_to_next(&mut self) {
        self.open = None;
        self.current = (self.current + 1) % self.endpoints.len();
    }

    /// How long to wait before the next attempt: the pace after a success;
    /// after a failure, which is counted, it goes on at the next endpoint, and
    /// waits once all of them have failed.
    pub(crate) fn pause_after(
        &mut self,
        outcome: Result<(), CallFailure>,
        pace: Option<Duration>,
        failures: &mut BTreeMap<&'static str, u64>,
    ) -> Option<Duration> {
        let Err(failure) = outcome else {
            self.failures_in_row = 0;
            return pace;
        };
        *failures.entry(failure.kind()).or_default() += 1;
        self.turn_to_next();
        self.failures_in_row += 1;
        let round_is_over = self.failures_in_row.is_multiple_of(self.endpoints.len());
        round_is_over.then_some(ROUND_PAUSE)
    }

    /// May have happened although it failed: see [`CallFailure::fate`].
    pub(crate) async fn put(
        &mut self,
        request: &pb::PutRequest,
    ) -> Result<pb::PutResponse, CallFailure> {
        self.call(Method::Put, request).await
    }

    pub(crate) async fn range(
        &mut self,
        request: &pb::RangeRequest,
    ) -> Result<pb::RangeResponse, CallFailure> {
        self.call(Method::Range, request).await
    }

    /// May have happened although it failed, as a put.
    pub(crate) async fn delete_range(
        &mut self,
        request: &pb::DeleteRangeRequest,
    ) -> Result<pb::DeleteRangeResponse, CallFailure> {
        self.call(Method::DeleteRange, request).await
    }

    /// May have happened although it failed, as a put.
    pub(crate) async fn txn(
        &mut self,
        request: &pb::TxnRequest,
    ) -> Result<pb::TxnResponse, CallFailure> {
        self.call(Method::Txn, request).await
    }

    async fn call<M: Message + Default>(
        &mut self,
        method: Method,
        request: &impl Message,
    ) -> Result<M, CallFailure> {
        let within = self.limits.call;
        let open = self.opened().await?;
        let answer = open
            .connection
            .call(method, frame::encode(request), within)
            .await
            .and_then(frame::decode);
        if answer.as_ref().is_err_and(CallFailure::ends_connection) {
            self.open = None;
        }
        answer
    }

    async fn opened(&mut self) -> Result<&mut Open, CallFailure> {
        if self.open.is_none() {
            let (connection, driver) =
                Connection::open(self.endpoint(), self.limits.connect).await?;
            // What ends the driver is told to each call by its own stream.
            let driver = tokio::spawn(async move {
                let _ = driver.await;
            });
            self.open = Some(Open { connection, driver });
        }
        Ok(self.open.as_mut().expect("it was opened just now"))
    }
}
