use crate::commands::Cli;
use crate::exit::Exit;
use crate::format::print;
use anyhow::Context;
use clap::{Args, CommandFactory};
use std::path::PathBuf;

/// Writes the manual pages: one for each command, `understudy.1` first.
///
/// Example: understudy man --dir /usr/local/share/man/man1
#[derive(Args, Debug)]
pub(crate) struct ManArgs {
    /// Where to; it must be there. Pages of the same names are replaced.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
}

pub(crate) fn man(args: ManArgs) -> anyhow::Result<Exit> {
    let place = args.dir.display().to_string();
    clap_mangen::generate_to(Cli::command(), &args.dir)
        .with_context(|| format!("cannot write manual pages into {place}"))?;
    print(&format!(
        "manual pages are in {place}: man -l {place}/understudy.1"
    ));
    Ok(Exit::Done)
}
