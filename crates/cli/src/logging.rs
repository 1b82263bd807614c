//! What a process writes to standard error while it runs.

use crate::collector::{Collector, Origin};
use clap::{Args, ValueEnum};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt, registry};

#[derive(Args, Debug)]
pub(crate) struct LoggingArgs {
    /// How lines of the log are written to standard error; `RUST_LOG` chooses
    /// which.
    #[arg(
        long,
        env = "UNDERSTUDY_LOG_FORMAT",
        value_enum,
        default_value_t,
        value_name = "FORMAT"
    )]
    log_format: LogFormat,
    /// Send the same events to this OpenTelemetry collector too, by OTLP over
    /// gRPC: http://HOST:PORT.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL")]
    otlp_endpoint: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum LogFormat {
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl LoggingArgs {
    /// Returns the collector, if one is named: it is flushed at the end.
    pub(crate) fn begin(self, origin: &Origin<'_>) -> anyhow::Result<Option<Collector>> {
        // To OpenTelemetry an empty variable is one that is not set.
        let named = self.otlp_endpoint.filter(|url| !url.is_empty());
        let collector = named.map(|url| Collector::at(&url, origin)).transpose()?;
        subscribe(self.log_format, collector.as_ref());
        Ok(collector)
    }
}

pub(crate) fn begin(format: LogFormat) {
    subscribe(format, None);
}

fn subscribe(format: LogFormat, collector: Option<&Collector>) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    registry()
        .with(filter)
        .with(lines)
        .with(collector.map(Collector::layer))
        .init();
}
