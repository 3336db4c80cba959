//! Writes what came into a test file, in the place of what was expected.

use super::finding::Finding;
use super::row::Row;
use millstream_dataflow::Location;

/// Rows as VALUES takes them.
pub(super) fn written(rows: &[Row], kinds: bool) -> String {
    if rows.is_empty() {
        return NONE.to_string();
    }
    let row = |row: &Row| {
        let kind = kinds.then(|| format!("'{}'", row.kind.short()));
        let cells = row.cells.iter().map(|c| c.literal.clone());
        format!("({})", kind.into_iter().chain(cells).collect::<Vec<_>>().join(", "))
    };
    rows.iter().map(row).collect::<Vec<_>>().join(",\n  ")
}

/// In the place of VALUES and what follows it.
const NONE: &str = "ROWS 0";

/// The text with what came in the first cell of each expectation that does not hold; all else stays as it is.
pub fn updated<'a>(text: &str, findings: impl Iterator<Item = &'a Finding>) -> Option<String> {
    let mut edits: Vec<(usize, usize, String)> = Vec::new();
    for (span, to) in findings.filter_map(|f| f.update.as_ref()) {
        let (start, end) = (offset(text, span.start), offset(text, span.end));
        let start = match to.as_str() {
            // The word before the rows goes, too.
            NONE if text[start..].starts_with('(') => text[..start]
                .to_uppercase()
                .rfind("VALUES")
                .filter(|at| text.is_char_boundary(*at))
                .unwrap_or(start),
            _ => start,
        };
        // Of several cells the first counts.
        if !edits.iter().any(|(s, ..)| *s == start) {
            edits.push((start, end, to.clone()));
        }
    }
    if edits.is_empty() {
        return None;
    }
    edits.sort();
    let mut out = text.to_string();
    for (start, end, to) in edits.into_iter().rev() {
        out.replace_range(start..end, &to);
    }
    Some(out)
}

/// Where a place is in a text, in bytes.
fn offset(text: &str, at: Location) -> usize {
    let lines = text.split_inclusive('\n');
    let before: usize = lines.clone().take(at.line.saturating_sub(1) as usize).map(str::len).sum();
    let line = lines.clone().nth(at.line.saturating_sub(1) as usize).unwrap_or_default();
    let within = line.char_indices().nth(at.column.saturating_sub(1) as usize).map_or(line.len(), |(i, _)| i);
    before + within
}

#[cfg(test)]
mod tests {
    use super::*;
    use millstream_dataflow::Span;

    #[test]
    fn only_rows_that_were_wrong_are_written_anew() {
        let text = "-- ünser Test\nEXPECT t VALUES (1),\n  (2);  -- why\nEXPECT t  values  (3) ORDERED;\nEXPECT t ROWS 4;\n";
        let finding = |start, end, to: &str| Finding {
            update: Some((Span::new(start, end), to.to_string())),
            ..Finding::new("")
        };
        let findings = [
            finding((2, 17), (3, 6), "('a'),\n  ('b')"),
            finding((2, 17), (3, 6), "('other cell')"),
            finding((4, 19), (4, 22), "ROWS 0"),
            finding((5, 10), (5, 16), "ROWS 5"),
        ];
        assert_eq!(
            updated(text, findings.iter()).unwrap(),
            "-- ünser Test\nEXPECT t VALUES ('a'),\n  ('b');  -- why\nEXPECT t  ROWS 0 ORDERED;\nEXPECT t ROWS 5;\n"
        );
        assert_eq!(updated(text, [Finding::new("")].iter()), None);
    }
}
