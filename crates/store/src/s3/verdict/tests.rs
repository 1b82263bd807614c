use super::*;

fn judged(status: u16, code: &str) -> StoreError {
    Answer {
        status,
        code: code.into(),
        message: String::new(),
        place: "s3://bucket at http://store".into(),
    }
    .into()
}

#[test]
fn an_answer_below_500_did_not_happen() {
    for (status, code, kind) in [
        (403, "InvalidAccessKeyId", FaultKind::WrongCredentials),
        (403, "SignatureDoesNotMatch", FaultKind::WrongCredentials),
        (400, "ExpiredToken", FaultKind::WrongCredentials),
        (403, "RequestTimeTooSkewed", FaultKind::ClockSkew),
        (403, "AccessDenied", FaultKind::AccessDenied),
        (403, "", FaultKind::AccessDenied),
        (404, "NoSuchBucket", FaultKind::NoSuchBucket),
        (301, "PermanentRedirect", FaultKind::WrongRegion),
        (400, "AuthorizationHeaderMalformed", FaultKind::WrongRegion),
        (400, "InvalidRequest", FaultKind::Rejected),
        (501, "NotImplemented", FaultKind::NotSupported),
    ] {
        let error = judged(status, code);
        assert!(!error.may_have_happened(), "{status} {code}");
        assert_eq!(error.kind(), kind, "{status} {code}");
    }
}

#[test]
fn an_answer_of_a_failing_store_may_have_happened() {
    for (status, code, kind) in [
        (500, "InternalError", FaultKind::StoreFailed),
        (500, "UnknownError", FaultKind::StoreFailed),
        (503, "SlowDown", FaultKind::StoreFailed),
        (502, "", FaultKind::StoreFailed),
        (429, "", FaultKind::StoreFailed),
        (400, "RequestTimeout", FaultKind::TimedOut),
    ] {
        let error = judged(status, code);
        assert!(error.may_have_happened(), "{status} {code}");
        assert_eq!(error.kind(), kind, "{status} {code}");
    }
}

#[test]
fn a_missing_bucket_is_not_an_absent_key() {
    let verdict = |code: &str| {
        Verdict::Answered(Answer {
            status: 404,
            code: code.into(),
            message: String::new(),
            place: String::new(),
        })
    };
    assert!(verdict("NoSuchKey").key_is_absent());
    assert!(verdict("").key_is_absent());
    assert!(!verdict("NoSuchBucket").key_is_absent());
}

#[test]
fn a_message_says_where_what_was_seen_and_what_to_do() {
    assert_eq!(
        judged(404, "NoSuchBucket").to_string(),
        "the bucket does not exist (s3://bucket at http://store: status 404 NoSuchBucket): \
         create the bucket, or correct its name or the endpoint"
    );
}
