//! How durations and sizes are spelled: `10s`, `1m30s`, `64MiB`.

use serde::{Deserialize, Serialize};
use std::time::Duration;
use understudy_types::ByteCount;

/// A duration as written in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct Span(pub(super) Duration);

/// A number of bytes as written in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct Size(pub(super) ByteCount);

/// Reads `500ms`, `10s`, `2m`, `1h` and sums such as `1m30s`.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a duration: write for example \"10s\" or \"500ms\"");
    let mut rest = text.trim();
    let mut total = Duration::ZERO;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let (number, after) = split(rest, |c| c.is_ascii_digit());
        let (unit, after) = split(after, |c| c.is_ascii_alphabetic());
        let count: u64 = number.parse().map_err(|_| wrong())?;
        let nanos_per_unit: u64 = match unit {
            "us" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return Err(wrong()),
        };
        let nanos = count.checked_mul(nanos_per_unit).ok_or_else(wrong)?;
        total = total
            .checked_add(Duration::from_nanos(nanos))
            .ok_or_else(wrong)?;
        rest = after.trim_start();
    }
    Ok(total)
}

/// Reads `512KiB`, `64MiB`, `2GiB` and plain `4096B`.
pub fn parse_byte_count(text: &str) -> Result<ByteCount, String> {
    let wrong = || format!("{text:?} is not a size: write for example \"64MiB\" or \"512KiB\"");
    let (number, unit) = split(text.trim(), |c| c.is_ascii_digit());
    let count: u64 = number.parse().map_err(|_| wrong())?;
    let bytes_per_unit: u64 = match unit.trim_start() {
        "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(wrong()),
    };
    let bytes = count.checked_mul(bytes_per_unit).ok_or_else(wrong)?;
    Ok(ByteCount(bytes))
}

fn split(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|c| !belongs(c)).unwrap_or(text.len());
    text.split_at(end)
}

impl TryFrom<String> for Span {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        parse_duration(&text).map(Span)
    }
}

impl From<Span> for String {
    fn from(span: Span) -> String {
        format!("{}us", span.0.as_micros())
    }
}

impl TryFrom<String> for Size {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        parse_byte_count(&text).map(Size)
    }
}

impl From<Size> for String {
    fn from(size: Size) -> String {
        format!("{}B", size.0.get())
    }
}
