//! What must be committed in the end, judged row at a time from the records of the log: no batches, no columns, no state but sets.

use super::job::{Event, Expected};
use std::collections::{BTreeMap, BTreeSet};

/// Rows as text, each with how often it is there.
pub type Rows = BTreeMap<String, usize>;

/// How far the watermark is behind the newest event time of its partition, ms.
pub(super) const DELAY_MS: i64 = 2_000;

struct Group {
    count: i64,
    sum: Option<i64>,
    lowest: u64,
    highest: u64,
    values: BTreeSet<i64>,
}

/// - `partitions`: the events in the order of their partitions
pub fn expected(what: Expected, partitions: &[&[Event]]) -> Rows {
    let mut rows = Rows::new();
    let mut add = |row: String| *rows.entry(row).or_insert(0) += 1;
    match what {
        Expected::Query(query) => return query.expected(partitions),
        // Nothing is known of it but its equal.
        Expected::SameAs(_) => {}
        Expected::Events => {
            for e in partitions.iter().copied().flatten() {
                if let Some(v) = e.v.filter(|v| *v >= 0) {
                    add(format!("id={} k={} v={v}", e.id, e.k));
                }
            }
        }
        Expected::Marked => {
            for e in partitions.iter().copied().flatten() {
                if let Some(v) = e.v.filter(|v| *v >= 0) {
                    let minute: String = time(e.ts).chars().filter(char::is_ascii_digit).take(12).collect();
                    add(format!("id={} k={} m={minute} v={v}", e.id, e.k));
                }
            }
        }
        Expected::Counted => {
            for e in partitions.iter().copied().flatten() {
                add(format!("id={} n=1", e.id));
            }
        }
        Expected::Rejected => {
            for events in partitions {
                let mut watermark = None;
                for (offset, e) in events.iter().enumerate() {
                    match e.v {
                        Some(_) => watermark = watermark.max(Some(e.ts - DELAY_MS)),
                        None => add(format!("offset={offset} watermark={}", watermark.map_or("null".to_string(), time))),
                    }
                }
            }
        }
        Expected::Late { size_ms } => {
            for events in partitions {
                let mut watermark = i64::MIN;
                for (offset, e) in events.iter().enumerate() {
                    if e.ts - e.ts.rem_euclid(size_ms) + size_ms - 1 <= watermark {
                        add(format!("event_time={} offset={offset} watermark={}", time(e.ts), time(watermark)));
                    }
                    watermark = watermark.max(e.ts - DELAY_MS);
                }
            }
        }
        Expected::Windows { slide_ms, size_ms } => {
            let mut groups: BTreeMap<(i64, &str), Group> = BTreeMap::new();
            for events in partitions {
                let mut watermark = i64::MIN;
                for e in *events {
                    let last_start = e.ts - e.ts.rem_euclid(slide_ms);
                    for start in (0..size_ms / slide_ms).map(|i| last_start - i * slide_ms) {
                        let end = start + size_ms;
                        // Late for a window whose last millisecond the partition's watermark had reached before the row.
                        if end - 1 <= watermark {
                            continue;
                        }
                        let group = groups.entry((end, e.k.as_str())).or_insert(Group {
                            count: 0,
                            sum: None,
                            lowest: e.id,
                            highest: e.id,
                            values: BTreeSet::new(),
                        });
                        group.count += 1;
                        group.lowest = group.lowest.min(e.id);
                        group.highest = group.highest.max(e.id);
                        if let Some(v) = e.v {
                            group.sum = Some(group.sum.unwrap_or(0) + v);
                            group.values.insert(v);
                        }
                    }
                    watermark = watermark.max(e.ts - DELAY_MS);
                }
            }
            for ((end, k), g) in groups {
                let sum = g.sum.map_or("null".to_string(), |s| s.to_string());
                add(format!(
                    "d={} hi={} k={k} lo={} n={} s={sum} window_end={}",
                    g.values.len(),
                    g.highest,
                    g.lowest,
                    g.count,
                    time(end)
                ));
            }
        }
    }
    rows
}

/// As the json format writes a TIMESTAMP(3).
pub(super) fn time(ms: i64) -> String {
    let mut text = String::new();
    let (days, nanos) = millstream_dataflow::temporal::split(ms, 1000);
    millstream_dataflow::temporal::write_date(days, &mut text);
    text.push(' ');
    millstream_dataflow::temporal::write_time(nanos, 3, &mut text);
    let text = text.trim_end_matches('0').trim_end_matches('.').to_string();
    if text.ends_with(':') { format!("{text}00") } else { text }
}

/// The rows of JSON lines, with their partition columns.
pub fn rows(content: &str, partition: &[(String, String)], rows: &mut Rows) -> anyhow::Result<()> {
    for line in content.lines() {
        let object: BTreeMap<String, serde_json::Value> = serde_json::from_str(line)?;
        let mut fields: Vec<String> = object
            .into_iter()
            .map(|(name, value)| match value {
                serde_json::Value::String(s) => format!("{name}={s}"),
                other => format!("{name}={other}"),
            })
            .chain(partition.iter().map(|(name, value)| format!("{name}={value}")))
            .collect();
        fields.sort();
        *rows.entry(fields.join(" ")).or_insert(0) += 1;
    }
    Ok(())
}

/// What differs, a few rows of it; `None` if nothing does.
///
/// - `partly`: rows may be missing yet
pub fn difference(found: &Rows, expected: &Rows, partly: bool) -> Option<String> {
    let mut told = Vec::new();
    for row in found.keys().chain(expected.keys()).collect::<BTreeSet<_>>() {
        let (f, e) = (found.get(row).copied().unwrap_or(0), expected.get(row).copied().unwrap_or(0));
        if f > e || (f < e && !partly) {
            told.push(format!("{row}: {f} times instead of {e}"));
        }
    }
    let more = told.len().saturating_sub(5);
    told.truncate(5);
    (!told.is_empty()).then(|| format!("{}{}", told.join("\n"), if more > 0 { format!("\nand {more} more") } else { String::new() }))
}
