use super::ConfigError;
use super::raw::File;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use understudy_protocol::AckPolicy;

/// What flags and `UNDERSTUDY_*` variables put over the file. `None` leaves
/// the file's value.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    pub data: Option<PathBuf>,
    pub ack_policy: Option<String>,
    pub listen_replication: Option<String>,
    pub listen_console: Option<String>,
    /// `SHARD=HOST:PORT`; the shard must be in the file.
    pub listen_clients: Vec<String>,
    pub advertise_replication: Option<String>,
    pub advertise_console: Option<String>,
    pub store_bucket: Option<String>,
    pub store_prefix: Option<String>,
    pub store_endpoint: Option<String>,
    pub store_region: Option<String>,
    pub store_access_key: Option<String>,
    pub store_secret_key: Option<String>,
}

impl Overrides {
    pub(super) fn apply(&self, file: &mut File) -> Result<(), ConfigError> {
        // Listed in full, so that a new override cannot be forgotten here.
        let Overrides {
            data,
            ack_policy,
            listen_replication,
            listen_console,
            listen_clients,
            advertise_replication,
            advertise_console,
            store_bucket,
            store_prefix,
            store_endpoint,
            store_region,
            store_access_key,
            store_secret_key,
        } = self;
        if let Some(data) = data {
            // Given on the command line, so it begins where the command was
            // given, not where the file is.
            file.data = std::path::absolute(data).map_err(|error| ConfigError::Override {
                name: "--data",
                problem: error.to_string(),
            })?;
        }
        if let Some(policy) = ack_policy {
            file.ack_policy = Some(parse_ack_policy(policy)?);
        }
        set_address(
            &mut file.listen.replication,
            "--listen-replication",
            listen_replication,
        )?;
        set_address(&mut file.listen.console, "--listen-console", listen_console)?;
        set_optional(&mut file.advertise.replication, advertise_replication);
        set_optional(&mut file.advertise.console, advertise_console);
        if let Some(bucket) = store_bucket {
            file.store.bucket.clone_from(bucket);
        }
        set_optional(&mut file.store.prefix, store_prefix);
        set_optional(&mut file.store.endpoint, store_endpoint);
        set_optional(&mut file.store.region, store_region);
        set_optional(&mut file.store.access_key, store_access_key);
        set_optional(&mut file.store.secret_key, store_secret_key);
        listen_clients
            .iter()
            .try_for_each(|given| set_clients(file, given))
    }
}

fn set_optional(place: &mut Option<String>, value: &Option<String>) {
    if value.is_some() {
        place.clone_from(value);
    }
}

fn set_address(
    place: &mut Option<SocketAddr>,
    name: &'static str,
    value: &Option<String>,
) -> Result<(), ConfigError> {
    if let Some(text) = value {
        *place = Some(parse(name, text)?);
    }
    Ok(())
}

fn set_clients(file: &mut File, given: &str) -> Result<(), ConfigError> {
    const NAME: &str = "--listen-clients";
    let wrong = |problem: String| ConfigError::Override {
        name: NAME,
        problem,
    };
    let (shard, address) = given
        .split_once('=')
        .ok_or_else(|| wrong(format!("{given:?} is not SHARD=ADDRESS:PORT")))?;
    let address = parse(NAME, address)?;
    let found = file
        .shard
        .iter_mut()
        .find(|entry| entry.name.as_str() == shard)
        .ok_or_else(|| wrong(format!("the file has no [[shard]] named {shard:?}")))?;
    found.listen = address;
    Ok(())
}

fn parse<T: FromStr>(name: &'static str, text: &str) -> Result<T, ConfigError>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error| ConfigError::Override {
        name,
        problem: format!("{text:?}: {error}"),
    })
}

fn parse_ack_policy(text: &str) -> Result<AckPolicy, ConfigError> {
    match text {
        "local" => Ok(AckPolicy::Local),
        "replicated" => Ok(AckPolicy::Replicated),
        _ => Err(ConfigError::Override {
            name: "--ack-policy",
            problem: format!("{text:?} is neither \"local\" nor \"replicated\""),
        }),
    }
}
