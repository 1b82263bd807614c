//! From what the SDK reports to what the caller may conclude.

use crate::{FaultKind, StoreError};
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use hyper_util::client::legacy;
use std::error::Error;
use understudy_types::innermost_cause;

/// An answer that the store gave, without success.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// S3's error code; empty when the answer had no readable body.
    pub(super) code: String,
    pub(super) message: String,
    /// Where it was asked, for people; empty until it is known.
    pub(super) place: String,
}

/// Either the store's own words, or the reason why there are none.
#[derive(Debug)]
pub(super) enum Verdict {
    Answered(Answer),
    NoAnswer(StoreError),
}

impl Verdict {
    pub(super) fn status(&self) -> Option<u16> {
        match self {
            Verdict::Answered(answer) => Some(answer.status),
            Verdict::NoAnswer(_) => None,
        }
    }

    pub(super) fn at(self, place: &str) -> Verdict {
        match self {
            Verdict::Answered(answer) => Verdict::Answered(Answer {
                place: place.to_owned(),
                ..answer
            }),
            Verdict::NoAnswer(error) => Verdict::NoAnswer(error.at(place)),
        }
    }

    /// Whether the answer says that the key, and not the bucket, is absent.
    pub(super) fn key_is_absent(&self) -> bool {
        match self {
            Verdict::Answered(answer) => answer.status == 404 && answer.code != "NoSuchBucket",
            Verdict::NoAnswer(_) => false,
        }
    }
}

pub(super) fn judge<E>(error: SdkError<E, HttpResponse>) -> Verdict
where
    E: Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let detail = innermost_cause(&error);
    match &error {
        SdkError::ServiceError(answered) => Verdict::Answered(Answer {
            status: answered.raw().status().as_u16(),
            code: answered.err().code().unwrap_or_default().to_owned(),
            message: answered.err().message().unwrap_or_default().to_owned(),
            place: String::new(),
        }),
        SdkError::TimeoutError(_) => {
            Verdict::NoAnswer(StoreError::indeterminate(FaultKind::TimedOut, detail))
        }
        SdkError::ConstructionFailure(_) => {
            Verdict::NoAnswer(StoreError::determinate(FaultKind::Rejected, detail))
        }
        SdkError::DispatchFailure(failure) => {
            let cause = failure.as_connector_error();
            Verdict::NoAnswer(dispatch_failure(cause.map(|cause| cause as _), detail))
        }
        _ => Verdict::NoAnswer(StoreError::indeterminate(
            FaultKind::UnreadableAnswer,
            detail,
        )),
    }
}

/// Nothing was sent if the connection was never made; otherwise unknown.
fn dispatch_failure(cause: Option<&(dyn Error + 'static)>, detail: String) -> StoreError {
    if find_source::<CredentialsError>(cause).is_some() {
        return StoreError::determinate(FaultKind::NoCredentials, detail);
    }
    match find_source::<legacy::Error>(cause) {
        Some(error) if error.is_connect() => {
            StoreError::determinate(FaultKind::Unreachable, detail)
        }
        _ => StoreError::indeterminate(FaultKind::ConnectionLost, detail),
    }
}

fn find_source<'a, E: Error + 'static>(cause: Option<&'a (dyn Error + 'static)>) -> Option<&'a E> {
    std::iter::successors(cause, |&error| error.source())
        .find_map(|error| error.downcast_ref::<E>())
}

impl From<Verdict> for StoreError {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::NoAnswer(error) => error,
            Verdict::Answered(answer) => answer.into(),
        }
    }
}

/// For answers that the operation itself gives no meaning to.
impl From<Answer> for StoreError {
    fn from(answer: Answer) -> Self {
        let Answer {
            status,
            code,
            message,
            place,
        } = &answer;
        let code_and_message = format!("{code} {message}");
        let detail = format!("{place}: status {status} {}", code_and_message.trim());
        match (status, code.as_str()) {
            (_, "NotImplemented") | (501, _) => {
                StoreError::determinate(FaultKind::NotSupported, detail)
            }
            (_, "RequestTimeout") | (408, _) => {
                StoreError::indeterminate(FaultKind::TimedOut, detail)
            }
            (429, _) | (500.., _) => StoreError::indeterminate(FaultKind::StoreFailed, detail),
            (_, code) => StoreError::determinate(refusal(*status, code), detail),
        }
    }
}

fn refusal(status: u16, code: &str) -> FaultKind {
    match (status, code) {
        (_, "RequestTimeTooSkewed") => FaultKind::ClockSkew,
        (
            _,
            "InvalidAccessKeyId"
            | "NotSignedUp"
            | "SignatureDoesNotMatch"
            | "ExpiredToken"
            | "InvalidToken"
            | "TokenRefreshRequired",
        ) => FaultKind::WrongCredentials,
        (_, "NoSuchBucket") => FaultKind::NoSuchBucket,
        (_, "AuthorizationHeaderMalformed" | "PermanentRedirect") | (301 | 307, _) => {
            FaultKind::WrongRegion
        }
        (401 | 403, _) => FaultKind::AccessDenied,
        (405, _) => FaultKind::NotSupported,
        _ => FaultKind::Rejected,
    }
}

#[cfg(test)]
mod tests;
