use super::checksums::Announced;
use super::{Backend, conditions, no_such_bucket, no_such_key};
use crate::Mode;
use crate::lies::{Lie, ONLY_ETAG};
use crate::shelf::{Outcome, Requirement, etag_of};
use bytes::Bytes;
use s3s::dto::*;
use s3s::{Body, S3Error, S3Result, TrailingHeaders, s3_error};
use std::time::Duration;

/// The largest body that a put takes; it is held in memory.
const BODY_BYTES_MAX: usize = 256 << 20;

/// How long [`Lie::ChecksThenWrites`] lets others in.
const CARELESS_PAUSE: Duration = Duration::from_millis(20);

impl Backend {
    pub(super) async fn put(
        &self,
        input: PutObjectInput,
        trailers: Option<TrailingHeaders>,
    ) -> S3Result<PutObjectOutput> {
        let announced = Announced::in_headers(&input);
        let requirement = conditions::of_put(input.if_match, input.if_none_match)?;
        let body = read_body(input.body).await?;
        // The trailers are there once the body was read.
        let trailers = trailers
            .and_then(|trailers| trailers.take())
            .unwrap_or_default();
        announced.or_in_trailers(&trailers).check(&body)?;
        let requirement = match self.mode {
            Mode::Honest | Mode::WantsBareETags => requirement,
            Mode::Lies(lie) => {
                self.betray(lie, requirement, &input.bucket, &input.key)
                    .await?
            }
        };
        let etag = match self.mode {
            Mode::Lies(Lie::KeepsETag) => ONLY_ETAG.to_owned(),
            _ => etag_of(&body),
        };
        let (bucket, key) = (input.bucket, input.key);
        settle(
            self.change(move |shelf| shelf.put(&bucket, &key, body, &requirement))
                .await?,
        )?;
        Ok(PutObjectOutput {
            e_tag: Some(ETag::Strong(etag)),
            ..PutObjectOutput::default()
        })
    }

    pub(super) async fn delete(&self, input: DeleteObjectInput) -> S3Result<DeleteObjectOutput> {
        let requirement = input
            .if_match
            .map_or(Requirement::Nothing, conditions::of_match);
        let (bucket, key) = (input.bucket, input.key);
        settle(
            self.change(move |shelf| shelf.delete(&bucket, &key, &requirement))
                .await?,
        )?;
        Ok(DeleteObjectOutput::default())
    }

    /// What a lying store requires in place of what it was asked to.
    async fn betray(
        &self,
        lie: Lie,
        asked: Requirement,
        bucket: &str,
        key: &str,
    ) -> S3Result<Requirement> {
        Ok(match (lie, asked) {
            (Lie::IgnoresConditions, _) | (Lie::CreatesTwice, Requirement::Absent) => {
                Requirement::Nothing
            }
            (Lie::KeepsETag, Requirement::Matches(etag)) if etag == ONLY_ETAG => {
                Requirement::Exists
            }
            (Lie::ChecksThenWrites, asked) => {
                let failed = self.shelf.failure_now(bucket, key, &asked);
                tokio::time::sleep(CARELESS_PAUSE).await;
                failed.map_or(Ok(()), settle)?;
                Requirement::Nothing
            }
            (Lie::CreatesTwice | Lie::KeepsETag, asked) => asked,
        })
    }
}

fn settle(outcome: Outcome) -> S3Result<()> {
    match outcome {
        Outcome::Done => Ok(()),
        Outcome::NoSuchBucket => Err(no_such_bucket()),
        Outcome::NoSuchKey => Err(no_such_key()),
        Outcome::RequirementFailed => Err(conditions::failed()),
    }
}

/// The whole body, before any lock is taken.
async fn read_body(body: Option<StreamingBlob>) -> S3Result<Bytes> {
    let Some(body) = body else {
        return Ok(Bytes::new());
    };
    let declared = s3s::stream::ByteStream::remaining_length(&body).exact();
    if declared.is_some_and(|length| length > BODY_BYTES_MAX) {
        return Err(s3_error!(
            EntityTooLarge,
            "the store takes bodies up to 256 MiB"
        ));
    }
    let read = Body::from(body).store_all_limited(BODY_BYTES_MAX).await;
    read.map_err(|error| {
        let mut refused: S3Error = s3_error!(IncompleteBody, "the body could not be read");
        refused.set_source(error);
        refused
    })
}
