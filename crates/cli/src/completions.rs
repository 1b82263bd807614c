use crate::commands::Cli;
use crate::exit::Exit;
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
    clap_complete::generate(
        args.shell,
        &mut command,
        "understudy",
        &mut std::io::stdout(),
    );
    Ok(Exit::Done)
}
