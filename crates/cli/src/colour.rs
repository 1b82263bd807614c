//! Colours, on a terminal only, and never against `NO_COLOR`. They repeat
//! what the words say.

use std::io::IsTerminal;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Head,
    Soft,
    Good,
    Warn,
    Bad,
}

impl Tone {
    /// Of a line of `understudy status`, by its words.
    pub(crate) fn of(line: &str) -> Tone {
        const BAD: [&str; 8] = [
            "NOT REACHABLE",
            "NOT STREAMING",
            "UNKNOWN",
            "DIVERGED",
            "DAMAGED",
            "LAPSED",
            "NOBODY IN SYNC",
            "no node answers",
        ];
        if BAD.iter().any(|word| line.contains(word)) {
            return Tone::Bad;
        }
        match line.split_whitespace().next() {
            Some("WARNING" | "FAILSAFE:") => Tone::Warn,
            Some("CLUSTER") => Tone::Head,
            Some("PRIMARY") => Tone::Good,
            Some("STANDBY") if line.contains("STREAMING") => Tone::Good,
            _ => Tone::Plain,
        }
    }
}

/// Whether standard output may have colours.
pub(crate) fn is_on() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !refused && std::io::stdout().is_terminal()
}

/// With colours where they are on.
pub(crate) fn paint(tone: Tone, text: &str) -> String {
    let code = match tone {
        Tone::Plain => return text.to_owned(),
        Tone::Head => "1",
        Tone::Soft => "2",
        Tone::Good => "32",
        Tone::Warn => "33",
        Tone::Bad => "1;31",
    };
    match is_on() {
        true => format!("\x1b[{code}m{text}\x1b[0m"),
        false => text.to_owned(),
    }
}

/// A screen of `understudy status`, line by line.
pub(crate) fn paint_status(text: &str) -> String {
    let lines = text.lines().map(|line| paint(Tone::of(line), line));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::{Tone, paint};

    #[test]
    fn tone_follows_the_words() {
        for (line, tone) in [
            (
                "CLUSTER prod   epoch 3   primary alpha   lease held",
                Tone::Head,
            ),
            (
                "CLUSTER prod   lease UNKNOWN: bravo has not read it yet",
                Tone::Bad,
            ),
            ("STANDBY bravo   STREAMING from alpha", Tone::Good),
            (
                "STANDBY bravo   NOT STREAMING (silent) from alpha",
                Tone::Bad,
            ),
            (
                "WARNING  epoch 3 was taken by an automatic failover",
                Tone::Warn,
            ),
            ("  main   98   98", Tone::Plain),
        ] {
            assert_eq!(Tone::of(line), tone, "{line}");
        }
    }

    #[test]
    fn without_a_terminal_there_are_no_colours() {
        // Tests have none.
        assert_eq!(paint(Tone::Bad, "NO"), "NO");
    }
}
