//! Everything that `understudy` can do.

use crate::admin::Speaker;
use crate::credentials::CredentialArgs;
use crate::exit::{self, Exit};
use crate::format::OutputFormat;
use crate::{
    activate, admin, adopt, audit, bench, cert, check, completions, config, dev, dev_store, diff,
    errands, explain, health, history, init, log, maintenance, man, parity, quarantine, rebuild,
    run, status, top,
};
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};

const TOUR: &str = "\
Begin with:
  understudy dev                                   a pair and a store on this machine
  understudy status                                who is primary, how far the standby is
  understudy switchover --to bravo --expect-epoch 1
";

#[derive(Debug, Parser)]
#[command(
    name = "understudy",
    version,
    about = "A warm standby for stateful services, behind the etcd v3 API",
    long_about = "A warm standby for stateful services, behind the etcd v3 API.\n\n\
        A primary serves clients from memory and a durable log; a standby applies every record \
        and takes over when an operator says so. A lease in an object store says who may write.",
    after_help = TOUR,
    after_long_help = format!("{TOUR}\n{}", exit::HELP),
)]
pub(crate) struct Cli {
    #[command(flatten)]
    credentials: CredentialArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a pair and a development store on this machine.
    Dev(dev::DevArgs),
    /// Run one node.
    Run(run::RunArgs),
    /// Found a cluster: create its lease, once.
    Init(init::InitArgs),
    /// Make and show the cluster's certificates.
    Cert(cert::CertArgs),
    /// Show the pair: roles, lease, lag, what a failover would lose.
    Status(status::StatusArgs),
    /// Show the pair live, in a terminal.
    Top(top::TopArgs),
    /// Ask a standby for its verdict on a promotion; changes nothing.
    Check(check::CheckArgs),
    /// Move the primary's role; loses nothing, or does not happen.
    Switchover(activate::SwitchoverArgs),
    /// Promote a standby whose primary is gone; may lose, and says what.
    Failover(activate::FailoverArgs),
    /// Put the lease of a node that went on without its store into one again.
    Store(adopt::StoreArgs),
    /// Find the first keys that differ between two endpoints.
    Diff(diff::DiffArgs),
    /// Make a standby's state anew from its own log.
    Rebuild(rebuild::RebuildArgs),
    /// Say that the last automatic failover has been looked at.
    Acknowledge(errands::AcknowledgeArgs),
    /// Say that a standby is gone for good.
    Forget(errands::ForgetArgs),
    /// Look at records that only a returning primary had.
    Quarantine(quarantine::QuarantineArgs),
    /// Say what an id means, and what to do.
    Explain(explain::ExplainArgs),
    /// Compare both nodes: version, configuration, certificates, secrets.
    Parity(parity::ParityArgs),
    /// Refuse writes on the whole pair, or take them again.
    Maintenance(maintenance::MaintenanceArgs),
    /// Check a configuration file.
    Config(config::ConfigArgs),
    /// Ask a node's console one question; the exit code answers.
    Health(health::HealthArgs),
    /// Look at a stopped node's log.
    Log(log::LogArgs),
    /// List what was done with the cluster, from its log.
    Audit(audit::AuditArgs),
    /// Print the receipts of past promotions.
    History(history::HistoryArgs),
    /// Measure any etcd endpoint, and prove that no acknowledged write is missing.
    Bench(bench::BenchArgs),
    /// Print completions for a shell.
    Completions(completions::CompletionsArgs),
    /// Write the manual pages.
    Man(man::ManArgs),
    #[command(hide = true)]
    DevStore(dev_store::DevStoreArgs),
}

impl Cli {
    /// The command line, and how its answer is wanted. Ends the process where
    /// it is wrong, or asks for help.
    pub(crate) fn read() -> (Cli, OutputFormat) {
        let matches = Cli::command().get_matches();
        let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        (cli, output_of(&matches))
    }

    pub(crate) async fn run(self) -> anyhow::Result<Exit> {
        if !matches!(self.command, Command::Run(_)) {
            admin::speak_as(Speaker::Operator(self.credentials));
        }
        match self.command {
            Command::Dev(args) => dev::dev(args).await,
            Command::Run(args) => run::run(args).await,
            Command::Init(args) => init::init(args).await,
            Command::Cert(args) => cert::cert(args),
            Command::Status(args) => status::status(args).await,
            Command::Top(args) => top::top(args).await,
            Command::Check(args) => check::check(args).await,
            Command::Switchover(args) => activate::switchover(args).await,
            Command::Failover(args) => activate::failover(args).await,
            Command::Store(args) => adopt::store(args).await,
            Command::Diff(args) => diff::diff(args).await,
            Command::Rebuild(args) => rebuild::rebuild(args).await,
            Command::Acknowledge(args) => errands::acknowledge(args).await,
            Command::Forget(args) => errands::forget(args).await,
            Command::Quarantine(args) => quarantine::quarantine(args).await,
            Command::Explain(args) => explain::explain(args),
            Command::Parity(args) => parity::parity(args).await,
            Command::Maintenance(args) => maintenance::maintenance(args).await,
            Command::Config(args) => config::config(args),
            Command::Health(args) => health::health(args).await,
            Command::Log(args) => log::log(args),
            Command::Audit(args) => audit::audit(args).await,
            Command::History(args) => history::history(args).await,
            Command::Bench(args) => bench::bench(args).await,
            Command::Completions(args) => completions::completions(args),
            Command::Man(args) => man::man(args),
            Command::DevStore(args) => dev_store::dev_store(args).await,
        }
    }
}

/// Commands without the flag answer in text.
fn output_of(matches: &ArgMatches) -> OutputFormat {
    let mut innermost = matches;
    while let Some((_, inner)) = innermost.subcommand() {
        innermost = inner;
    }
    let wanted = innermost.try_get_one("output").ok().flatten();
    wanted.copied().unwrap_or_default()
}

#[cfg(test)]
mod tests;
