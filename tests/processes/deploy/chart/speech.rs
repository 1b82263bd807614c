//! What of a release speaks plain text: what its values name, and nothing else.

use super::{Manifests, example, file, refused, rendered};
use crate::deploy::understudy;
use rig::Directory;

/// The example with other words for who speaks how.
fn speaking(tls: &str, plaintext: &str, client_tls: &str) -> String {
    let whole = example("alpha");
    for part in ["  secret: understudy-tls\n", PLAINTEXT, CLIENT_TLS] {
        assert!(whole.contains(part), "{whole}");
    }
    whole
        .replace("  secret: understudy-tls\n", tls)
        .replace(PLAINTEXT, plaintext)
        .replace(CLIENT_TLS, client_tls)
}

const TLS: &str = "  secret: understudy-tls\n";
const PLAINTEXT: &str = "  plaintext: [console]\n";
const CLIENT_TLS: &str = "clientTls:\n  secret: understudy-client-tls\n";

async fn expect_sound(manifests: &Manifests) {
    let directory = Directory::new();
    let path = file(&directory, "node.toml", manifests.configuration()).await;
    let checked = understudy(&["config", "check", "--config", &path]).await;
    checked.expect_code(0);
}

#[tokio::test]
async fn nothing_speaks_plain_text_that_no_value_names() {
    let told = refused(&speaking("", "", "")).await;
    for value in ["tls.secret", "clientTls.secret", "name console"] {
        assert!(told.contains(value), "{value}: {told}");
    }
    let told = refused(&speaking(TLS, PLAINTEXT, "")).await;
    assert!(told.contains("clients: set clientTls.secret"), "{told}");
    assert!(!told.contains("replication:"), "{told}");
    let told = refused(&speaking(TLS, "  plaintext: [clients]\n", "")).await;
    assert!(told.contains("name console"), "{told}");
    let told = refused(&speaking("", "  plaintext: [clients, console]\n", "")).await;
    assert!(told.contains("replication: set tls.secret"), "{told}");
}

#[tokio::test]
async fn what_the_values_name_is_what_the_node_accepts() {
    let all = "  plaintext: [replication, clients, console]\n";
    let clients = "  plaintext: [clients, console]\n";
    for values in [
        speaking("", all, ""),
        speaking(TLS, clients, ""),
        speaking(TLS, PLAINTEXT, CLIENT_TLS),
    ] {
        expect_sound(&rendered(&values).await).await;
    }
}

#[tokio::test]
async fn clients_are_shown_the_certificate_of_their_secret() {
    let manifests = rendered(&speaking(TLS, PLAINTEXT, CLIENT_TLS)).await;
    let configuration = manifests.configuration();
    let table = "[client_tls]\ncert = \"/etc/understudy/client-tls/tls.crt\"\nkey = \"/etc/understudy/client-tls/tls.key\"\n\n";
    assert!(configuration.contains(table), "{configuration}");
    let volume = manifests.volume_of("/etc/understudy/client-tls/tls.key");
    let secret = &volume.expect("a volume")["secret"];
    assert_eq!(secret["secretName"], "understudy-client-tls");
    assert_eq!(secret["defaultMode"], 0o440);

    let required = format!("{CLIENT_TLS}  requireCertificates: true\n");
    let manifests = rendered(&speaking(TLS, PLAINTEXT, &required)).await;
    let authority = "ca = \"/etc/understudy/client-tls/ca.crt\"";
    assert!(manifests.configuration().contains(authority));
    expect_sound(&manifests).await;
}

#[tokio::test]
async fn values_for_clients_that_do_not_go_together_are_refused() {
    let plain = "  plaintext: [replication, console]\n";
    let told = refused(&speaking("", plain, CLIENT_TLS)).await;
    assert!(told.contains("clientTls.secret needs tls.secret"), "{told}");
    let plain = "  plaintext: [clients, console]\n";
    let asked = "clientTls:\n  requireCertificates: true\n";
    let told = refused(&speaking(TLS, plain, asked)).await;
    assert!(told.contains("needs clientTls.secret"), "{told}");
}

#[tokio::test]
async fn table_that_the_chart_writes_is_refused_among_the_further_ones() {
    for table in ["client_tls", "console", "tls"] {
        let extra = format!("extraConfig: |\n  [{table}]\n");
        let values = example("alpha").replace("extraConfig: |\n", &extra);
        let told = refused(&values).await;
        let named = format!("extraConfig: [{table}] is made of");
        assert!(told.contains(&named), "{told}");
    }
}
