use super::{CallFailure, Fate, frame};
use bytes::Bytes;
use tonic::Code;
use understudy_wire::etcd::etcdserverpb as pb;

#[test]
fn template_carries_the_key_of_each_call() {
    let request = pb::PutRequest {
        key: Bytes::from_static(b"key-0"),
        value: Bytes::from(vec![7; 300]),
        ..Default::default()
    };
    let template = frame::Template::new(&request, b"key-0");
    let encoded = template.with_key(|key| key.copy_from_slice(b"key-9"));
    let decoded: pb::PutRequest = frame::decode(encoded).unwrap();
    assert_eq!(decoded.key, "key-9");
    assert_eq!(decoded.value, request.value);
}

#[test]
fn template_holds_keys_whose_length_takes_two_bytes() {
    let key = vec![b'k'; 200];
    let request = pb::RangeRequest {
        key: key.clone().into(),
        serializable: true,
        ..Default::default()
    };
    let template = frame::Template::new(&request, &key);
    let decoded: pb::RangeRequest = frame::decode(template.with_key(|key| key.fill(b'z'))).unwrap();
    assert_eq!(decoded.key, vec![b'z'; 200]);
    assert!(decoded.serializable);
}

#[test]
fn answer_that_is_not_one_whole_message_is_refused() {
    let whole = frame::encode(&pb::PutResponse::default());
    assert!(frame::decode::<pb::PutResponse>(whole.clone()).is_ok());
    let compressed = Bytes::from_static(&[1, 0, 0, 0, 0]);
    let short = Bytes::from_static(&[0, 0, 0, 0, 9, 1]);
    for body in [
        Bytes::new(),
        compressed,
        short,
        [whole.clone(), whole].concat().into(),
    ] {
        assert!(frame::decode::<pb::PutResponse>(body).is_err());
    }
}

#[test]
fn only_a_definite_refusal_did_not_happen() {
    let answered = |code| CallFailure::Answered {
        code,
        message: String::new(),
    };
    for code in [
        Code::Unavailable,
        Code::DeadlineExceeded,
        Code::Unknown,
        Code::Internal,
    ] {
        assert_eq!(answered(code).fate(), Fate::MayHaveHappened, "{code:?}");
    }
    for code in [
        Code::InvalidArgument,
        Code::ResourceExhausted,
        Code::FailedPrecondition,
    ] {
        assert_eq!(answered(code).fate(), Fate::DidNotHappen, "{code:?}");
    }
    assert_eq!(
        CallFailure::NotSent(String::new()).fate(),
        Fate::DidNotHappen
    );
    assert_eq!(
        CallFailure::Lost(String::new()).fate(),
        Fate::MayHaveHappened
    );
    assert_eq!(CallFailure::TimedOut.fate(), Fate::MayHaveHappened);
}
