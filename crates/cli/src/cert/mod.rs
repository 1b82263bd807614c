//! `understudy cert`: the cluster's own certificate authority.

mod directory;
mod show;
#[cfg(test)]
mod tests;

use crate::exit::Exit;
use crate::format::{print, span};
use crate::refusal::Refusal;
use clap::{Args, Subcommand};
use directory::{Directory, Stem};
use std::path::PathBuf;
use understudy_node::BootClock;
use understudy_tls::{Certificate, CertificateAuthority, IssueError, Role, Validity};
use understudy_types::{Clock, NodeId};

const DEFAULT_DIRECTORY: &str = "./certs";

/// Makes and shows the certificates of a cluster.
#[derive(Args, Debug)]
pub(crate) struct CertArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Found the cluster's authority: its certificate and its key. Keep the
    /// key where no node can read it.
    Init(InitArgs),
    /// Make a certificate and its key, for a node or for an operator.
    Issue(IssueArgs),
    /// Make a certificate anew for the same name, hosts and key. Nodes take
    /// the new file while they run.
    Renew(RenewArgs),
    /// List certificates and when they end.
    Show(show::ShowArgs),
}

#[derive(Args, Clone, Debug)]
struct DirectoryArgs {
    /// Where the authority is, and what it makes.
    #[arg(long, value_name = "DIR", default_value = DEFAULT_DIRECTORY)]
    dir: PathBuf,
}

#[derive(Args, Debug)]
struct InitArgs {
    #[command(flatten)]
    directory: DirectoryArgs,
    /// The cluster's name, as in `cluster` of the configuration.
    #[arg(long, value_name = "NAME")]
    cluster: NodeId,
    /// How long the authority is valid.
    #[arg(long, default_value_t = 3650, value_parser = clap::value_parser!(u32).range(1..))]
    days: u32,
}

#[derive(Args, Debug)]
struct IssueArgs {
    #[command(subcommand)]
    whom: Whom,
}

#[derive(Debug, Subcommand)]
enum Whom {
    /// For a node: other nodes and tools know it by this certificate.
    Node {
        /// The node's name, as in `node` of its configuration.
        name: NodeId,
        /// A host that the node advertises, name or address. May be repeated.
        #[arg(long, value_name = "HOST", required = true)]
        host: Vec<String>,
        #[command(flatten)]
        directory: DirectoryArgs,
        /// How long it is valid, at most as long as the authority.
        #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..))]
        days: u32,
    },
    /// For an operator or a tool: nodes take its commands, and send it no data
    /// of the stream.
    Operator {
        /// Who it is; nodes' logs name it.
        name: NodeId,
        #[command(flatten)]
        directory: DirectoryArgs,
        /// How long it is valid, at most as long as the authority.
        #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..))]
        days: u32,
    },
}

#[derive(Args, Debug)]
struct RenewArgs {
    /// Whose: `node` or `operator`.
    kind: Kind,
    name: NodeId,
    #[command(flatten)]
    directory: DirectoryArgs,
    /// How long it is valid from now [default: as long as it was].
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    days: Option<u32>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Kind {
    Node,
    Operator,
}

pub(crate) fn cert(args: CertArgs) -> anyhow::Result<Exit> {
    match args.act {
        Act::Init(args) => init(args),
        Act::Issue(args) => issue(args.whom),
        Act::Renew(args) => renew(&args),
        Act::Show(args) => return show::show(&args, now()),
    }?;
    Ok(Exit::Done)
}

fn now() -> u64 {
    BootClock.wall_millis()
}

fn init(args: InitArgs) -> anyhow::Result<()> {
    let directory = Directory::new(args.directory.dir);
    let stem = Stem::Authority;
    directory.is_free(
        &stem,
        "each cluster has one authority: use that one, or give another --dir for another cluster",
    )?;
    let validity = Validity::days_from(now(), args.days);
    let issued = CertificateAuthority::found(args.cluster.as_str(), validity)?;
    directory.write(&stem, &issued)?;
    let place = directory.path().display();
    print(&format!(
        "the authority of cluster {} is founded in {place}: ca.pem goes to every node and operator, ca.key to nobody\nnext: understudy cert issue node NAME --host HOST --dir {place}",
        args.cluster
    ));
    Ok(())
}

fn issue(whom: Whom) -> anyhow::Result<()> {
    let (stem, role, hosts, directory, days) = match whom {
        Whom::Node {
            name,
            host,
            directory,
            days,
        } => (Stem::node(&name), Role::Node(name), host, directory, days),
        Whom::Operator {
            name,
            directory,
            days,
        } => {
            let role = Role::Operator(name.to_string());
            (Stem::operator(&name), role, Vec::new(), directory, days)
        }
    };
    let directory = Directory::new(directory.dir);
    let authority = authority(&directory)?;
    directory.is_free(
        &stem,
        "use it, renew it with `understudy cert renew`, or remove both files for a new key",
    )?;
    let validity = validity(&authority, days)?;
    let issued = authority
        .issue(role.clone(), &hosts, validity)
        .map_err(unusable)?;
    directory.write(&stem, &issued)?;
    print(&told(&role, &directory, &stem, validity));
    Ok(())
}

fn renew(args: &RenewArgs) -> anyhow::Result<()> {
    let directory = Directory::new(args.directory.dir.clone());
    let authority = authority(&directory)?;
    let (stem, role) = match args.kind {
        Kind::Node => (Stem::node(&args.name), Role::Node(args.name.clone())),
        Kind::Operator => {
            let role = Role::Operator(args.name.to_string());
            (Stem::operator(&args.name), role)
        }
    };
    let Some((pem, key)) = directory.read(&stem)? else {
        return Err(Refusal::new(
            "E604",
            format!(
                "{} has no certificate of {role}",
                directory.path().display()
            ),
            "`understudy cert show` lists those that it has; `understudy cert issue` makes one",
        )
        .into());
    };
    let former = Certificate::from_pem(pem.as_bytes())?;
    let identity = former.identity.as_ref();
    if !identity.is_some_and(|it| it.cluster == authority.cluster() && it.role == role) {
        let named = identity.map_or("nobody".to_owned(), ToString::to_string);
        return Err(Refusal::new(
            "E605",
            format!("{} names {named}", stem.certificate()),
            "put the certificate of this name and cluster there, or issue a new one",
        )
        .into());
    }
    let lasted = (former.not_after - former.not_before) / 86_400;
    let days = args
        .days
        .unwrap_or(u32::try_from(lasted).unwrap_or(365).max(1));
    let validity = validity(&authority, days)?;
    let renewed = authority.renew(role.clone(), &former.hosts, validity, &key);
    directory.replace(&stem, &renewed.map_err(unusable)?)?;
    print(&told(&role, &directory, &stem, validity));
    Ok(())
}

fn authority(directory: &Directory) -> anyhow::Result<CertificateAuthority> {
    let Some((certificate, key)) = directory.read(&Stem::Authority)? else {
        return Err(Refusal::new(
            "E602",
            format!(
                "there is no authority in {}: ca.pem and ca.key are missing",
                directory.path().display()
            ),
            "give its directory with --dir, or found one with `understudy cert init`",
        )
        .into());
    };
    Ok(CertificateAuthority::load(&certificate, &key).map_err(unusable)?)
}

fn unusable(error: IssueError) -> Refusal {
    let way_out = match &error {
        IssueError::Host(_) => "give a host as others reach it, without port and scheme",
        _ => "bring ca.pem, ca.key and the certificate back from where you keep copies",
    };
    Refusal::new("E605", error.to_string(), way_out)
}

/// No longer than the authority, which must be valid itself.
fn validity(authority: &CertificateAuthority, days: u32) -> Result<Validity, Refusal> {
    let left = authority.certificate().seconds_left(now());
    if left <= 0 {
        return Err(Refusal::new(
            "E603",
            format!("the authority has expired {} ago", span(-left as f64)),
            "found a new one in another --dir, and give nodes both in one ca.pem until all have new certificates",
        ));
    }
    let mut validity = Validity::days_from(now(), days);
    validity.not_after = validity.not_after.min(authority.certificate().not_after);
    Ok(validity)
}

fn told(role: &Role, directory: &Directory, stem: &Stem, validity: Validity) -> String {
    let left = validity.not_after - now() as i64 / 1000;
    let (certificate, key) = (stem.certificate(), stem.key());
    let place = directory.path().display();
    let use_it = match role {
        Role::Operator(_) => format!(
            "its holder gives commands --ca ca.pem --cert {certificate} --key {key}, or keeps them in ~/.config/understudy as ca.pem, operator.pem and operator.key"
        ),
        _ => format!(
            "put ca.pem, {certificate} and {key} there, and name them in [tls] of the node's configuration"
        ),
    };
    format!(
        "{role}: {place}/{certificate}, valid for {}\n{use_it}",
        span(left as f64)
    )
}
