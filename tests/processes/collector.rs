//! An OpenTelemetry collector beside a pair: what it is sent, and that nobody
//! needs it.

use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::{
    LogsService, LogsServiceServer,
};
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use rig::{PATIENCE, Rig, RigOptions, Side, free_ports, load_on, until};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};
use understudy_loadgen::Recorder;

/// The attributes of who sent an event.
type Origin = BTreeMap<String, String>;

#[derive(Clone, Debug, Default)]
struct Received(Arc<Mutex<Vec<(Origin, String)>>>);

impl Received {
    /// Where the first event with this text came from.
    fn origin_of(&self, text: &str) -> Option<Origin> {
        let events = self.0.lock().expect("no panic");
        let found = events.iter().find(|(_, said)| said.contains(text));
        found.map(|(origin, _)| origin.clone())
    }
}

#[tonic::async_trait]
impl LogsService for Received {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        let mut events = self.0.lock().expect("no panic");
        for of_resource in request.into_inner().resource_logs {
            let attributes = of_resource.resource.unwrap_or_default().attributes;
            let origin: Origin = attributes.into_iter().filter_map(named).collect();
            let records = of_resource
                .scope_logs
                .into_iter()
                .flat_map(|of| of.log_records);
            events.extend(records.map(|record| (origin.clone(), text(record.body))));
        }
        Ok(Response::new(ExportLogsServiceResponse::default()))
    }
}

fn named(attribute: KeyValue) -> Option<(String, String)> {
    Some((attribute.key, text(Some(attribute.value?))))
}

fn text(value: Option<AnyValue>) -> String {
    match value.and_then(|value| value.value) {
        Some(any_value::Value::StringValue(text)) => text,
        other => format!("{other:?}"),
    }
}

/// The nodes' variable, as a collector's users know it.
fn with_collector_at(url: &str) -> RigOptions {
    let behind = vec![
        "env".to_owned(),
        format!("OTEL_EXPORTER_OTLP_ENDPOINT={url}"),
    ];
    RigOptions {
        behind: [behind.clone(), behind],
        ..RigOptions::local()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn collector_is_sent_the_events_of_each_node_to_the_last() {
    let received = Received::default();
    let incoming = TcpIncoming::bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
    let address = incoming.local_addr().expect("an address");
    let collector = Server::builder().add_service(LogsServiceServer::new(received.clone()));
    let serving = tokio::spawn(collector.serve_with_incoming(incoming));

    let mut rig = Rig::start(with_collector_at(&format!("http://{address}"))).await;
    let origin_of = |text: &'static str| {
        let received = &received;
        until(
            text,
            PATIENCE,
            move || async move { received.origin_of(text) },
        )
    };
    let primary = origin_of("primary in epoch").await;
    let named = |origin: &Origin, name: &str| origin.get(name).cloned();
    assert_eq!(
        named(&primary, "service.name").as_deref(),
        Some("understudy")
    );
    assert_eq!(
        named(&primary, "service.instance.id").as_deref(),
        Some("alpha")
    );
    assert_eq!(
        named(&primary, "understudy.cluster").as_deref(),
        Some("dev")
    );
    let standby = origin_of("following alpha").await;
    assert_eq!(
        named(&standby, "service.instance.id").as_deref(),
        Some("bravo")
    );

    rig.stop_node(Side::Alpha).await;
    // It was sent before the process ended, or never is.
    assert!(
        received.origin_of("shutting down").is_some(),
        "{received:?}"
    );
    serving.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn pair_without_its_collector_starts_serves_and_ends_and_says_so_once() {
    let [nobody] = free_ports();
    let mut rig = Rig::start(with_collector_at(&format!("http://{nobody}"))).await;
    let says_so = "events do not reach the OpenTelemetry collector";
    let node = rig.node(Side::Alpha);
    until("alpha misses its collector", PATIENCE, || {
        std::future::ready(node.said().contains(says_so).then_some(()))
    })
    .await;
    let recorder = Recorder::start(&load_on(&rig, &[Side::Alpha])).expect("a recorder");
    assert!(recorder.wait_for_acked(100, PATIENCE).await);
    recorder.stop().await;

    let mut alpha = rig.take_node(Side::Alpha);
    alpha.signal(rig::Signal::TERM);
    let status = alpha.ended(PATIENCE).await;
    assert!(status.success(), "{status}");
    let said = alpha.said();
    assert_eq!(said.matches(says_so).count(), 1, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn address_that_is_no_collectors_is_refused_at_start() {
    let rig = Rig::prepare(RigOptions::local()).await;
    let file = rig.file(Side::Alpha);
    rig.command(&[
        "run",
        "--config",
        &file,
        "--otlp-endpoint",
        "localhost:4317",
    ])
    .await
    .expect_code(1)
    .expect_said("give http://HOST:PORT");
    assert!(!rig.data(Side::Alpha).exists());
}
