//! How numbers are shown to people.

use clap::ValueEnum;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    #[default]
    Text,
    Json,
}

/// `18 204 511`
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

/// `0.21 s`, `12 s`, `4 m 12 s`, `3 h 05 m`, `6 d 03 h`
pub(crate) fn span(seconds: f64) -> String {
    let whole = seconds as u64;
    match whole {
        _ if seconds < 0.01 => format!("{:.1} ms", seconds.max(0.0) * 1000.0),
        0..10 => format!("{seconds:.2} s"),
        10..60 => format!("{whole} s"),
        60..3600 => format!("{} m {:02} s", whole / 60, whole % 60),
        3600..86_400 => format!("{} h {:02} m", whole / 3600, whole % 3600 / 60),
        _ => format!("{} d {:02} h", whole / 86_400, whole % 86_400 / 3600),
    }
}

/// Prints to standard output; a reader that has gone away is no error.
pub(crate) fn print(text: &str) {
    if text.is_empty() {
        return;
    }
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{}", text.trim_end());
    let _ = out.flush();
}

/// Whether this process has printed its document.
static HAS_ANSWERED: AtomicBool = AtomicBool::new(false);

pub(crate) fn print_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    print(&serde_json::to_string_pretty(value)?);
    HAS_ANSWERED.store(true, Ordering::Relaxed);
    Ok(())
}

/// The document of a command that gives none, because it was refused or
/// failed.
pub(crate) fn print_json_instead(value: &serde_json::Value) {
    if !HAS_ANSWERED.load(Ordering::Relaxed) {
        print(&format!("{value:#}"));
    }
}

#[cfg(test)]
mod tests {
    use super::{grouped, span};

    #[test]
    fn numbers_are_grouped_by_three() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(18_204_511), "18 204 511");
    }

    #[test]
    fn spans_have_two_units_at_most() {
        assert_eq!(span(0.0004), "0.4 ms");
        assert_eq!(span(0.21), "0.21 s");
        assert_eq!(span(59.9), "59 s");
        assert_eq!(span(252.4), "4 m 12 s");
        assert_eq!(span(11_100.0), "3 h 05 m");
        assert_eq!(span(529_200.0), "6 d 03 h");
    }
}
