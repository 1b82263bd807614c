use super::Cli;
use crate::exit::Exit;
use clap::{CommandFactory, Parser, error::ErrorKind};

fn parse(line: &str) -> Result<Cli, ErrorKind> {
    Cli::try_parse_from(line.split_whitespace()).map_err(|error| error.kind())
}

#[test]
fn commands_are_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn lines_of_the_tour_are_understood() {
    for line in [
        "understudy dev",
        "understudy dev --dir /tmp/pair --ack-policy replicated --ttl 3s",
        "understudy run --config node.toml",
        "understudy init --config node.toml --first alpha",
        "understudy cert init --cluster prod",
        "understudy cert issue node alpha --host a.example.com --host 10.0.0.1",
        "understudy cert issue operator ann --days 30",
        "understudy cert renew node alpha",
        "understudy cert show certs/ca.pem -o json",
        "understudy status -o json",
        "understudy status --endpoint 127.0.0.1:2490 --watch",
        "understudy check --for failover",
        "understudy switchover --to bravo --expect-epoch 1",
        "understudy failover --to bravo --expect-epoch 1 --dry-run",
        "understudy failover --to bravo --expect-epoch 1 --accept-loss 30 --yes dev",
        "understudy failover --to bravo --expect-epoch 1 --accept-loss unknown --fenced-by off",
        "understudy diff",
        "understudy diff --endpoints 127.0.0.1:2379,10.0.0.2:2379 --limit 5 -o json",
        "understudy rebuild --endpoint 127.0.0.1:2490 --shard main",
        "understudy quarantine list --data understudy-dev/alpha",
        "understudy quarantine show --data d main/1-2-3.batches",
        "understudy quarantine export --data d",
        "understudy log verify understudy-dev/alpha",
        "understudy history --data understudy-dev/bravo -o json",
        "understudy completions bash",
        "understudy bench put --endpoints 127.0.0.1:2379",
    ] {
        assert!(parse(line).is_ok(), "{line}: {:?}", parse(line).err());
    }
}

#[test]
fn verbs_need_target_and_epoch() {
    for verb in ["switchover", "failover"] {
        let missing = Some(ErrorKind::MissingRequiredArgument);
        assert_eq!(
            parse(&format!("understudy {verb} --to bravo")).err(),
            missing
        );
        assert_eq!(
            parse(&format!("understudy {verb} --expect-epoch 1")).err(),
            missing
        );
    }
}

#[test]
fn switchover_knows_no_loss_and_no_confirmation() {
    for flag in ["--accept-loss 1", "--fenced-by x", "--yes dev"] {
        let line = format!("understudy switchover --to bravo --expect-epoch 1 {flag}");
        assert_eq!(
            parse(&line).err(),
            Some(ErrorKind::UnknownArgument),
            "{flag}"
        );
    }
}

#[test]
fn there_is_no_flag_that_skips_checks() {
    for flag in ["--force", "-f", "-y"] {
        let line = format!("understudy failover --to bravo --expect-epoch 1 {flag}");
        assert_eq!(
            parse(&line).err(),
            Some(ErrorKind::UnknownArgument),
            "{flag}"
        );
    }
}

#[test]
fn help_lists_every_exit_code() {
    let help = Cli::command().render_long_help().to_string();
    for exit in [
        Exit::Done,
        Exit::Failed,
        Exit::Usage,
        Exit::EndNotSeen,
        Exit::Warnings,
        Exit::Refused,
        Exit::Damaged,
    ] {
        let line = format!("{:>4}  ", exit.code());
        assert!(help.contains(&line), "{line:?} in\n{help}");
    }
}

#[test]
fn command_page_names_every_command_and_every_exit_code() {
    let page = include_str!("../../../../docs/cli.md");
    for command in Cli::command()
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
    {
        let heading = format!("## `understudy {}", command.get_name());
        assert!(page.contains(&heading), "{heading} is missing");
        let own_flags = command.get_arguments().filter(|argument| {
            // Those that lie over the file are on the configuration's page.
            argument.get_help_heading().is_none() && argument.get_id() != "help"
        });
        for long in own_flags.filter_map(|argument| argument.get_long()) {
            assert!(
                page.contains(&format!("--{long}")),
                "--{long} of {} is missing",
                command.get_name()
            );
        }
    }
    for code in [0, 1, 2, 4, 10, 20, 30] {
        assert!(
            page.contains(&format!("| {code} |")),
            "exit code {code} is missing"
        );
    }
}
