use crate::contents::Stored;
use crate::shelf::Requirement;
use s3s::dto::{ETag, ETagCondition};
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

/// What a put's two headers ask for. S3 takes `*` alone in `If-None-Match`,
/// and not both headers at once.
pub(super) fn of_put(
    if_match: Option<ETagCondition>,
    if_none_match: Option<ETagCondition>,
) -> S3Result<Requirement> {
    match (if_match, if_none_match) {
        (None, None) => Ok(Requirement::Nothing),
        (None, Some(ETagCondition::Any)) => Ok(Requirement::Absent),
        (Some(condition), None) => Ok(of_match(condition)),
        (None, Some(ETagCondition::ETag(_))) => Err(s3_error!(
            NotImplemented,
            "a put takes If-None-Match with * only"
        )),
        (Some(_), Some(_)) => Err(s3_error!(
            NotImplemented,
            "a put takes one of If-Match and If-None-Match"
        )),
    }
}

/// Whether an `If-Match` has its `ETag` in quotes, as RFC 9110 wants it.
pub(super) fn is_quoted(headers: &hyper::HeaderMap) -> bool {
    let condition = headers.get(hyper::header::IF_MATCH);
    condition.is_some_and(|spelled| spelled.as_bytes().starts_with(b"\""))
}

pub(super) fn of_match(condition: ETagCondition) -> Requirement {
    match condition {
        ETagCondition::Any => Requirement::Exists,
        ETagCondition::ETag(etag) => Requirement::Matches(etag.into_value()),
    }
}

/// Judges a read's conditions against the object's `ETag` (RFC 9110, 13.2.2:
/// `If-Match` first).
pub(super) fn of_read(
    if_match: Option<&ETagCondition>,
    if_none_match: Option<&ETagCondition>,
    etag: &ETag,
) -> S3Result<()> {
    let matches = |condition: &ETagCondition| match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(asked) => asked.value() == etag.value(),
    };
    if if_match.is_some_and(|condition| !matches(condition)) {
        return Err(failed());
    }
    if if_none_match.is_some_and(matches) {
        let mut error = S3Error::new(S3ErrorCode::NotModified);
        error.set_headers(etag_header(etag));
        return Err(error);
    }
    Ok(())
}

fn etag_header(etag: &ETag) -> hyper::HeaderMap {
    let mut headers = hyper::HeaderMap::new();
    if let Ok(value) = etag.to_http_header() {
        headers.insert(hyper::header::ETAG, value);
    }
    headers
}

pub(super) fn failed() -> S3Error {
    s3_error!(
        PreconditionFailed,
        "At least one of the pre-conditions you specified did not hold"
    )
}

/// Ours and S3's name for the same thing.
pub(super) fn etag_of(object: &Stored) -> ETag {
    ETag::Strong(object.etag.to_string())
}
