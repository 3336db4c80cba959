//! `scan.watermark.alignment.*`: tables that wait for each other.

use crate::parse::CreateTable;
use millstream_dataflow::option::parse_duration;
use millstream_dataflow::{Error, Span};
use millstream_plan::Alignment;

const GROUP: &str = "scan.watermark.alignment.group";
const MAX_DRIFT: &str = "scan.watermark.alignment.max-drift";
const UPDATE_INTERVAL: &str = "scan.watermark.alignment.update-interval";
const UPDATE_INTERVAL_MS: u64 = 1_000;

/// What a table's options say.
pub(crate) fn alignment(create: &CreateTable, errors: &mut Vec<Error>) -> Option<Alignment> {
    let option = |key: &str| create.options.iter().find(|o| o.key == key);
    let duration = |key: &str| option(key).and_then(|o| parse_duration(&o.value)).map(|d| d.as_millis() as u64);
    let mut wrong = |e: Error, span: Span| errors.push(e.span(span));
    let Some(group) = option(GROUP) else {
        for without in [MAX_DRIFT, UPDATE_INTERVAL].into_iter().filter_map(option) {
            let e = Error::config(format!("'{}' has no effect without '{GROUP}'", without.key)).code("E0502");
            wrong(
                e.hint(format!("add '{GROUP}' = 'a-name' to all tables that are to wait for each other")),
                without.span,
            );
        }
        return None;
    };
    if group.value.trim().is_empty() {
        wrong(Error::config(format!("option '{GROUP}' is empty")).code("E0502"), group.span);
    }
    if create.watermark.is_none() {
        let e = Error::config(format!("'{GROUP}' has no effect on a table without WATERMARK: nothing tells how far it is")).code("E0502");
        wrong(e.hint("declare one, as in WATERMARK FOR ts AS ts - INTERVAL '5' SECOND"), group.span);
    }
    if option(MAX_DRIFT).is_none() {
        let e = Error::config(format!("'{GROUP}' needs the option '{MAX_DRIFT}'")).code("E0503");
        wrong(e.hint(format!("add '{MAX_DRIFT}' = '1 min'")), group.span);
    }
    Some(Alignment {
        group: group.value.clone(),
        max_drift_ms: duration(MAX_DRIFT)?,
        update_interval_ms: duration(UPDATE_INTERVAL).unwrap_or(UPDATE_INTERVAL_MS),
    })
}
