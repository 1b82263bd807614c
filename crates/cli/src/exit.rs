use std::process::ExitCode;

/// What the process says with its end; docs/cli.md and `--help` list them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Done,
    Failed,
    Usage,
    /// The request is written, but its end was not seen.
    EndNotSeen,
    Warnings,
    Refused,
    /// `log verify` found damage, or `diff` keys that differ.
    Damaged,
}

pub(crate) const HELP: &str = "\
Exit codes:
   0  done, or ready
   1  error
   2  wrong usage
   4  the request is written, but its end was not seen
  10  ready with warnings
  20  refused: nothing was changed; the message has an id and a way out
  30  damage found, or keys that differ";

impl Exit {
    pub(crate) fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::EndNotSeen => 4,
            Exit::Warnings => 10,
            Exit::Refused => 20,
            Exit::Damaged => 30,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}
