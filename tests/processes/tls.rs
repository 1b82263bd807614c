//! Mutual TLS between nodes and operators, as processes speak it.

use rig::{
    Rig, RigOptions, Side, Speech, expect_verified, get, moved_there_and_back, recording, run,
    until,
};
use std::path::Path;
use std::time::Duration;
use tonic::codegen::tokio_stream::iter;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use understudy_tls::{
    CertificateAuthority, Credentials, Dialer, Expected, Holder, Identity, Issued, Reloaded, Role,
    TlsFiles, Validity,
};
use understudy_wire::v1::{
    FollowRequest, Hello, MaintenanceRequest, RebuildStateRequest, StatusRequest,
    admin_client::AdminClient, follow_request, replication_client::ReplicationClient,
};

const PATIENCE: Duration = Duration::from_secs(20);

fn secured(options: RigOptions) -> RigOptions {
    RigOptions {
        speech: Speech::MutualTls,
        ..options
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pair_with_certificates_streams_relays_and_moves_its_primary() {
    let rig = Rig::start(secured(RigOptions::replicated())).await;
    let writes = moved_there_and_back(&rig).await;
    expect_verified(&rig, &writes, &[Side::Alpha]).await;
    let history = get(rig.console(Side::Alpha), "/api/history").await;
    let history = history.expect("the receipts").body;
    for node in ["alpha", "bravo"] {
        // Each keeps its own; a node's certificate opens the other's.
        let its = format!("\"node\":\"{node}\"");
        assert!(history.contains(&its), "{history}");
    }
    let metrics = get(rig.console(Side::Bravo), "/metrics")
        .await
        .expect("metrics")
        .body;
    for certificate in ["node", "authority"] {
        let name = "understudy_cert_expiry_timestamp_seconds";
        let sample = format!("{name}{{certificate=\"{certificate}\"}}");
        assert!(metrics.contains(&sample), "{metrics}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn certificate_renewed_while_it_is_used_interrupts_nothing() {
    let rig = Rig::start(secured(RigOptions::local())).await;
    let recorder = recording(&rig, &Side::BOTH, 100).await;
    rig.wait_for_standby(Side::Bravo).await;
    let before = rig.status(Side::Alpha).await.expect("alpha runs");
    let reconnects = reconnects(&rig).await;
    rig.cert("renew node alpha --days 3").await.expect_code(0);
    let own = |status: &serde_json::Value| status["certificates"][0]["expires_at_unix"].as_i64();
    until("alpha uses the new certificate", PATIENCE, || async {
        let now = rig.status(Side::Alpha).await?;
        (own(&now)? != own(&before)?).then_some(())
    })
    .await;
    assert!(recorder.wait_for_acked(100, PATIENCE).await);
    assert_eq!(self::reconnects(&rig).await, reconnects, "the stream stays");
    // It is too short, and the operator hears of it.
    let address = rig.replication(Side::Alpha).to_string();
    let status = rig.command(&["status", "--endpoint", &address]).await;
    status.expect_said("certificate `node`");
    // A file that cannot be used is told of, and changes nothing.
    std::fs::copy(rig.file(Side::Alpha), rig.certificate("node-alpha").cert).unwrap();
    until(
        "alpha says that it cannot use the file",
        PATIENCE,
        || async {
            let now = rig.status(Side::Alpha).await?;
            let problem = now["certificates"][0]["problem"].as_str()?;
            problem.contains("node-alpha.pem").then_some(())
        },
    )
    .await;
    assert!(recorder.wait_for_acked(100, PATIENCE).await);
    let writes = recorder.stop().await;
    assert_eq!(writes.counts().unknown + writes.counts().refused, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn etcdctl_speaks_tls_where_clients_are_to() {
    let client_tls =
        "[client_tls]\ncert = \"certs/node-alpha.pem\"\nkey = \"certs/node-alpha.key\"\n";
    let options = RigOptions {
        more: client_tls.to_owned(),
        ..secured(RigOptions::local())
    };
    let rig = Rig::start(options).await;
    let authority = rig.certificate("node-alpha").ca;
    for (side, line) in [
        // What bravo is told to write it sends on to alpha's client port.
        (Side::Bravo, ["put", "k", "v"]),
        (Side::Alpha, ["get", "k", "--print-value-only"]),
    ] {
        let mut command = std::process::Command::new("etcdctl");
        command
            .env("ETCDCTL_API", "3")
            .arg(format!("--endpoints=https://{}", rig.clients(side)))
            .arg(format!("--cacert={}", authority.display()))
            .args(line);
        run(command).await.expect_code(0);
    }
    let plain = rig.etcdctl_at(Side::Alpha, &["get", "k", "--command-timeout=1s"]);
    run(plain).await.expect_code(1);
}

#[tokio::test(flavor = "multi_thread")]
async fn parity_compares_what_both_prove_with_and_names_what_ends_early() {
    let client_tls =
        "[client_tls]\ncert = \"certs/node-alpha.pem\"\nkey = \"certs/node-alpha.key\"\n";
    let options = RigOptions {
        more: client_tls.to_owned(),
        ..secured(RigOptions::local())
    };
    let mut rig = Rig::start(options).await;
    let endpoints = Side::BOTH.map(|side| format!("--endpoint={}", rig.replication(side)));
    let [alpha, bravo] = &endpoints;
    let line = ["parity", alpha, bravo];
    let equal = rig.command(&line).await.expect_code(0).stdout;
    for said in [
        "equal    the cluster's authority",
        "alpha understudy://dev/node/alpha, bravo understudy://dev/node/bravo",
        "equal    certificate `clients` is valid for",
    ] {
        assert!(equal.contains(said), "{said}: {equal}");
    }
    // One address is enough: it knows of the holder.
    rig.command(&["parity", bravo]).await.expect_code(0);
    rig.cert("renew node bravo --days 3").await.expect_code(0);
    let json = ["parity", alpha, bravo, "-o", "json"];
    until("bravo's end is named", PATIENCE, || async {
        let answer = rig.command(&json).await;
        let told: serde_json::Value = serde_json::from_str(&answer.stdout).ok()?;
        let what = "certificate `node` is valid for";
        let ends = told.as_array()?.iter().find(|one| one["what"] == what)?;
        let bravo = ends["values"]["bravo"].as_str()?;
        (ends["outcome"] == "differs" && bravo.starts_with("2 d") && answer.code == Some(10))
            .then_some(())
    })
    .await;
    // A second authority at one site, while each still accepts the other.
    let valid = Validity {
        not_before: 1_600_000_000,
        not_after: 4_102_444_800,
    };
    let other = CertificateAuthority::found("dev", valid).unwrap();
    let ca = rig.certificate("node-bravo").ca;
    let both = std::fs::read_to_string(&ca).unwrap() + &other.certificate;
    std::fs::copy(&ca, ca.with_file_name("both.pem")).unwrap();
    write(&ca.with_file_name("both.pem"), &both);
    rig.stop_node(Side::Bravo).await;
    let text = std::fs::read_to_string(rig.file(Side::Bravo)).unwrap();
    let text = text.replace("certs/ca.pem", "certs/both.pem");
    write(Path::new(&rig.file(Side::Bravo)), &text);
    rig.start_node(Side::Bravo);
    rig.wait_for_standby(Side::Bravo).await;
    let differs = rig.command(&line).await.expect_code(10);
    differs.expect_said("DIFFERS  the cluster's authority");
}

async fn reconnects(rig: &Rig) -> u64 {
    let status = rig.status(Side::Bravo).await.expect("bravo runs");
    status["stream"]["reconnects"].as_u64().expect("a number")
}

fn open(files: TlsFiles, holder: Holder) -> Dialer {
    Dialer::with(Reloaded::<Credentials>::open(files, holder).expect("credentials"))
}

/// A channel to alpha, as somebody.
async fn channel(rig: &Rig, dialer: &Dialer) -> Channel {
    let address = format!("http://{}", rig.replication(Side::Alpha));
    let endpoint = Endpoint::from_shared(address).expect("an address");
    let alpha = Expected::Node("alpha".parse().unwrap());
    dialer
        .connect(&endpoint, alpha)
        .await
        .expect("alpha answers")
}

async fn follow_as(rig: &Rig, channel: Channel, node: &str) -> Status {
    let lease = rig.lease().await.expect("a lease");
    let hello = Hello {
        protocol: 1,
        cluster: lease.cluster.as_bytes().to_vec().into(),
        shard: "main".to_owned(),
        node: node.to_owned(),
        data_id: vec![7; 16].into(),
        epoch: lease.epoch.get(),
        head: None,
        epochs: Vec::new(),
        accepts: Vec::new(),
    };
    let message = Some(follow_request::Message::Hello(hello));
    let mut client = ReplicationClient::new(channel);
    let requests = iter([FollowRequest { message }]);
    client.follow(requests).await.expect_err("it is refused")
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_good_for_what_they_say_and_for_nothing_else() {
    let rig = Rig::start(secured(RigOptions::local())).await;
    let operator = open(rig.certificate("operator-ann"), Holder::AnyOperator);
    let bravo = Identity::node("dev", "bravo".parse().unwrap());
    let node = open(rig.certificate("node-bravo"), Holder::Node(bravo));
    // Who they are, they may.
    for dialer in [&operator, &node] {
        let mut admin = AdminClient::new(channel(&rig, dialer).await);
        admin
            .status(StatusRequest {})
            .await
            .expect("alpha's status");
    }
    let refused = follow_as(&rig, channel(&rig, &operator).await, "bravo").await;
    assert_eq!(refused.code(), Code::PermissionDenied, "{refused}");
    assert!(refused.message().contains("operator ann"), "{refused}");
    let refused = follow_as(&rig, channel(&rig, &node).await, "charlie").await;
    assert_eq!(refused.code(), Code::PermissionDenied, "{refused}");
    let told = "node charlie calls, its certificate is of node bravo";
    assert!(refused.message().contains(told), "{refused}");
    let mut admin = AdminClient::new(channel(&rig, &node).await);
    let request = RebuildStateRequest {
        shard: String::new(),
        by: String::new(),
    };
    let refused = admin
        .rebuild_state(request)
        .await
        .expect_err("it is refused");
    assert_eq!(refused.code(), Code::PermissionDenied, "{refused}");
    assert!(
        refused.message().contains("an operator's certificate"),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn acts_are_of_whom_the_certificate_names_whatever_the_caller_says() {
    let rig = Rig::start(secured(RigOptions::local())).await;
    rig.wait_for_standby(Side::Bravo).await;
    let operator = open(rig.certificate("operator-ann"), Holder::AnyOperator);
    let mut admin = AdminClient::new(channel(&rig, &operator).await);
    for (on, by) in [(true, "kim@ops1"), (false, "ann")] {
        let reason = "export".to_owned();
        let by = by.to_owned();
        let request = MaintenanceRequest { on, reason, by };
        admin.maintenance(request).await.expect("alpha does it");
    }
    let bravo = rig.replication(Side::Bravo).to_string();
    let rebuild = ["rebuild", "--endpoint", &bravo];
    rig.command(&rebuild).await.expect_code(0);
    let address = rig.replication(Side::Alpha).to_string();
    let line = ["audit", "--endpoint", &address, "--output", "json"];
    for (act, by) in [
        ("maintenance_on", "ann (said: kim@ops1)"),
        ("maintenance_off", "ann"),
        ("state_rebuilt", "ann (said: "),
    ] {
        until(&format!("{act} is of {by}"), PATIENCE, || async {
            let audit = rig.command(&line).await.stdout;
            let acts: Vec<serde_json::Value> = serde_json::from_str(&audit).ok()?;
            let done = acts.into_iter().find(|done| done["act"] == act)?;
            let done_by = done["by"].as_str().expect("a name");
            assert!(done_by.starts_with(by), "{done}");
            Some(())
        })
        .await;
    }
}

/// Puts a certificate of `authority` for operator ann there.
fn put_operator(rig: &Rig, authority: &CertificateAuthority, validity: Validity) {
    let role = Role::Operator("ann".to_owned());
    let Issued { certificate, key } = authority.issue(role, &[], validity).unwrap();
    let files = rig.certificate("operator-ann");
    write(&files.cert, &certificate);
    write(&files.key, &key);
}

fn write(path: &Path, text: &str) {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).truncate(true).open(path);
    file.expect("the file").write_all(text.as_bytes()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_proves_nothing_is_not_let_in_and_the_log_says_why() {
    let mut rig = Rig::prepare(secured(RigOptions::local())).await;
    rig.start_store();
    rig.found().await;
    rig.start_node(Side::Alpha);
    rig.wait_for_primary(Side::Alpha).await;
    let address = rig.replication(Side::Alpha).to_string();
    let status = ["status", "--endpoint", &address];
    rig.command(&status).await.expect_code(10);
    let mut plain = rig.understudy(&status);
    for name in ["UNDERSTUDY_CA", "UNDERSTUDY_CERT", "UNDERSTUDY_KEY"] {
        plain.env_remove(name);
    }
    plain.env("XDG_CONFIG_HOME", rig.path());
    let said = "where nodes speak TLS, give --ca, --cert and --key";
    run(plain).await.expect_code(1).expect_said(said);
    log_says(&mut rig, "it speaks plain text, and TLS is spoken here").await;

    let text = |name: &str| std::fs::read_to_string(rig.path().join("certs").join(name)).unwrap();
    let authority = CertificateAuthority::load(&text("ca.pem"), &text("ca.key")).unwrap();
    let past = Validity {
        not_before: 1_600_000_000,
        not_after: 1_600_000_060,
    };
    put_operator(&rig, &authority, past);
    // A refusal that is there before the question is sent ends the connection,
    // and the client has nobody left to tell its cause.
    until("the operator hears why", PATIENCE, || async {
        let refused = rig.command(&status).await.expect_code(1);
        let said = refused.stdout + &refused.stderr;
        said.contains("alert").then_some(())
    })
    .await;
    log_says(&mut rig, "certificate expired").await;

    let valid = Validity {
        not_before: 1_600_000_000,
        not_after: 4_102_444_800,
    };
    let other = CertificateAuthority::found("dev", valid).unwrap();
    let authority = CertificateAuthority::load(&other.certificate, &other.key).unwrap();
    put_operator(&rig, &authority, valid);
    let refused = rig.command(&status).await.expect_code(1);
    refused.expect_said("was not signed by the authority");
    write(&rig.certificate("operator-ann").ca, &other.certificate);
    let refused = rig.command(&status).await.expect_code(1);
    refused.expect_said("UnknownIssuer");

    // A node does not start as somebody else.
    std::fs::copy(
        rig.certificate("node-alpha").cert,
        rig.certificate("node-bravo").cert,
    )
    .unwrap();
    std::fs::copy(
        rig.certificate("node-alpha").key,
        rig.certificate("node-bravo").key,
    )
    .unwrap();
    rig.start_node(Side::Bravo);
    let mut bravo = rig.take_node(Side::Bravo);
    assert!(!bravo.ended(PATIENCE).await.success());
    let told = "is of understudy://dev/node/alpha, and not of understudy://dev/node/bravo";
    assert!(bravo.said().contains(told), "{}", bravo.said());
}

async fn log_says(rig: &mut Rig, text: &str) {
    let alpha = rig.node(Side::Alpha);
    until(&format!("alpha's log says {text:?}"), PATIENCE, || {
        std::future::ready(alpha.said().contains(text).then_some(()))
    })
    .await;
}
