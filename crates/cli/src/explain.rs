//! `understudy explain`: the runbook's section of an id, from this binary.

use crate::exit::Exit;
use crate::format::{OutputFormat, print, print_json};
use crate::refusal::Refusal;
use clap::Args;
use serde_json::{Value, json};
use understudy_console::runbook::{Section, section, sections};

/// Says what the id of a refusal, a check or an alert means, and what to do.
/// Asks nobody. Exit code 0: it is printed, 2: there is no such id.
#[derive(Args, Debug)]
pub(crate) struct ExplainArgs {
    /// For example E301, P04 or UnderstudyLagUnknown [default: list all].
    id: Option<String>,
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

pub(crate) fn explain(args: ExplainArgs) -> anyhow::Result<Exit> {
    match args.id {
        Some(id) => one(found(&id)?, args.output)?,
        None => all(args.output)?,
    }
    Ok(Exit::Done)
}

fn found(id: &str) -> Result<&'static Section, Refusal> {
    section(id).ok_or_else(|| {
        Refusal::new(
            "usage",
            format!("there is nothing about {id:?} in this version"),
            "`understudy explain` alone lists every id",
        )
    })
}

fn one(section: &Section, output: OutputFormat) -> anyhow::Result<()> {
    match output {
        OutputFormat::Json => {
            let mut told = described(section);
            told["text"] = json!(section.text);
            print_json(&told)?;
        }
        OutputFormat::Text => print(&section.plain()),
    }
    Ok(())
}

fn all(output: OutputFormat) -> anyhow::Result<()> {
    match output {
        OutputFormat::Json => print_json(&sections().map(described).collect::<Vec<_>>())?,
        OutputFormat::Text => print(&listed()),
    }
    Ok(())
}

fn described(section: &Section) -> Value {
    json!({ "id": section.id, "title": section.title() })
}

fn listed() -> String {
    let width = sections().map(|section| section.id.len()).max();
    let width = width.unwrap_or_default();
    let lines = sections().map(|section| format!("{:<width$}  {}", section.id, section.title()));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::{described, found, listed};
    use crate::exit::Exit;

    #[test]
    fn refusal_names_the_command_that_explains_it() {
        let refusal = crate::refusal::Refusal::new("E201", "a fact", "a way out");
        let more = refusal.more().expect("it has a section");
        assert_eq!(more, "understudy explain E201");
        assert!(found("E201").is_ok());
    }

    #[test]
    fn unknown_id_is_wrong_usage_and_says_how_to_list_all() {
        let refusal = found("E999").expect_err("there is none");
        assert_eq!(refusal.exit(), Exit::Usage);
        assert!(refusal.way_out.contains("understudy explain"));
        assert_eq!(refusal.more(), None);
    }

    #[test]
    fn list_has_a_line_for_every_id() {
        let list = listed();
        for line in ["E101", "P20", "UnderstudyNoPrimary"] {
            assert!(list.lines().any(|found| found.starts_with(line)), "{list}");
        }
    }

    #[test]
    fn id_and_title_are_given_as_json() {
        let section = found("p04").expect("there is one");
        assert_eq!(described(section)["id"], "P04");
        assert_eq!(described(section)["title"], "the distance, or the loss");
    }
}
