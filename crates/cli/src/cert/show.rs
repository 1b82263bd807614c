use super::DirectoryArgs;
use crate::exit::Exit;
use crate::format::{OutputFormat, print, print_json, span};
use anyhow::Context;
use clap::Args;
use serde::Serialize;
use std::path::{Path, PathBuf};
use understudy_tls::{Certificate, Role};

/// A node's verdict (P14) warns from here on too, by default.
const SOON_SECONDS: i64 = 7 * 86_400;

/// Exit code 10: one has expired, or ends within seven days.
#[derive(Args, Debug)]
pub(super) struct ShowArgs {
    /// Certificates [default: all in --dir].
    files: Vec<PathBuf>,
    #[command(flatten)]
    directory: DirectoryArgs,
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

#[derive(Serialize)]
struct Shown {
    file: PathBuf,
    #[serde(flatten)]
    certificate: Certificate,
    seconds_left: i64,
}

pub(super) fn show(args: &ShowArgs, wall_millis: u64) -> anyhow::Result<Exit> {
    let files = match args.files.is_empty() {
        true => certificates_in(&args.directory.dir)?,
        false => args.files.clone(),
    };
    let shown: Vec<Shown> = files
        .into_iter()
        .map(|file| read(file, wall_millis))
        .collect::<anyhow::Result<_>>()?;
    if args.output == OutputFormat::Json {
        print_json(&shown)?;
    } else {
        shown.iter().for_each(|one| print(&line(one)));
    }
    let soon = shown.iter().any(|one| one.seconds_left < SOON_SECONDS);
    Ok(if soon { Exit::Warnings } else { Exit::Done })
}

fn certificates_in(directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(directory).with_context(|| directory.display().to_string())?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|end| end == "pem"));
    files.sort();
    Ok(files)
}

fn read(file: PathBuf, wall_millis: u64) -> anyhow::Result<Shown> {
    let told = || file.display().to_string();
    let pem = std::fs::read(&file).with_context(told)?;
    let certificate = Certificate::from_pem(&pem).with_context(told)?;
    let seconds_left = certificate.seconds_left(wall_millis);
    Ok(Shown {
        certificate,
        seconds_left,
        file,
    })
}

fn line(shown: &Shown) -> String {
    let whom = shown.certificate.identity.as_ref();
    let whom = whom.map_or(
        "nobody of a cluster".to_owned(),
        |identity| match &identity.role {
            Role::Authority => format!("authority of {}", identity.cluster),
            role => format!("{role} of {}", identity.cluster),
        },
    );
    let left = match shown.seconds_left {
        gone @ ..=0 => format!("EXPIRED {} ago", span(-gone as f64)),
        left => format!("expires in {}", span(left as f64)),
    };
    let hosts = match shown.certificate.hosts.join(", ") {
        none if none.is_empty() => none,
        hosts => format!("  for {hosts}"),
    };
    format!("{}  {whom}  {left}{hosts}", shown.file.display())
}
