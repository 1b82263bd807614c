use super::Cli;
use crate::exit::Exit;
use crate::format::OutputFormat;
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
        "understudy maintenance on --reason export --endpoint 127.0.0.1:2390",
        "understudy maintenance off -o json",
        "understudy parity --config alpha.toml --config bravo.toml -o json",
        "understudy quarantine list --data understudy-dev/alpha",
        "understudy quarantine show --data d main/1-2-3.batches",
        "understudy quarantine export --data d",
        "understudy log verify understudy-dev/alpha",
        "understudy history --data understudy-dev/bravo -o json",
        "understudy completions bash",
        "understudy man --dir /tmp",
        "understudy top --endpoint 127.0.0.1:2490",
        "understudy switchover --to bravo --expect-epoch 1 -o json",
        "understudy log verify d -o json",
        "understudy init --config node.toml -o json",
        "understudy explain",
        "understudy explain E301 -o json",
        "understudy bench put --endpoints 127.0.0.1:2379",
    ] {
        assert!(parse(line).is_ok(), "{line}: {:?}", parse(line).err());
    }
}

#[test]
fn lines_of_the_readme_are_understood() {
    let readme = include_str!("../../../../README.md");
    let commands = readme
        .lines()
        .filter(|line| line.starts_with("understudy "))
        .map(|line| line.split('#').next().unwrap_or_default())
        .map(|line| line.trim().trim_end_matches('&').replace(" N", " 1"));
    let mut seen = 0;
    for line in commands {
        assert!(parse(&line).is_ok(), "{line}: {:?}", parse(&line).err());
        seen += 1;
    }
    assert!(seen > 20, "{seen} lines");
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

/// Every command that is not hidden, with its parents' names.
fn each_command(command: &clap::Command, path: &str, visit: &mut dyn FnMut(&str, &clap::Command)) {
    for below in command
        .get_subcommands()
        .filter(|below| !below.is_hide_set())
    {
        if below.get_name() == "help" {
            continue;
        }
        let path = format!("{path} {}", below.get_name());
        visit(&path, below);
        each_command(below, &path, visit);
    }
}

/// The part of the page under a command's own heading.
fn section<'a>(page: &'a str, name: &str) -> Option<&'a str> {
    let heading = format!("\n## `understudy {name}`\n");
    let (_, rest) = page.split_once(&heading)?;
    Some(rest.split("\n## ").next().unwrap_or(rest))
}

#[test]
fn commands_page_names_every_command_and_every_flag() {
    let page = include_str!("../../../../docs/cli.md");
    let shared = section(page, "COMMAND").expect("what all commands share");
    let mut missing = Vec::new();
    each_command(&Cli::command(), "", &mut |path, command| {
        let first = path.split_whitespace().next().unwrap_or_default();
        let own = section(page, first).unwrap_or_default();
        let is_first = path.trim() == first;
        let below = format!("`{}", command.get_name());
        let named = if is_first {
            !own.is_empty()
        } else {
            own.contains(&format!("understudy{path}")) || own.contains(&below)
        };
        if !named {
            missing.push(format!("understudy{path}"));
        }
        let arguments = command
            .get_arguments()
            .filter(|argument| !argument.is_hide_set());
        for long in arguments.filter_map(clap::Arg::get_long) {
            let flag = format!("--{long}");
            let over = argument_is_over_the_file(command, long);
            let named = own.contains(&flag) || shared.contains(&flag) || over;
            if !named && !["help", "version"].contains(&long) {
                missing.push(format!("understudy{path} {flag}"));
            }
        }
    });
    assert!(
        missing.is_empty(),
        "docs/cli.md does not name: {missing:#?}"
    );
}

/// docs/configuration.md lists those, and a test of its own compares them.
fn argument_is_over_the_file(command: &clap::Command, long: &str) -> bool {
    let page = include_str!("../../../../docs/configuration.md");
    let mut arguments = command.get_arguments();
    let found = arguments.find(|argument| argument.get_long() == Some(long));
    let heading = found.and_then(|argument| argument.get_help_heading());
    heading == Some("Over the configuration file") && page.contains(&format!("| `--{long}"))
}

#[test]
fn commands_page_lists_the_exit_codes_there_are() {
    let page = include_str!("../../../../docs/cli.md");
    let told: Vec<&str> = crate::exit::HELP.lines().skip(1).collect();
    for line in told {
        let code = line.split_whitespace().next().expect("a code");
        assert!(page.contains(&format!("\n| {code} |")), "{code} is missing");
    }
}

#[test]
fn every_answer_can_be_had_as_json() {
    // These run until a signal, or print a text that is for something else.
    // Or what they make is files.
    const OTHERS: [&str; 10] = [
        " dev",
        " run",
        " top",
        " completions",
        " man",
        " quarantine export",
        " cert init",
        " cert issue node",
        " cert issue operator",
        " cert renew",
    ];
    each_command(&Cli::command(), "", &mut |path, command| {
        let has = command
            .get_arguments()
            .any(|argument| argument.get_long() == Some("output"));
        let leaf = command.get_subcommands().next().is_none();
        assert!(
            !leaf || has || OTHERS.contains(&path),
            "understudy{path} has no --output"
        );
    });
}

#[test]
fn manual_pages_are_written_for_every_command() {
    let directory = tempfile::tempdir().unwrap();
    clap_mangen::generate_to(Cli::command(), directory.path()).unwrap();
    for page in [
        "understudy.1",
        "understudy-switchover.1",
        "understudy-log-verify.1",
    ] {
        let text = std::fs::read_to_string(directory.path().join(page)).unwrap();
        assert!(text.contains(".SH NAME"), "{page}");
    }
}

#[test]
fn way_of_answering_is_the_innermost_commands() {
    let read = |line: &str| {
        let words = line.split(' ');
        super::output_of(&Cli::command().get_matches_from(words))
    };
    assert_eq!(read("understudy status -o json"), OutputFormat::Json);
    assert_eq!(
        read("understudy maintenance off --output json"),
        OutputFormat::Json
    );
    assert_eq!(read("understudy status"), OutputFormat::Text);
    assert_eq!(read("understudy dev"), OutputFormat::Text);
}
