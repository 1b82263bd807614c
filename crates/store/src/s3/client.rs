use super::{ConnectError, S3Config};
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Credentials as SdkCredentials, Region, RequestChecksumCalculation,
    ResponseChecksumValidation, SharedCredentialsProvider, SharedHttpClient,
    StalledStreamProtectionConfig,
};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::{Builder, Connector, tls};
use std::time::Duration;
use understudy_types::innermost_cause;

/// Longer than the pause between two renewals of a lease, shorter than the
/// time after which stores close an idle connection: a request on one that is
/// being closed has an unknown outcome for no good reason.
const IDLE_CONNECTION_KEPT: Duration = Duration::from_secs(4);

/// What a node needs when nothing happens. A promotion, and slots that are
/// removed, ask more at once: their connections end with them, or the number
/// of connections would tell of the last few seconds' work for ever.
const IDLE_CONNECTIONS_MAX: usize = 4;

/// The SDK's defaults change with this version; it is pinned, so that an
/// update of the SDK cannot bring back retries or checksums.
fn behavior() -> BehaviorVersion {
    BehaviorVersion::v2026_01_12()
}

/// The SDK's client, stripped of everything that acts by itself.
///
/// Retries are off because a retried put turns its own success into a 412.
/// Checksums are sent only where S3 demands them, because several stores
/// refuse the newer headers. Each attempt's time is kept by the caller.
pub(super) async fn build(config: &S3Config) -> Result<aws_sdk_s3::Client, ConnectError> {
    let http = http_client(config);
    let mut builder = aws_sdk_s3::Config::builder()
        .behavior_version(behavior())
        .region(Region::new(config.region.clone()))
        .force_path_style(config.path_style)
        .retry_config(RetryConfig::disabled())
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(config.connect_timeout)
                .build(),
        )
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .http_client(http.clone());
    if let Some(endpoint) = &config.endpoint {
        builder = builder.endpoint_url(endpoint);
    }
    let builder = builder.credentials_provider(credentials(config, http).await?);
    Ok(aws_sdk_s3::Client::from_conf(builder.build()))
}

async fn credentials(
    config: &S3Config,
    http: SharedHttpClient,
) -> Result<SharedCredentialsProvider, ConnectError> {
    if let Some(fixed) = &config.credentials {
        let keys = SdkCredentials::new(
            &fixed.access_key,
            &fixed.secret_key,
            None,
            None,
            "configuration",
        );
        return Ok(SharedCredentialsProvider::new(keys));
    }
    let usual = aws_config::defaults(behavior())
        .region(Region::new(config.region.clone()))
        .http_client(http)
        .load()
        .await;
    let missing = |detail: String| ConnectError::NoCredentials { detail };
    let provider = usual
        .credentials_provider()
        .ok_or_else(|| missing("no provider of them".into()))?;
    // Found out here, where it can be said plainly: inside a request the
    // search could outlast the attempt's time and look like a slow store.
    let found = provider.provide_credentials().await;
    found.map_err(|error| missing(why_missing(&error)))?;
    Ok(provider)
}

/// The chain's own text has a line for each place that holds none.
fn why_missing(error: &CredentialsError) -> String {
    match error {
        CredentialsError::CredentialsNotLoaded(_) => {
            "looked for in the environment, profiles, web identity, container and instance roles"
                .to_owned()
        }
        other => innermost_cause(other),
    }
}

/// HTTP over TCP or TLS. A proxy from the environment is honoured, except
/// towards this machine: a store on loopback is never asked by way of one.
fn http_client(config: &S3Config) -> SharedHttpClient {
    let proxy = if config.is_loopback() {
        ProxyConfig::disabled()
    } else {
        ProxyConfig::from_env()
    };
    Builder::new().build_with_connector_fn(move |settings, components| {
        let mut builder = Connector::builder()
            .proxy_config(proxy.clone())
            .pool_idle_timeout(IDLE_CONNECTION_KEPT)
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX);
        builder.set_connector_settings(settings.cloned());
        if let Some(components) = components {
            builder.set_sleep_impl(components.sleep_impl());
        }
        builder
            .tls_provider(tls::Provider::Rustls(
                tls::rustls_provider::CryptoMode::Ring,
            ))
            .build()
    })
}
