//! docs/upgrade.md: what two versions owe each other.

use rig::{Rig, RigOptions, Side};
use tonic::Code;
use tonic::codegen::tokio_stream;
use tonic::transport::Endpoint;
use understudy_wire::v1::replication_client::ReplicationClient;
use understudy_wire::v1::{FollowRequest, Hello, follow_request};

#[tokio::test]
async fn standby_of_another_protocol_is_refused_with_what_is_spoken() {
    let rig = Rig::start(RigOptions::local()).await;
    let address = format!("http://{}", rig.replication(Side::Alpha));
    let alpha = Endpoint::from_shared(address).expect("an address");
    let mut client = ReplicationClient::new(alpha.connect().await.expect("alpha"));
    let hello = Hello {
        protocol: 2,
        ..Hello::default()
    };
    let request = FollowRequest {
        message: Some(follow_request::Message::Hello(hello)),
    };
    let refused = match client.follow(tokio_stream::once(request)).await {
        Err(status) => status,
        Ok(stream) => stream.into_inner().message().await.expect_err("no welcome"),
    };
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(
        refused.message(),
        "replication protocol 2 is not spoken here, only 1"
    );
}
