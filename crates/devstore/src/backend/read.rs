use super::{Backend, conditions, no_such_key, timestamp};
use crate::Mode;
use crate::contents::Stored;
use crate::lies::{Lie, ONLY_ETAG};
use bytes::Bytes;
use hyper::StatusCode;
use s3s::dto::*;
use s3s::{Body, S3Response, S3Result};

impl Backend {
    pub(super) fn get(&self, input: GetObjectInput) -> S3Result<S3Response<GetObjectOutput>> {
        let object = self.object(&input.bucket, &input.key)?;
        let etag = self.etag(&object);
        conditions::of_read(input.if_match.as_ref(), input.if_none_match.as_ref(), &etag)?;
        let total = object.body.len();
        let (body, content_range) = slice(&object.body, input.range)?;
        let status = content_range.as_ref().map(|_| StatusCode::PARTIAL_CONTENT);
        let output = GetObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            content_length: Some(body.len() as i64),
            content_range: content_range.map(|range| format!("bytes {range}/{total}")),
            body: Some(StreamingBlob::from(Body::from(body))),
            e_tag: Some(etag),
            last_modified: Some(timestamp(object.modified)),
            ..GetObjectOutput::default()
        };
        let mut response = S3Response::new(output);
        response.status = status;
        Ok(response)
    }

    pub(super) fn head(&self, input: HeadObjectInput) -> S3Result<HeadObjectOutput> {
        let object = self.object(&input.bucket, &input.key)?;
        let etag = self.etag(&object);
        conditions::of_read(input.if_match.as_ref(), input.if_none_match.as_ref(), &etag)?;
        Ok(HeadObjectOutput {
            content_length: Some(object.body.len() as i64),
            e_tag: Some(etag),
            last_modified: Some(timestamp(object.modified)),
            ..HeadObjectOutput::default()
        })
    }

    fn object(&self, bucket: &str, key: &str) -> S3Result<Stored> {
        self.check_bucket(bucket)?;
        self.shelf
            .read()
            .object(bucket, key)
            .cloned()
            .ok_or_else(no_such_key)
    }

    pub(super) fn etag(&self, object: &Stored) -> ETag {
        match self.mode {
            Mode::Lies(Lie::KeepsETag) => ETag::Strong(ONLY_ETAG.to_owned()),
            _ => conditions::etag_of(object),
        }
    }
}

/// The asked part of the body, and its first and last byte if it is a part.
fn slice(body: &Bytes, range: Option<Range>) -> S3Result<(Bytes, Option<String>)> {
    let Some(range) = range else {
        return Ok((body.clone(), None));
    };
    let part = range.check(body.len() as u64)?;
    let (start, end) = (part.start as usize, part.end as usize);
    let label = format!("{}-{}", part.start, part.end.saturating_sub(1));
    Ok((body.slice(start..end), Some(label)))
}
