//! The store over S3's HTTP API. What it asks of a server: PutObject with
//! `If-None-Match: *` and `If-Match`, GetObject with `If-None-Match`,
//! DeleteObject and ListObjectsV2 (Amazon S3 API reference).

mod client;
mod config;
mod spelling;
mod verdict;

pub use config::{ConnectError, Credentials, S3Config};

use crate::{
    Condition, ETag, FaultKind, Fetched, Listed, Object, ObjectStore, PutAnswer, StoreError,
};
use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use spelling::{Learned, Spelling, quoted};
use std::future::Future;
use std::time::Duration;
use understudy_types::innermost_cause;
use verdict::{Verdict, judge};

/// One bucket and prefix of an S3 store. Clones share the connections.
#[derive(Clone, Debug)]
pub struct S3Store {
    client: Client,
    bucket: String,
    /// Empty, or ends with a slash.
    prefix: String,
    /// For people: see [`S3Config::describe`].
    place: String,
    attempt_timeout: Duration,
    spelling: Learned,
}

impl S3Store {
    /// Makes the client. It sends nothing to the store, so a store that is
    /// down is no error here. Credentials that are not in the configuration
    /// are looked for at once, if need be at the machine's metadata service.
    pub async fn connect(config: S3Config) -> Result<S3Store, ConnectError> {
        config.check()?;
        let client = client::build(&config).await?;
        let prefix = match config.prefix.as_str() {
            "" => String::new(),
            prefix => format!("{prefix}/"),
        };
        Ok(S3Store {
            client,
            place: config.describe(),
            bucket: config.bucket,
            prefix,
            attempt_timeout: config.attempt_timeout,
            spelling: Learned::default(),
        })
    }

    /// Makes the bucket, where the store and the credentials allow it; one
    /// that is already ours is no error. For development and tests.
    pub async fn create_bucket(&self) -> Result<(), StoreError> {
        let request = self.client.create_bucket().bucket(&self.bucket).send();
        match self.in_time(async { request.await.map_err(judge) }).await {
            Ok(_) => Ok(()),
            Err(Verdict::Answered(answer)) if answer.code == "BucketAlreadyOwnedByYou" => Ok(()),
            Err(verdict) => Err(verdict.into()),
        }
    }

    fn full_key(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    /// Gives up waiting after the attempt's time. The connection is closed
    /// then, so that the next attempt does not meet the same stuck one.
    async fn in_time<T>(
        &self,
        request: impl Future<Output = Result<T, Verdict>>,
    ) -> Result<T, Verdict> {
        let outcome = match tokio::time::timeout(self.attempt_timeout, request).await {
            Ok(outcome) => outcome,
            Err(_elapsed) => Err(Verdict::NoAnswer(StoreError::indeterminate(
                FaultKind::TimedOut,
                format!("no complete answer within {:?}", self.attempt_timeout),
            ))),
        };
        outcome.map_err(|verdict| verdict.at(&self.place))
    }

    /// One put as it is, with the spelled condition in its header.
    async fn put_once(
        &self,
        key: &str,
        body: Bytes,
        condition: &Condition,
        spelling: Spelling,
    ) -> Result<PutAnswer, StoreError> {
        let request = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(self.full_key(key));
        let request = match condition {
            Condition::Absent => request.if_none_match("*"),
            Condition::Matches(etag) => request.if_match(spelling.of(etag)),
        };
        let request = request.body(ByteStream::from(body)).send();
        match self.in_time(async { request.await.map_err(judge) }).await {
            Ok(applied) => Ok(PutAnswer::Applied(etag_from(applied.e_tag())?)),
            Err(verdict) => match (verdict.status(), condition) {
                (Some(412), _) => Ok(PutAnswer::Refused),
                (Some(404), Condition::Matches(_)) if verdict.key_is_absent() => {
                    Ok(PutAnswer::Refused)
                }
                (Some(409), _) => Ok(PutAnswer::Conflict),
                _ => Err(verdict.into()),
            },
        }
    }

    /// A put that shows which spelling the store takes. The second attempt is
    /// safe: the store has said that the first one was not applied, and both
    /// name the same state.
    async fn put_learning(
        &self,
        key: &str,
        body: Bytes,
        condition: &Condition,
    ) -> Result<PutAnswer, StoreError> {
        let mut answer = PutAnswer::Refused;
        for spelling in [Spelling::Quoted, Spelling::Bare] {
            answer = self
                .put_once(key, body.clone(), condition, spelling)
                .await?;
            match answer {
                PutAnswer::Applied(_) => {
                    self.spelling.applied(spelling);
                    return Ok(answer);
                }
                PutAnswer::Refused => {}
                PutAnswer::Conflict => return Ok(answer),
            }
        }
        Ok(answer)
    }

    async fn page(
        &self,
        prefix: &str,
        after: Option<&str>,
        continuation: Option<String>,
    ) -> Result<ListObjectsV2Output, StoreError> {
        let request = self
            .client
            .list_objects_v2()
            .bucket(&self.bucket)
            .prefix(self.full_key(prefix))
            .set_start_after(after.map(|after| self.full_key(after)))
            .set_continuation_token(continuation)
            .send();
        Ok(self.in_time(async { request.await.map_err(judge) }).await?)
    }

    fn listed(&self, object: &aws_sdk_s3::types::Object) -> Result<Listed, StoreError> {
        let key = object.key().and_then(|key| key.strip_prefix(&self.prefix));
        let size = object.size().and_then(|size| u64::try_from(size).ok());
        match (key, object.e_tag(), size) {
            (Some(key), Some(etag), Some(size)) => Ok(Listed {
                key: key.to_owned(),
                etag: quoted(etag),
                size,
            }),
            _ => Err(unreadable(format!(
                "a listing's line is incomplete: {object:?}"
            ))),
        }
    }
}

fn unreadable(detail: impl Into<String>) -> StoreError {
    StoreError::indeterminate(FaultKind::UnreadableAnswer, detail)
}

fn etag_from(header: Option<&str>) -> Result<ETag, StoreError> {
    header
        .map(quoted)
        .ok_or_else(|| unreadable("the answer has no ETag"))
}

#[async_trait]
impl ObjectStore for S3Store {
    async fn get(&self, key: &str, known: Option<&ETag>) -> Result<Fetched, StoreError> {
        let spelling = self.spelling.get().unwrap_or(Spelling::Quoted);
        let request = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(self.full_key(key))
            .set_if_none_match(known.map(|etag| spelling.of(etag)))
            .send();
        let whole = async {
            let found = request.await.map_err(judge)?;
            let etag = etag_from(found.e_tag()).map_err(Verdict::NoAnswer)?;
            let body = found.body.collect().await.map_err(|error| {
                let detail = format!("while reading the body: {}", innermost_cause(&error));
                Verdict::NoAnswer(StoreError::indeterminate(FaultKind::ConnectionLost, detail))
            })?;
            Ok(Object {
                etag,
                body: body.into_bytes(),
            })
        };
        match self.in_time(whole).await {
            Ok(object) => Ok(Fetched::Found(object)),
            Err(verdict) if verdict.key_is_absent() => Ok(Fetched::Absent),
            Err(verdict) if verdict.status() == Some(304) => Ok(Fetched::NotModified),
            Err(verdict) => Err(verdict.into()),
        }
    }

    async fn put(
        &self,
        key: &str,
        body: Bytes,
        condition: Condition,
    ) -> Result<PutAnswer, StoreError> {
        match (&condition, self.spelling.get()) {
            (Condition::Matches(_), None) => self.put_learning(key, body, &condition).await,
            (_, known) => {
                let spelling = known.unwrap_or(Spelling::Quoted);
                self.put_once(key, body, &condition, spelling).await
            }
        }
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        let request = self
            .client
            .delete_object()
            .bucket(&self.bucket)
            .key(self.full_key(key))
            .send();
        match self.in_time(async { request.await.map_err(judge) }).await {
            Ok(_) => Ok(()),
            Err(verdict) if verdict.key_is_absent() => Ok(()),
            Err(verdict) => Err(verdict.into()),
        }
    }

    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Vec<Listed>, StoreError> {
        let mut lines = Vec::new();
        let mut continuation = None;
        loop {
            let page = self.page(prefix, after, continuation).await?;
            for object in page.contents() {
                lines.push(self.listed(object)?);
            }
            match page.next_continuation_token() {
                Some(token) if page.is_truncated() == Some(true) => {
                    continuation = Some(token.to_owned());
                }
                _ => return Ok(lines),
            }
        }
    }
}
