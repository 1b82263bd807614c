use super::model::TwoKeys;
use super::{revisions, watches};
use std::fmt;
use std::time::Duration;
use todc_utils::linearizability::WGLChecker;
use todc_utils::linearizability::history::{Action, History as Actions};
use understudy_loadgen::{History, Operation, Outcome};

/// How many operations before the one that cannot be explained are shown.
const SHOWN: usize = 12;

/// One promise that was broken, with what shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// No order of the group's operations explains all answers; the last of
    /// these is the first one without which there is one.
    NotLinearizable {
        group: usize,
        operations: Vec<Operation>,
    },
    /// An answer's revision is lower than one that was known before the call.
    RevisionWentBack { revision: i64, before: i64 },
    /// Two changes with one revision.
    RevisionTwice { revision: i64 },
    /// A watcher saw another sequence of changes than the log of events has.
    Watch { watcher: usize, what: String },
    /// An acknowledged change is not in the log of events.
    NotInTheLog { revision: i64 },
}

/// All that is wrong with a history; nothing when all of it can be explained.
pub fn violations(history: &History) -> Vec<Violation> {
    let mut violations: Vec<_> = (0..history.groups)
        .filter_map(|group| not_linearizable(history, group))
        .collect();
    violations.extend(revisions::violations(&history.operations));
    violations.extend(watches::violations(history));
    violations
}

fn not_linearizable(history: &History, group: usize) -> Option<Violation> {
    let is_of_group = |operation: &&Operation| operation.group == group;
    let operations = history.operations.iter().filter(is_of_group);
    let operations: Vec<Operation> = operations.copied().collect();
    (!is_linearizable(&operations)).then(|| Violation::NotLinearizable {
        group,
        operations: shortest(history, group),
    })
}

/// The end of the shortest beginning that cannot be explained.
fn shortest(history: &History, group: usize) -> Vec<Operation> {
    let beginning = |moment: Duration| {
        let mut cut = history.until(moment).operations;
        cut.retain(|operation| operation.group == group);
        cut
    };
    let mut moments: Vec<Duration> = beginning(Duration::MAX)
        .iter()
        .filter_map(|operation| Some(operation.answer()?.0))
        .collect();
    moments.sort();
    // What cannot be explained cannot be with more operations either.
    let explained = moments.partition_point(|moment| is_linearizable(&beginning(*moment)));
    let mut operations = beginning(moments.get(explained).copied().unwrap_or(Duration::MAX));
    operations.sort_by_key(|operation| operation.answer().map_or(operation.called, |(at, _)| at));
    operations.split_off(operations.len().saturating_sub(SHOWN))
}

fn is_linearizable(operations: &[Operation]) -> bool {
    let actions = actions(operations);
    actions.is_empty() || WGLChecker::<TwoKeys<'_>>::is_linearizable(Actions::from_actions(actions))
}

/// Calls and answers in the order of time, each operation as a process of its
/// own. What has no answer is open to the end: it may have happened at any
/// time after its call, or, as the last of all, never.
fn actions(operations: &[Operation]) -> Vec<(usize, Action<&Operation>)> {
    let mut moments = Vec::with_capacity(operations.len() * 2);
    for (process, operation) in operations.iter().enumerate() {
        if matches!(operation.act, understudy_loadgen::Act::Read)
            && operation.outcome == Outcome::Unknown
        {
            continue;
        }
        let end = operation.answer().map(|(at, _)| at);
        // Of one moment, calls come first: then they overlap.
        moments.push((operation.called, 0, process, Action::Call(operation)));
        let answered = end.unwrap_or(Duration::MAX);
        moments.push((answered, 1, process, Action::Response(operation)));
    }
    moments.sort_by_key(|(moment, order, process, _)| (*moment, *order, *process));
    let actions = moments.into_iter();
    actions
        .map(|(_, _, process, action)| (process, action))
        .collect()
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Violation::NotLinearizable { group, operations } => {
                writeln!(f, "group {group} is not linearizable; its last operations:")?;
                for operation in operations {
                    writeln!(f, "  {operation:?}")?;
                }
                Ok(())
            }
            Violation::RevisionWentBack { revision, before } => write!(
                f,
                "an answer has revision {revision}, and {before} was known before the call"
            ),
            Violation::RevisionTwice { revision } => {
                write!(f, "two changes have revision {revision}")
            }
            Violation::Watch { watcher, what } => write!(f, "watcher {watcher}: {what}"),
            Violation::NotInTheLog { revision } => write!(
                f,
                "the change acknowledged at revision {revision} is not among the events"
            ),
        }
    }
}
