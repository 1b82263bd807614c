use crate::commands::Cli;
use crate::exit::Exit;
use crate::format::print;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

/// Prints completions, for example:
/// understudy completions bash > ~/.local/share/bash-completion/completions/understudy
#[derive(Args, Debug)]
pub(crate) struct CompletionsArgs {
    shell: Shell,
}

pub(crate) fn completions(args: CompletionsArgs) -> anyhow::Result<Exit> {
    let mut command = Cli::command();
    // Not to standard output itself: a reader that goes away is no error.
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut command, "understudy", &mut text);
    print(&String::from_utf8(text)?);
    Ok(Exit::Done)
}
