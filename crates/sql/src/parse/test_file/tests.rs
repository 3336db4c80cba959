use super::*;

fn file(text: &str) -> TestFile {
    parse_tests(text).unwrap_or_else(|e| panic!("{text}: {e:?}"))
}

fn errors(text: &str) -> Vec<String> {
    let e = parse_tests(text).err().unwrap_or_else(|| panic!("{text} parses"));
    let shown = |e: &Error| format!("{} {}: {}", e.code.unwrap_or("-"), e.span.map_or("-".to_string(), |s| s.to_string()), e.message);
    e.iter().map(shown).collect()
}

#[test]
fn every_step_parses() {
    let file = file(
        "CREATE TABLE shared (a INT) WITH ('connector' = 'print');
TEST 'a' FOR 'jobs/a.sql' WITH ('TOPIC' = 'x');
SET now = '2026-01-01 00:00:00'; SET 'parallelism.default' = '2';
GIVEN orders PARTITION 2 (id, amount) VALUES (1, 10.0), (2, -20.0);
GIVEN CHANGES db.orders VALUES ('+I', ROW(1, 'a'), ARRAY[1, 2]);
GIVEN changes VALUES (NULL);
GIVEN orders FROM 'a.jsonl'; GIVEN orders RAW '{bad json', 'it''s';
ADVANCE WATERMARK orders TO '2026-01-01 00:01:00'; ADVANCE WATERMARK orders PARTITION 1 TO TIMESTAMP '2026-01-01 00:01:00';
ADVANCE PROCESSING TIME BY INTERVAL '5' SECOND; ADVANCE PROCESSING TIME TO '2026-01-01 00:01:00';
IDLE PARTITION 1; IDLE orders PARTITION 1; CHECKPOINT; RESTART FROM CHECKPOINT; CRASH;
EXPECT revenue (window_start, total) VALUES ('2026-01-01 00:00:00', 30.0) ORDERED TOLERANCE 1e-9;
EXPECT CHANGES revenue VALUES ('-U', 1), ('+U', 2); EXPECT LATE orders ROWS 0; EXPECT late VALUES (1) WITHIN 2 PERCENT;
EXPECT TABLE revenue ROWS 3; EXPECT REJECTED orders (reason) VALUES ('malformed'); EXPECT STATE <= 4096 BYTES; EXPECT FAILURE; EXPECT FAILURE 'E0700';
FINISH; EXPECT NO MORE ROWS IN revenue; EXPECT NO MORE ROWS;
TEST 'b' EXPECT ERROR 'E0201' AT 1:8 IN (SELECT (amout) FROM orders);",
    );
    assert_eq!((file.shared.len(), file.tests.len()), (1, 2));
    let (a, b) = (&file.tests[0], &file.tests[1]);
    assert_eq!((a.steps.len(), a.settings.len(), a.now.is_some()), (26, 1, true));
    assert_eq!(a.job.as_ref().map(|j| j.0.as_str()), Some("jobs/a.sql"));
    let TestStepKind::Given(given) = &a.steps[0].kind else { panic!() };
    let GivenRows::Values(rows) = &given.rows else { panic!() };
    assert_eq!((given.partition, rows.rows.len(), rows.rows[1][1].span), (2, 2, Span::new((4, 61), (4, 66))));
    let lookeds: Vec<Looked> = a
        .steps
        .iter()
        .filter_map(|s| if let TestStepKind::Expect(e) = &s.kind { Some(e.looked) } else { None })
        .collect();
    use Looked as L;
    assert_eq!(lookeds, [L::Rows, L::Changes, L::Late, L::Rows, L::Table, L::Rejected]);
    let TestStepKind::ExpectError(error) = &b.steps[0].kind else { panic!() };
    assert_eq!((error.at, error.statement), (Some((1, 8)), Span::new((15, 42), (15, 68))));
    let of = |path: &ObjectPath| path.parts == ["orders"];
    assert_eq!((a.partitions(of), b.partitions(of)), (3, 1));
}

#[test]
fn errors_come_all_at_once_with_their_places() {
    let text = "GIVEN t VALUES (1);\nTEST name;\nTEST 'a';\nGIVEN t VALUE (1);\nEXPECT t (a, a) ROWS 1;\nADVANCE t TO 1;\nEXPECT t VALUES (1) TOLERANCE x;\nGIVEN t PARTITION 9999 VALUES (1);\nFINISH; GIVEN t VALUES (1);\nSET 'a' = 'b';\nEXPECT ERROR 'E0201' IN (SELECT 1;";
    assert_eq!(
        errors(text),
        [
            "E0801 1:1: a step stands in a test",
            "E0102 2:6: expected the test's name in quotes, found \"name\"",
            "E0102 4:9: expected VALUES, FROM or RAW, found \"VALUE\"",
            "E0209 5:14: column \"a\" is listed twice",
            "E0102 6:9: expected WATERMARK or PROCESSING TIME, found \"t\"",
            "E0102 7:31: expected a number, found \"x\"",
            "E0801 8:19: partitions are numbered from 0 to 999",
            "E0801 9:9: nothing comes in after FINISH",
            "E0801 10:1: SET stands before the steps of a test",
            "E0102 11:34: expected \")\", found the end of the statement",
        ]
    );
    assert_eq!(
        errors("TEST 'a' FOR 'a.sql'; CREATE TABLE t (a INT); SELECT 1;"),
        ["E0801 1:23: a test FOR a job file declares nothing of its own"]
    );
}
