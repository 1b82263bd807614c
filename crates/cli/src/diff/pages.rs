//! All keys of one endpoint at one revision, in order, a page at a time.

use anyhow::{Context, anyhow};
use bytes::Bytes;
use std::collections::VecDeque;
use std::time::Duration;
use tonic::Code;
use tonic::transport::Channel;
use understudy_loadgen::Endpoint;
use understudy_wire::etcd::etcdserverpb::kv_client::KvClient;
use understudy_wire::etcd::etcdserverpb::{RangeRequest, RangeResponse};
use understudy_wire::etcd::mvccpb::KeyValue;

const PATIENCE: Duration = Duration::from_secs(10);

/// Keys of one page: with the largest values some 200 MB.
const PAGE_KEYS: i64 = 128;
const PAGE_BYTES_MAX: usize = 512 << 20;

/// The first key that there can be, and "from there on".
const FIRST_KEY: Bytes = Bytes::from_static(b"\0");
const NO_END: Bytes = Bytes::from_static(b"\0");

pub(super) struct Pages {
    endpoint: Endpoint,
    client: KvClient<Channel>,
    newest: i64,
    /// Keys that there were at the newest revision.
    keys: u64,
    revision: i64,
    /// Where the next page begins; `None` after the last one.
    next: Option<Bytes>,
    page: VecDeque<KeyValue>,
}

impl Pages {
    /// Connects, and asks for the newest revision.
    pub(super) async fn open(endpoint: &Endpoint) -> anyhow::Result<Pages> {
        let server = tonic::transport::Endpoint::from_shared(endpoint.url())?
            .connect_timeout(PATIENCE)
            .timeout(PATIENCE);
        let channel = server.connect().await;
        let channel = channel.with_context(|| endpoint.to_string())?;
        let mut pages = Pages {
            endpoint: endpoint.clone(),
            client: KvClient::new(channel).max_decoding_message_size(PAGE_BYTES_MAX),
            newest: 0,
            keys: 0,
            revision: 0,
            next: Some(FIRST_KEY),
            page: VecDeque::new(),
        };
        let newest = pages
            .range(RangeRequest {
                key: FIRST_KEY,
                range_end: NO_END,
                count_only: true,
                serializable: true,
                ..RangeRequest::default()
            })
            .await?;
        let header = newest.header.context("an answer without a header")?;
        pages.newest = header.revision;
        pages.keys = newest.count.unsigned_abs();
        Ok(pages)
    }

    pub(super) fn newest(&self) -> i64 {
        self.newest
    }

    /// About as many as there are to read.
    pub(super) fn keys(&self) -> u64 {
        self.keys
    }

    pub(super) fn read_at(&mut self, revision: i64) {
        self.revision = revision;
    }

    /// The first key that was not taken yet; `None` at the end.
    pub(super) async fn head(&mut self) -> anyhow::Result<Option<&KeyValue>> {
        while self.page.is_empty()
            && let Some(key) = self.next.clone()
        {
            let request = RangeRequest {
                key,
                range_end: NO_END,
                limit: PAGE_KEYS,
                revision: self.revision,
                serializable: true,
                ..RangeRequest::default()
            };
            let response = self.range(request).await?;
            let last = response.kvs.last().filter(|_| response.more);
            self.next = last.map(|pair| after(&pair.key));
            self.page = response.kvs.into();
        }
        Ok(self.page.front())
    }

    pub(super) fn take(&mut self) {
        self.page.pop_front();
    }

    async fn range(&mut self, request: RangeRequest) -> anyhow::Result<RangeResponse> {
        let response = self.client.range(request).await;
        response.map(tonic::Response::into_inner).map_err(|status| {
            let hint = match status.code() {
                Code::OutOfRange => ": it was compacted meanwhile, run the command again",
                _ => "",
            };
            anyhow!("{}: {}{hint}", self.endpoint, status.message())
        })
    }
}

/// The smallest key above `key`.
fn after(key: &[u8]) -> Bytes {
    [key, b"\0"].concat().into()
}
