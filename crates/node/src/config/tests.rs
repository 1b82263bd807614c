use super::{Configuration, Overrides, parse_byte_count, parse_duration, raw};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;
use understudy_protocol::{AckPolicy, FailoverPolicy};
use understudy_types::ByteCount;

const SMALLEST: &str = r#"
cluster = "prod"
node = "alpha"
data = "data"

[store]
bucket = "leases"
region = "eu-central-1"

[[shard]]
name = "main"
listen = "127.0.0.1:2379"
"#;

/// Every field, so that the page can be compared with the structs.
const FULL: &str = r#"
cluster = "prod"
node = "alpha"
data = "/var/lib/understudy"
ack_policy = "replicated"
failover = "automatic"
[store]
bucket = "leases"
prefix = "prod"
endpoint = "http://127.0.0.1:2370"
region = "us-east-1"
path_style = true
access_key = "a"
secret_key = "s"
[listen]
replication = "0.0.0.0:2390"
console = "0.0.0.0:2391"
[advertise]
replication = "a.example:2390"
console = "a.example:2391"
[[shard]]
name = "main"
listen = "0.0.0.0:2379"
advertise = "a.example:2379"
[tls]
ca = "ca.pem"
cert = "node.pem"
key = "node.key"
plaintext = ["console"]
[client_tls]
cert = "clients.pem"
key = "clients.key"
ca = "clients-ca.pem"
[lease]
ttl = "10s"
margin = "1s"
renew_every = "2s"
poll_every = "1s"
attempt_timeout = "1500ms"
[handover]
timeout = "2s"
[standby]
timeout = "2s"
[automatic]
hold_off = "15s"
[log]
segment_size = "64MiB"
tail_memory = "32MiB"
batch_bytes_max = "1MiB"
scrub_rate = "1MiB"
[stream]
heartbeat_every = "500ms"
window = "16MiB"
compression = "zstd"
bandwidth_max = "10MiB"
intake_memory = "32MiB"
[limits]
commands_max = 16384
bytes_max = "64MiB"
command_bytes_max = "2MiB"
request_timeout = "7s"
client_threads = 1
hold = "5s"
[verdict]
heartbeat_age_max = "2s"
lag_max = "1s"
lag_records_max = 10000
disk_free_min = "256MiB"
flush_time_max = "500ms"
memory_percent_max = 50
cores_percent_min = 50
certificate_left_min = "168h"
clock_offset_max = "1s"
time_limit = "150ms"
[hooks]
before_promotion = { command = ["/bin/true"], timeout = "5s" }
after_promotion = { command = ["/bin/true"], timeout = "5s" }

[console]
peers = ["bravo.example.com:2390"]
viewers_file = "viewers.tokens"
operators_file = "operators.tokens"
"#;

fn parse(text: &str) -> Result<Configuration, String> {
    parse_with(text, &Overrides::default())
}

fn parse_with(text: &str, overrides: &Overrides) -> Result<Configuration, String> {
    Configuration::parse(text, Path::new("/etc/understudy/node.toml"), overrides)
        .map_err(|error| error.to_string())
}

#[track_caller]
fn refused(text: &str, expected: &str) {
    let error = parse(text).expect_err("this configuration must be refused");
    assert!(
        error.contains(expected),
        "{error:?} does not say {expected:?}"
    );
}

fn smallest_with(addition: &str) -> String {
    format!("{SMALLEST}{addition}")
}

#[test]
fn smallest_file_gets_the_defaults() {
    let configuration = parse(SMALLEST).unwrap();
    let settings = configuration.settings;
    assert_eq!(settings.data, Path::new("/etc/understudy/data"));
    assert_eq!(settings.ack_policy, AckPolicy::Local);
    assert_eq!(settings.replication.advertise, "127.0.0.1:2390");
    assert_eq!(settings.console.advertise, "127.0.0.1:2391");
    assert_eq!(settings.timing, understudy_protocol::Timing::default());
    assert_eq!(settings.log.segment_size, ByteCount::mib(64));
    assert!(!configuration.store.path_style);
    assert_eq!(configuration.store.keys, None);
}

#[test]
fn full_file_is_read_as_written() {
    let configuration = parse(FULL).unwrap();
    assert_eq!(
        configuration.settings.data,
        Path::new("/var/lib/understudy")
    );
    assert_eq!(
        configuration.settings.replication.advertise,
        "a.example:2390"
    );
    assert_eq!(configuration.settings.ack_policy, AckPolicy::Replicated);
    assert_eq!(configuration.store.keys, Some(("a".into(), "s".into())));
    assert_eq!(
        configuration.store.describe(),
        "s3://leases/prod at http://127.0.0.1:2370"
    );
}

#[test]
fn a_short_ttl_shortens_what_follows_from_it() {
    for ttl in ["1s", "3s", "5s", "60s"] {
        let text = smallest_with(&format!("[lease]\nttl = \"{ttl}\"\n"));
        let timing = parse(&text).unwrap().settings.timing;
        assert!(timing.poll_every < timing.ttl);
        assert!(timing.attempt_timeout <= Duration::from_millis(1500));
    }
}

#[test]
fn overrides_lie_over_the_file() {
    let overrides = Overrides {
        data: Some("/elsewhere".into()),
        ack_policy: Some("replicated".into()),
        listen_replication: Some("127.0.0.1:3390".into()),
        listen_clients: vec!["main=127.0.0.1:3379".into()],
        store_endpoint: Some("http://127.0.0.1:9000".into()),
        store_prefix: Some("there".into()),
        ..Overrides::default()
    };
    let configuration = parse_with(SMALLEST, &overrides).unwrap();
    let settings = configuration.settings;
    assert_eq!(settings.data, Path::new("/elsewhere"));
    assert_eq!(settings.ack_policy, AckPolicy::Replicated);
    assert_eq!(settings.replication.advertise, "127.0.0.1:3390");
    assert_eq!(settings.shards[0].clients.advertise, "127.0.0.1:3379");
    assert!(configuration.store.path_style);
    assert_eq!(configuration.store.prefix, "there");
}

#[test]
fn a_bad_override_is_named() {
    let policy = Overrides {
        ack_policy: Some("most".into()),
        ..Overrides::default()
    };
    assert!(
        parse_with(SMALLEST, &policy)
            .unwrap_err()
            .contains("--ack-policy")
    );
    let shard = Overrides {
        listen_clients: vec!["other=127.0.0.1:1".into()],
        ..Overrides::default()
    };
    assert!(
        parse_with(SMALLEST, &shard)
            .unwrap_err()
            .contains("no [[shard]] named")
    );
}

#[test]
fn unknown_field_is_refused_with_its_place() {
    refused(&smallest_with("[lease]\nttll = \"3s\"\n"), "ttll");
    refused(&smallest_with("[leases]\nttl = \"3s\"\n"), "leases");
}

#[test]
fn scrub_is_off_only_when_it_is_said() {
    let rate = |text: &str| parse(text).unwrap().settings.log.scrub_rate;
    assert_eq!(rate(SMALLEST), Some(ByteCount::mib(1)));
    assert_eq!(rate(&smallest_with("[log]\nscrub_rate = \"0B\"\n")), None);
    refused(
        &smallest_with("[log]\nscrub_rate = \"1B\"\n"),
        "log.scrub_rate",
    );
}

#[test]
fn value_without_a_unit_is_refused() {
    refused(
        &smallest_with("[lease]\nttl = \"10\"\n"),
        "is not a duration",
    );
    refused(
        &smallest_with("[log]\nsegment_size = \"64MB\"\n"),
        "is not a size",
    );
}

#[test]
fn margin_that_is_too_wide_is_refused() {
    refused(
        &smallest_with("[lease]\nmargin = \"4s\"\n"),
        "set lease.margin between",
    );
}

#[test]
fn renewal_that_does_not_fit_is_refused() {
    refused(
        &smallest_with("[lease]\nrenew_every = \"8s\"\nattempt_timeout = \"1s\"\n"),
        "raise lease.ttl",
    );
}

#[test]
fn ttl_without_room_for_a_request_is_refused() {
    refused(
        &smallest_with("[lease]\nttl = \"500ms\"\n"),
        "leaves no time",
    );
}

#[test]
fn poll_slower_than_the_ttl_is_refused() {
    refused(
        &smallest_with("[lease]\npoll_every = \"10s\"\n"),
        "lower lease.poll_every",
    );
}

#[test]
fn heartbeat_slower_than_the_standbys_patience_is_refused() {
    refused(
        &smallest_with("[stream]\nheartbeat_every = \"1500ms\"\n"),
        "half of standby.timeout",
    );
}

#[test]
fn two_services_on_one_address_are_refused() {
    refused(
        &smallest_with("[listen]\nconsole = \"127.0.0.1:2379\"\n"),
        "both listen on 127.0.0.1:2379",
    );
}

#[test]
fn two_shards_of_one_name_are_refused() {
    refused(
        &smallest_with("[[shard]]\nname = \"main\"\nlisten = \"127.0.0.1:2380\"\n"),
        "rename one",
    );
}

#[test]
fn failover_is_manual_unless_the_file_says_otherwise() {
    assert_eq!(
        parse(SMALLEST).unwrap().settings.failover,
        FailoverPolicy::Manual
    );
    let automatic = format!("failover = \"automatic\"\n{SMALLEST}");
    let hold_off = Duration::from_secs(10);
    let expected = FailoverPolicy::Automatic { hold_off };
    assert_eq!(parse(&automatic).unwrap().settings.failover, expected);
    for wrong in ["4s", "2h"] {
        let text = format!("{automatic}\n[automatic]\nhold_off = \"{wrong}\"\n");
        refused(&text, "automatic.hold_off");
    }
}

#[test]
fn wildcard_address_without_advertise_is_refused() {
    refused(
        &smallest_with("[listen]\nreplication = \"0.0.0.0:2390\"\n"),
        "give its advertise",
    );
}

#[test]
fn advertise_that_is_an_url_is_refused() {
    refused(
        &smallest_with("[advertise]\nconsole = \"http://a:2391\"\n"),
        "is not HOST:PORT",
    );
}

#[test]
fn port_nobody_could_find_is_refused() {
    refused(
        &smallest_with("[listen]\nconsole = \"127.0.0.1:0\"\n"),
        "port 0",
    );
}

#[test]
fn file_without_a_shard_is_refused() {
    let text = SMALLEST.split("[[shard]]").next().unwrap();
    refused(text, "there is no [[shard]]");
}

#[test]
fn half_a_pair_of_keys_is_refused() {
    let text = SMALLEST.replace("region =", "access_key = \"a\"\nregion =");
    refused(&text, "without store.secret_key");
    let text = SMALLEST.replace("region =", "secret_key = \"a\"\nregion =");
    refused(&text, "without store.access_key");
}

#[test]
fn store_without_region_and_endpoint_is_refused() {
    let text = SMALLEST.replace("region = \"eu-central-1\"", "");
    refused(&text, "store.region is missing");
}

#[test]
fn empty_bucket_and_slashed_prefix_are_refused() {
    refused(&SMALLEST.replace("\"leases\"", "\"\""), "name the bucket");
    let text = SMALLEST.replace("region =", "prefix = \"a/\"\nregion =");
    refused(&text, "leave the slashes out");
}

#[test]
fn names_that_are_not_names_are_refused() {
    refused(
        &SMALLEST.replace("\"alpha\"", "\"Alpha One\""),
        "is not a valid name",
    );
    refused(&SMALLEST.replace("\"prod\"", "\"\""), "cluster:");
}

#[test]
fn sizes_that_contradict_each_other_are_refused() {
    refused(
        &smallest_with("[log]\nsegment_size = \"1MiB\"\nbatch_bytes_max = \"2MiB\"\n"),
        "must not exceed log.segment_size",
    );
    refused(
        &smallest_with("[limits]\nbytes_max = \"1MiB\"\n"),
        "limits.bytes_max",
    );
    refused(&smallest_with("[limits]\nhold = \"8s\"\n"), "limits.hold");
    refused(&smallest_with("[limits]\ncommands_max = 0\n"), "at least 1");
    for threads in ["0", "257"] {
        refused(
            &smallest_with(&format!("[limits]\nclient_threads = {threads}\n")),
            "between 1 and 256",
        );
    }
    refused(
        &smallest_with("[log]\ntail_memory = \"1KiB\"\n"),
        "must be between",
    );
}

#[test]
fn thresholds_of_the_verdict_are_checked() {
    for (wrong, expected) in [
        ("heartbeat_age_max = \"900ms\"", "verdict.heartbeat_age_max"),
        ("heartbeat_age_max = \"2m\"", "verdict.heartbeat_age_max"),
        ("memory_percent_max = 0", "verdict.memory_percent_max"),
        ("cores_percent_min = 101", "verdict.cores_percent_min"),
        ("lag_max = \"0s\"", "verdict.lag_max"),
        ("disk_free_min = \"1KiB\"", "verdict.disk_free_min"),
        ("time_limit = \"2s\"", "verdict.time_limit"),
    ] {
        refused(&smallest_with(&format!("[verdict]\n{wrong}\n")), expected);
    }
    let text = smallest_with("[stream]\nheartbeat_every = \"100ms\"\n");
    let verdict = parse(&text).unwrap().settings.verdict;
    assert_eq!(verdict.heartbeat_age_max, Duration::from_millis(400));
}

#[test]
fn hooks_are_checked() {
    for (wrong, expected) in [
        (
            "before_promotion = { command = [] }",
            "hooks.before_promotion.command",
        ),
        (
            "after_promotion = { command = [\"\"] }",
            "hooks.after_promotion.command",
        ),
        (
            "after_promotion = { command = [\"x\"], timeout = \"46s\" }",
            "hooks.after_promotion.timeout",
        ),
        (
            "before_promotion = { command = [\"x\"], timeout = \"0s\" }",
            "hooks.before_promotion.timeout",
        ),
        (
            "during_promotion = { command = [\"x\"] }",
            "during_promotion",
        ),
    ] {
        refused(&smallest_with(&format!("[hooks]\n{wrong}\n")), expected);
    }
    let text = smallest_with("[hooks]\nafter_promotion = { command = [\"x\", \"y\"] }\n");
    let hooks = parse(&text).unwrap().settings.hooks;
    assert!(hooks.before_promotion.is_none());
    assert_eq!(
        hooks.after_promotion.unwrap().timeout,
        Duration::from_secs(5)
    );
}

#[test]
fn secrets_are_compared_by_digest() {
    let digests = |text: &str| parse(text).unwrap().settings.secrets;
    let full = digests(FULL);
    assert_eq!(full, digests(&FULL.replace("\"alpha\"", "\"bravo\"")));
    assert_ne!(full, digests(&FULL.replace("\"s\"", "\"other\"")));
    assert_eq!(full.0.len(), 2);
    assert_eq!(digests(SMALLEST), Default::default());
}

#[test]
fn secret_key_is_never_shown() {
    let shown = format!("{:?}", parse(&FULL.replace("\"s\"", "\"hush\"")).unwrap());
    assert!(!shown.contains("hush"), "{shown}");
}

#[test]
fn units_are_read_exactly() {
    assert_eq!(parse_duration("1m30s"), Ok(Duration::from_secs(90)));
    assert_eq!(parse_duration("250us"), Ok(Duration::from_micros(250)));
    assert_eq!(parse_byte_count("2GiB"), Ok(ByteCount::mib(2048)));
    assert_eq!(parse_byte_count("7B"), Ok(ByteCount(7)));
    for wrong in [
        "",
        "s",
        "10",
        "1.5s",
        "-1s",
        "10 parsecs",
        "99999999999999999999s",
    ] {
        assert!(parse_duration(wrong).is_err(), "{wrong:?}");
    }
    for wrong in ["", "MiB", "64", "64MB", "99999999999999999999B"] {
        assert!(parse_byte_count(wrong).is_err(), "{wrong:?}");
    }
}

/// `a.b` for tables, `shard.name` for what is in an array of tables.
fn fields_of(value: &serde_json::Value, prefix: &str, out: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::Object(map) => {
            for (key, value) in map {
                let dot = if prefix.is_empty() { "" } else { "." };
                fields_of(value, &format!("{prefix}{dot}{key}"), out);
            }
        }
        serde_json::Value::Array(items) => {
            items.iter().for_each(|item| fields_of(item, prefix, out));
        }
        _ => {
            out.insert(prefix.to_owned());
        }
    }
}

#[test]
fn configuration_page_lists_exactly_the_fields_there_are() {
    let file: raw::File = toml::from_str(FULL).unwrap();
    let mut fields = BTreeSet::new();
    fields_of(&serde_json::to_value(&file).unwrap(), "", &mut fields);
    let page = include_str!("../../../../docs/configuration.md");
    let documented: BTreeSet<String> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|line| line.split_once('`'))
        .map(|(name, _)| name.to_owned())
        .filter(|name| !name.starts_with("--"))
        .collect();
    assert_eq!(fields, documented);
}

/// The smallest file with these lines in front, and this address for clients.
fn with(lines: &str, clients: &str) -> Result<Configuration, String> {
    let text = SMALLEST.replace("127.0.0.1:2379", clients);
    let text = format!("{text}\n{lines}");
    let parsed = Configuration::parse(&text, Path::new("/etc/node.toml"), &Overrides::default());
    parsed.map_err(|error| error.to_string())
}

#[test]
fn plain_text_beyond_this_machine_is_refused_unless_it_is_accepted() {
    let replication = "[listen]\nreplication = \"10.0.0.1:2390\"\n";
    let console = "[listen]\nconsole = \"10.0.0.1:2391\"\n";
    let (inside, outside) = ("127.0.0.1:2379", "10.0.0.1:2379");
    let tls = "[tls]\nca = \"a\"\ncert = \"b\"\nkey = \"c\"\n";
    let client_tls = "[client_tls]\ncert = \"b\"\nkey = \"c\"\n";
    assert!(with("", inside).is_ok());
    for (lines, clients, word) in [
        (replication, inside, "replication"),
        (console, inside, "console"),
        ("", outside, "clients"),
    ] {
        let refused = with(lines, clients).unwrap_err();
        assert!(refused.contains("E606"), "{refused}");
        let way_out = format!("plaintext = [\"{word}\"]");
        assert!(refused.contains(&way_out), "{refused}");
        let accepted = format!("{lines}[tls]\n{way_out}\n");
        assert!(with(&accepted, clients).is_ok(), "{accepted}");
        let another = match word {
            "console" => "clients",
            _ => "console",
        };
        let another = format!("{lines}[tls]\nplaintext = [\"{another}\"]\n");
        assert!(with(&another, clients).is_err(), "{another}");
    }
    assert!(with(&format!("{replication}{tls}"), inside).is_ok());
    // A cluster's certificates say nothing of what clients are shown.
    assert!(with(tls, outside).is_err());
    assert!(with(&format!("{tls}{client_tls}"), outside).is_ok());
}

#[test]
fn clients_certificates_without_a_clusters_would_cut_the_relay_and_are_refused() {
    let client_tls = "[client_tls]\ncert = \"b\"\nkey = \"c\"\n";
    let everywhere = "[tls]\nplaintext = [\"replication\", \"clients\"]\n";
    for lines in [client_tls.to_owned(), format!("{everywhere}{client_tls}")] {
        for clients in ["127.0.0.1:2379", "10.0.0.1:2379"] {
            let refused = with(&lines, clients).unwrap_err();
            assert!(
                refused.contains("[client_tls] is given without [tls]"),
                "{refused}"
            );
            assert!(
                refused.contains("give [tls] ca, cert and key too"),
                "{refused}"
            );
        }
    }
}

#[test]
fn certificate_files_belong_together_and_begin_at_the_files_directory() {
    let lines = "[tls]\nca = \"ca.pem\"\ncert = \"certs/n.pem\"\nkey = \"/keys/n.key\"\n";
    let settings = with(lines, "127.0.0.1:2379").unwrap().settings;
    let files = settings.tls.expect("certificates");
    assert_eq!(files.ca, Path::new("/etc/ca.pem"));
    assert_eq!(files.cert, Path::new("/etc/certs/n.pem"));
    assert_eq!(files.key, Path::new("/keys/n.key"));
    let half = with("[tls]\ncert = \"n.pem\"\n", "127.0.0.1:2379");
    assert!(half.unwrap_err().contains("give all three"));
}
