//! Arguments about what is shown, and how.

use clap::{Args, ValueEnum};
use millstream_dataflow::option::parse_duration;
use millstream_dataflow::temporal;
use millstream_server::Bounds;
use std::net::SocketAddr;
use std::num::{IntErrorKind, ParseIntError};
use std::str::FromStr;
use std::time::Duration;

/// How results, and all else, are shown; what is not given comes from the configuration.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Display {
    /// How rows are printed; a table on a terminal, JSON lines otherwise
    #[arg(short = 'o', long, visible_alias = "output", value_enum)]
    pub(crate) format: Option<Format>,
    /// Whether to use colours; by itself on a terminal, if neither NO_COLOR nor TERM=dumb is set
    #[arg(long, value_enum, value_name = "WHEN")]
    pub(crate) color: Option<Color>,
    /// Serve Prometheus metrics at http://ADDRESS/metrics, and /healthz and /readyz
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub(crate) metrics: Option<SocketAddr>,
    /// How lines on standard error look: log, progress and errors; text if not given
    #[arg(long, value_enum, value_name = "FORM")]
    pub(crate) log_format: Option<LogFormat>,
}

/// The forms of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Columns with a frame
    Table,
    /// A line per column
    Vertical,
    /// A table of a Markdown document
    Markdown,
    /// One array of objects
    Json,
    /// An object per line
    Jsonl,
    /// With a head; NULL is nothing, an empty text is ""
    Csv,
    /// With a head; NULL is \N
    Tsv,
    /// A stream of Arrow IPC
    Arrow,
    /// A Parquet file
    Parquet,
    /// {"columns":[…]} with the types, then {"kind":"+I","row":[…]} per row
    Changelog,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// What ends a query before its input does.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Until {
    /// End each query after so many rows
    #[arg(long, value_name = "N", value_parser = rows, allow_negative_numbers = true)]
    pub(crate) limit: Option<u64>,
    /// End each query after a time: 30s, 5 min; `run` stops its job then, too, after a final checkpoint
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    pub(crate) time: Option<Duration>,
    /// End each query once its watermark is there: '2026-01-31 12:00:00' (UTC), or epoch milliseconds
    #[arg(long, value_name = "TIME", value_parser = event_time, allow_negative_numbers = true)]
    pub(crate) until_watermark: Option<i64>,
}

impl Until {
    pub(crate) fn bounds(&self) -> Bounds {
        Bounds {
            limit: self.limit,
            time: self.time,
            watermark: self.until_watermark,
        }
    }
}

/// A whole number of at least 1, of rows.
fn rows(text: &str) -> Result<u64, String> {
    number(text, 1, u64::MAX, "100")
}

/// A whole number within bounds.
///
/// - `example`: one that could be meant
pub(crate) fn number<T>(text: &str, least: T, most: T, example: &str) -> Result<T, String>
where
    T: FromStr<Err = ParseIntError> + PartialOrd + std::fmt::Display,
{
    let expected = || format!("expected a whole number from {least} on, such as {example}");
    match text.parse::<T>() {
        Ok(n) if n > most => Err(format!("it can be {most} at most")),
        Ok(n) if n >= least => Ok(n),
        Err(e) if *e.kind() == IntErrorKind::PosOverflow => Err(format!("it can be {most} at most")),
        Ok(_) | Err(_) => Err(expected()),
    }
}

/// Where metrics are served.
pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "expected an IP address and a port, such as 127.0.0.1:9187 or 0.0.0.0:9187".to_string())
}

pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    // A number alone is no time to people, though settings take it as milliseconds.
    let is_bare = text.trim().bytes().all(|b| b.is_ascii_digit());
    parse_duration(text)
        .filter(|_| !is_bare)
        .ok_or_else(|| "expected a number and a unit, such as 30s or 5 min".to_string())
}

/// Epoch milliseconds of a date, a timestamp, or of themselves.
fn event_time(text: &str) -> Result<i64, String> {
    let wrong = || "expected a timestamp such as '2026-01-31 12:00:00', or epoch milliseconds".to_string();
    if let Ok(ms) = text.parse() {
        return Ok(ms);
    }
    let bytes = text.strip_suffix('Z').unwrap_or(text).as_bytes();
    let parsed = [b' ', b'T'].into_iter().find_map(|between| temporal::parse_timestamp(bytes, between));
    let ((days, nanos), rest) = match (parsed, temporal::parse_date(bytes)) {
        (Some(whole), _) => whole,
        (None, Some((days, rest))) => ((days, 0), rest),
        (None, None) => return Err(wrong()),
    };
    let ms = days.checked_mul(86_400_000).and_then(|ms| ms.checked_add(nanos / 1_000_000));
    ms.filter(|_| rest.is_empty()).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::{address, duration, event_time, number};
    use std::time::Duration;

    #[test]
    fn what_is_expected_is_told_with_an_example() {
        let few = |text: &str| number(text, 1u32, 9, "4");
        assert_eq!(few("9"), Ok(9));
        for wrong in ["", "x", "0", "-1", "1.5"] {
            assert_eq!(few(wrong), Err("expected a whole number from 1 on, such as 4".to_string()), "{wrong}");
        }
        for large in ["10", "99999999999999999999"] {
            assert_eq!(few(large), Err("it can be 9 at most".to_string()));
        }
        assert_eq!(duration("5 s"), Ok(Duration::from_secs(5)));
        for wrong in ["5", "", "s", "5 parsecs"] {
            assert!(duration(wrong).is_err_and(|e| e.contains("such as 30s")), "{wrong}");
        }
        assert!(address("127.0.0.1:80").is_ok());
        assert!(address("localhost:80").is_err_and(|e| e.contains("127.0.0.1:9187")));
    }

    #[test]
    fn event_times_are_dates_timestamps_or_numbers() {
        assert_eq!(event_time("1970-01-01 00:02:00"), Ok(120_000));
        assert_eq!(event_time("1970-01-01T00:02:00.500Z"), Ok(120_500));
        assert_eq!(event_time("1970-01-02"), Ok(86_400_000));
        assert_eq!(event_time("-5"), Ok(-5));
        for wrong in ["", "soon", "1970-01-01 00", "1970-01-01 00:02:00 CET", "1970-13-01"] {
            assert!(event_time(wrong).is_err(), "{wrong}");
        }
    }
}
