//! Events of the log, sent to an OpenTelemetry collector too: OTLP log
//! records over gRPC.
//!
//! Never blocks who logs: the queue is bounded, and what does not fit is lost.
//! Standard error has every event, whatever becomes of the collector.

use anyhow::{Context, bail};
use opentelemetry::KeyValue;
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_otlp::{LogExporter, WithExportConfig, WithTonicConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{self, LogBatch, SdkLoggerProvider};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tonic::transport::{Channel, Endpoint, Uri};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

/// For one batch, with all that is tried again; then it is lost.
const EXPORT_PATIENCE: Duration = Duration::from_secs(5);
/// What a node's end waits for the last events.
const FLUSH_PATIENCE: Duration = Duration::from_secs(2);
/// How soon a silent connection is found to be dead.
const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(10);

/// Whose events they are.
#[derive(Debug)]
pub(crate) struct Origin<'a> {
    pub(crate) node: &'a str,
    pub(crate) cluster: &'a str,
}

/// A collector; nobody has asked yet whether it is there.
#[derive(Debug)]
pub(crate) struct Collector {
    events: SdkLoggerProvider,
}

impl Collector {
    /// Refuses a URL that cannot be one. Connects in the background.
    pub(crate) fn at(url: &str, origin: &Origin<'_>) -> anyhow::Result<Collector> {
        let exporter = LogExporter::builder()
            .with_tonic()
            .with_channel(channel(url)?)
            .with_timeout(EXPORT_PATIENCE)
            .build()
            .context("the OTEL_EXPORTER_OTLP_ variables do not fit --otlp-endpoint: change or unset what is named here")?;
        let told = Told {
            exporter,
            url: url.to_owned(),
            is_lost: AtomicBool::new(false),
        };
        let resource = Resource::builder()
            .with_service_name("understudy")
            .with_attribute(KeyValue::new("service.instance.id", origin.node.to_owned()))
            .with_attribute(KeyValue::new(
                "understudy.cluster",
                origin.cluster.to_owned(),
            ))
            .build();
        let events = SdkLoggerProvider::builder()
            .with_resource(resource)
            .with_batch_exporter(told)
            .build();
        Ok(Collector { events })
    }

    pub(crate) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: tracing::Subscriber + for<'a> LookupSpan<'a>,
    {
        // Sending an event must not make another one to send.
        let is_ours = filter_fn(|event| !is_of_transport(event.target()));
        OpenTelemetryTracingBridge::new(&self.events).with_filter(is_ours)
    }

    /// Sends what waits, within [`FLUSH_PATIENCE`]; later events are not sent.
    pub(crate) async fn flush(self) {
        let flush = move || self.events.shutdown_with_timeout(FLUSH_PATIENCE);
        let flushed = tokio::task::spawn_blocking(flush).await;
        if !matches!(flushed, Ok(Ok(()))) {
            tracing::warn!("the last events may not have reached the OpenTelemetry collector");
        }
    }
}

fn channel(url: &str) -> anyhow::Result<Channel> {
    let uri: Option<Uri> = url.parse().ok();
    let scheme = uri.as_ref().and_then(Uri::scheme_str);
    match (uri.as_ref().and_then(Uri::host), scheme) {
        (Some(_), Some("http")) => {}
        (Some(_), Some("https")) => bail!(
            "--otlp-endpoint {url}: TLS to a collector is not spoken; name one that takes http://HOST:PORT, for example an agent on this machine that sends on by TLS"
        ),
        _ => bail!(
            "--otlp-endpoint {url} is no collector's address: give http://HOST:PORT of its OTLP receiver for gRPC (mostly port 4317)"
        ),
    }
    let endpoint = Endpoint::from_shared(url.to_owned())
        .with_context(|| format!("--otlp-endpoint {url}: give http://HOST:PORT"))?;
    Ok(endpoint
        .connect_timeout(EXPORT_PATIENCE)
        .timeout(EXPORT_PATIENCE)
        .http2_keep_alive_interval(KEEP_ALIVE_EVERY)
        .keep_alive_timeout(EXPORT_PATIENCE)
        .connect_lazy())
}

/// Crates that an export itself goes through.
fn is_of_transport(target: &str) -> bool {
    let of_crate = target.split("::").next().unwrap_or(target);
    of_crate.starts_with("opentelemetry")
        || ["tonic", "tower", "h2", "hyper", "hyper_util"].contains(&of_crate)
}

/// An exporter that says when the collector is lost, and when it is back:
/// once each, however long that lasts.
#[derive(Debug)]
struct Told {
    exporter: LogExporter,
    url: String,
    is_lost: AtomicBool,
}

impl logs::LogExporter for Told {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        let exported = self.exporter.export(batch).await;
        let was_lost = self.is_lost.swap(exported.is_err(), Ordering::Relaxed);
        let collector = &self.url;
        match &exported {
            Err(error) if !was_lost => tracing::warn!(
                %error,
                "events do not reach the OpenTelemetry collector {collector}: they are lost to it until this is said to have ended"
            ),
            Ok(()) if was_lost => {
                tracing::info!("events reach the OpenTelemetry collector {collector} again");
            }
            _ => {}
        }
        exported
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use super::{channel, is_of_transport};

    #[tokio::test]
    async fn collector_has_an_address_of_plain_http() {
        for url in ["http://127.0.0.1:4317", "http://collector.example:4317/"] {
            assert!(channel(url).is_ok(), "{url}");
        }
        for url in ["", "localhost:4317", "/var/run/otlp", "grpc://host:4317"] {
            let refusal = channel(url).expect_err(url).to_string();
            assert!(refusal.contains("give http://HOST:PORT"), "{refusal}");
        }
        let refusal = channel("https://host:4317").expect_err("TLS").to_string();
        assert!(refusal.contains("TLS to a collector"), "{refusal}");
    }

    #[test]
    fn what_an_export_says_of_itself_is_not_exported() {
        for target in [
            "opentelemetry_sdk",
            "opentelemetry-otlp",
            "tonic::transport",
            "h2::codec",
            "hyper_util::client",
        ] {
            assert!(is_of_transport(target), "{target}");
        }
        for target in ["understudy", "understudy_node::driver::act", "h2o"] {
            assert!(!is_of_transport(target), "{target}");
        }
    }
}
