//! Whom this process speaks as, when it asks nodes.

use anyhow::Context;
use clap::Args;
use std::path::PathBuf;
use understudy_tls::{Credentials, Dialer, Holder, Reloaded, TlsFiles};

/// Without these flags and variables, and without files in
/// `~/.config/understudy`, plain text is spoken.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Operator's certificate")]
pub(crate) struct CredentialArgs {
    /// The cluster's authority [default: ~/.config/understudy/ca.pem].
    #[arg(long, env = "UNDERSTUDY_CA", value_name = "FILE", global = true, requires_all = ["cert", "key"])]
    ca: Option<PathBuf>,
    /// The operator's certificate [default: ~/.config/understudy/operator.pem].
    #[arg(long, env = "UNDERSTUDY_CERT", value_name = "FILE", global = true, requires_all = ["ca", "key"])]
    cert: Option<PathBuf>,
    /// The operator's key [default: ~/.config/understudy/operator.key].
    #[arg(long, env = "UNDERSTUDY_KEY", value_name = "FILE", global = true, requires_all = ["ca", "cert"])]
    key: Option<PathBuf>,
}

impl CredentialArgs {
    /// Files that were named are used for every address. Those of the home
    /// directory are not for loopback, where a pair for development speaks
    /// plain text. None: plain text everywhere.
    pub(crate) fn dialer(&self) -> anyhow::Result<Option<Dialer>> {
        let CredentialArgs { ca, cert, key } = self.clone();
        if let (Some(ca), Some(cert), Some(key)) = (ca, cert, key) {
            let credentials = open(TlsFiles { ca, cert, key });
            return Ok(Some(Dialer::with(credentials?)));
        }
        let Some(files) = at_home() else {
            return Ok(None);
        };
        Ok(Some(Dialer::beyond_loopback(open(files)?)))
    }
}

fn open(files: TlsFiles) -> anyhow::Result<std::sync::Arc<Reloaded<Credentials>>> {
    Reloaded::<Credentials>::open(files, Holder::AnyOperator).context("the operator's certificate")
}

fn at_home() -> Option<TlsFiles> {
    let directory = match std::env::var_os("XDG_CONFIG_HOME") {
        Some(directory) => PathBuf::from(directory),
        None => PathBuf::from(std::env::var_os("HOME")?).join(".config"),
    };
    let at = |name: &str| directory.join("understudy").join(name);
    let files = TlsFiles {
        ca: at("ca.pem"),
        cert: at("operator.pem"),
        key: at("operator.key"),
    };
    files.cert.exists().then_some(files)
}
