//! S3's operations over the shelf (Amazon S3 API reference). Operations that
//! are not here are answered `NotImplemented` by the trait itself.

mod checksums;
mod conditions;
mod listing;
mod read;
mod write;

use crate::shelf::{Outcome, Shelf};
use crate::{DevStoreError, Mode};
use s3s::dto::*;
use s3s::{S3, S3Error, S3Request, S3Response, S3Result, s3_error};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

#[derive(Clone, Debug)]
pub(crate) struct Backend {
    shelf: Arc<Shelf>,
    mode: Mode,
}

impl Backend {
    pub(crate) fn new(shelf: Arc<Shelf>, mode: Mode) -> Self {
        Backend { shelf, mode }
    }

    fn check_bucket(&self, bucket: &str) -> S3Result<()> {
        match self.shelf.serves(bucket) {
            true => Ok(()),
            false => Err(no_such_bucket()),
        }
    }

    /// Runs a change where it may block; once begun it runs to its end, also
    /// when the client has gone.
    async fn change<F>(&self, act: F) -> S3Result<Outcome>
    where
        F: FnOnce(&Shelf) -> Result<Outcome, DevStoreError> + Send + 'static,
    {
        let shelf = self.shelf.clone();
        let done = tokio::task::spawn_blocking(move || act(&shelf)).await;
        done.map_err(S3Error::internal_error)?
            .map_err(S3Error::internal_error)
    }
}

fn no_such_bucket() -> S3Error {
    s3_error!(NoSuchBucket, "The specified bucket does not exist")
}

fn no_such_key() -> S3Error {
    s3_error!(NoSuchKey, "The specified key does not exist.")
}

fn timestamp(millis: u64) -> Timestamp {
    (UNIX_EPOCH + Duration::from_millis(millis)).into()
}

#[async_trait::async_trait]
impl S3 for Backend {
    async fn create_bucket(
        &self,
        request: S3Request<CreateBucketInput>,
    ) -> S3Result<S3Response<CreateBucketOutput>> {
        let bucket = request.input.bucket;
        let location = format!("/{bucket}");
        match self.change(move |shelf| shelf.make_bucket(&bucket)).await? {
            Outcome::Done => Ok(S3Response::new(CreateBucketOutput {
                location: Some(location),
            })),
            _ => Err(s3_error!(
                BucketAlreadyOwnedByYou,
                "The bucket exists and is yours"
            )),
        }
    }

    async fn head_bucket(
        &self,
        request: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        self.check_bucket(&request.input.bucket)?;
        Ok(S3Response::new(HeadBucketOutput::default()))
    }

    async fn list_buckets(
        &self,
        _request: S3Request<ListBucketsInput>,
    ) -> S3Result<S3Response<ListBucketsOutput>> {
        let buckets = self
            .shelf
            .read()
            .buckets
            .iter()
            .map(|(name, bucket)| Bucket {
                name: Some(name.clone()),
                creation_date: Some(timestamp(bucket.made)),
                ..Bucket::default()
            })
            .collect();
        let output = ListBucketsOutput {
            buckets: Some(buckets),
            ..ListBucketsOutput::default()
        };
        Ok(S3Response::new(output))
    }

    async fn put_object(
        &self,
        request: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        if self.mode == Mode::WantsBareETags && conditions::is_quoted(&request.headers) {
            return Err(conditions::failed());
        }
        self.put(request.input, request.trailing_headers)
            .await
            .map(S3Response::new)
    }

    async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        self.delete(request.input).await.map(S3Response::new)
    }

    async fn get_object(
        &self,
        request: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        self.get(request.input)
    }

    async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        self.head(request.input).map(S3Response::new)
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        self.list(request.input).map(S3Response::new)
    }
}
