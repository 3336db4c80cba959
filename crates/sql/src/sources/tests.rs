use super::Sources;
use crate::diagnostic::{Diagnostic, Palette};
use millstream_dataflow::{Error, Span};

fn sources(shared: &[&str], own: &str) -> Sources {
    let named = |(i, text): (usize, &&str)| (format!("tables/{i}.sql"), text.to_string());
    let shared: Vec<(String, String)> = shared.iter().enumerate().map(named).collect();
    Sources::new(&shared, Some(("jobs/j.sql".to_string(), own.to_string())))
}

#[test]
fn places_lead_back_to_their_files() {
    let all = sources(&["a\nb", "c\n"], "d\ne\n");
    let lines: Vec<&str> = all.text().lines().collect();
    for (at, line) in lines.iter().enumerate().filter(|(_, l)| l.len() == 1 && *l != &";") {
        let line_number = at as u64 + 1;
        let error = Error::sql("wrong").span(Span::new((line_number, 1), (line_number, 2)));
        let (finding, file) = all.placed(Diagnostic::from(&error));
        let place = finding.primary.unwrap().start;
        assert_eq!(file.text.lines().nth(place.line as usize - 1), Some(*line), "{line_number}: {file:?}");
    }
    let nowhere = Error::sql("wrong");
    assert_eq!(all.placed(Diagnostic::from(&nowhere)).1.name, "jobs/j.sql");
    assert_eq!(sources(&[], "d").text(), "d");
}

#[test]
fn a_place_in_another_file_is_a_note() {
    let all = sources(&["a\nb"], "c");
    let error = Error::sql("again")
        .span(Span::new((4, 1), (4, 2)))
        .label(Span::new((2, 1), (2, 2)), "first here");
    let shown = all.render(&error, &Palette::PLAIN);
    assert!(shown.contains("--> jobs/j.sql:1:1"), "{shown}");
    assert!(shown.contains("note: tables/0.sql:2:1: first here"), "{shown}");
}

#[test]
fn shared_files_run_nothing() {
    let running = [
        "INSERT INTO t SELECT 1",
        "SELECT 1",
        "EXPLAIN SELECT 1",
        "SHOW TABLES",
        "CREATE TABLE t WITH ('connector' = 'print') AS SELECT 1",
        "SET",
    ];
    for text in running {
        let wrong = sources(&["SET 'a' = 'b'; -- '", text], "SELECT 1").misplaced();
        let places: Vec<_> = wrong.iter().map(|e| (e.code, e.span.map(|s| s.start.line))).collect();
        assert_eq!(places, [(Some("E0545"), Some(3))], "{text}");
    }
    let fine = "CREATE TABLE t (a INT) WITH ('connector' = '${C}'); CREATE VIEW v AS SELECT 1; USE d; SET 'a' = 'b'";
    assert_eq!(
        sources(&[fine, "ALTER TABLE t ADD b INT"], "SELECT 1; INSERT INTO t SELECT 1")
            .misplaced()
            .len(),
        0
    );
    assert_eq!(sources(&[], "SELECT 1").misplaced().len(), 0);
}
