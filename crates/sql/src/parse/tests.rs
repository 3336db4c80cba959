use super::*;
use millstream_dataflow::{Span, SqlType};
use std::collections::BTreeMap;

fn one(text: &str) -> StatementKind {
    let mut statements = parse(text).unwrap_or_else(|e| panic!("{text}: {e:?}")).statements;
    assert_eq!(statements.len(), 1, "{text}");
    statements.remove(0).kind
}

fn error(text: &str) -> String {
    let e = parse(text).err().unwrap_or_else(|| panic!("{text} parses"));
    e.iter()
        .map(|e| format!("{} {}: {}", e.code.unwrap_or("-"), e.span.map_or("-".to_string(), |s| s.to_string()), e.message))
        .collect::<Vec<_>>()
        .join(" | ")
}

#[test]
fn create_table_has_all_column_kinds() {
    let StatementKind::CreateTable(t) = one("CREATE TEMPORARY TABLE IF NOT EXISTS db.`my table` (
            id BIGINT NOT NULL COMMENT 'key', r ROW<a INT, b ARRAY<ROW<c STRING NOT NULL>>>,
            ts AS TO_TIMESTAMP(r.a), -- computed
            off BIGINT NOT NULL METADATA FROM 'offset' VIRTUAL, `timestamp` TIMESTAMP_LTZ(3) METADATA,
            WATERMARK FOR ts AS ts - INTERVAL '5' SECOND, CONSTRAINT pk PRIMARY KEY (id) NOT ENFORCED
        ) COMMENT 'x' PARTITIONED BY (id) WITH ('connector' = 'kafka', 'topic'='it''s')")
    else {
        panic!()
    };
    assert_eq!(t.name.parts, ["db", "my table"]);
    assert!(t.temporary && t.if_not_exists);
    let names: Vec<&str> = t.columns.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["id", "r", "ts", "off", "timestamp"]);
    assert!(matches!(&t.columns[1].kind, ColumnDefKind::Physical(ty) if ty.to_string() == "ROW<`a` INT, `b` ARRAY<ROW<`c` STRING NOT NULL>>>"));
    assert!(matches!(&t.columns[2].kind, ColumnDefKind::Computed(_)));
    assert!(matches!(&t.columns[3].kind, ColumnDefKind::Metadata { ty, key: Some(k), is_virtual: true } if k == "offset" && !ty.nullable));
    assert!(matches!(&t.columns[4].kind, ColumnDefKind::Metadata { ty, key: None, is_virtual: false } if ty.ty == SqlType::TimestampLtz(3)));
    assert_eq!(t.watermark.unwrap().column, "ts");
    assert_eq!(t.primary_key[0].0, "id");
    assert_eq!(t.options[1].value, "it's");
}

#[test]
fn windows_parse_in_every_form() {
    for from in [
        "TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' MINUTES))",
        "TABLE(TUMBLE(TABLE c.d.t, DESCRIPTOR(ts), INTERVAL '5' MINUTES, INTERVAL '1' MINUTE))",
        "TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' MINUTES)",
        "TABLE(HOP(DATA => TABLE t, TIMECOL => DESCRIPTOR(ts), SLIDE => INTERVAL '1' MINUTES, SIZE => INTERVAL '5' MINUTES, `OFFSET` => INTERVAL '1' MINUTE)) AS w",
        "TABLE(SESSION(TABLE t PARTITION BY a, b, DESCRIPTOR(ts), INTERVAL '5' MINUTES))",
    ] {
        assert!(matches!(
            one(&format!(
                "SELECT window_start, COUNT(*) FILTER (WHERE a > 1) FROM {from} GROUP BY GROUPING SETS ((window_start), ())"
            )),
            StatementKind::Query(_)
        ));
    }
}

#[test]
fn nested_casts_and_maps_parse() {
    let StatementKind::Query(q) =
        one("SELECT CAST(x AS ROW<a INT, b ARRAY<MAP<STRING, INT>>>), MAP['k', 1], CAST(y AS BIGINT), TRY_CAST(z AS TIMESTAMP_LTZ(3)) FROM t")
    else {
        panic!()
    };
    let text = q.to_string();
    assert!(text.contains("CAST(x AS ROW<a INT, b ARRAY<MAP<STRING, INT>>>)"), "{text}");
    assert!(text.contains("MAP('k', 1)"), "{text}");
}

#[test]
fn clauses_of_functions_become_arguments() {
    for (text, expected) in [
        (
            "JSON_VALUE(j, '$.a' RETURNING INT DEFAULT 7 ON EMPTY ERROR ON ERROR)",
            "JSON_VALUE(j, '$.a', 'DEFAULT', CAST(7 AS INT), 'ERROR', CAST(NULL AS INT))",
        ),
        (
            "JSON_QUERY(j, '$' WITH CONDITIONAL ARRAY WRAPPER EMPTY OBJECT ON ERROR)",
            "JSON_QUERY(j, '$', 'CONDITIONAL', 'NULL', 'EMPTY OBJECT', CAST(NULL AS STRING))",
        ),
        ("JSON_EXISTS(j, '$' UNKNOWN ON ERROR)", "JSON_EXISTS(j, '$', 'UNKNOWN')"),
        (
            "JSON_OBJECT(KEY 'a' VALUE 1, 'b' : JSON_ARRAY() ABSENT ON NULL)",
            "JSON_OBJECT(true, 'a', 1, false, 'b', JSON_ARRAY(true), true)",
        ),
        ("j IS NOT JSON ARRAY AND b", "NOT IS_JSON(j, 'ARRAY') AND b"),
        (
            "a NOT BETWEEN SYMMETRIC 1 AND 2 + 3 OR b",
            "NOT a BETWEEN 1 AND 2 + 3 OR a BETWEEN 2 + 3 AND 1 OR b",
        ),
        ("TRIM(LEADING FROM a)", "TRIM(LEADING a)"),
        ("MAP['k', 1]['k']", "MAP('k', 1)['k']"),
    ] {
        let StatementKind::Query(q) = one(&format!("SELECT {text}")) else { panic!() };
        assert_eq!(q.to_string(), format!("SELECT {expected}"));
    }
    assert!(error("SELECT JSON_VALUE(j, '$' NULL ON NOTHING)").contains("ON EMPTY or ON ERROR"));
    assert!(error("SELECT JSON_OBJECT('a' 1)").contains("VALUE or :"));
}

#[test]
fn several_statements_comments_and_sets() {
    let statements = parse(
        "-- first; not a statement\nSET 'a' = 'b;c'; /* x; */ INSERT INTO t (a, b) SELECT 1, 2;
        EXECUTE STATEMENT SET BEGIN INSERT INTO t SELECT 1; INSERT INTO u SELECT 2; END; EXPLAIN PLAN FOR SELECT 1; RESET; SET;
        BEGIN STATEMENT SET; INSERT INTO t VALUES (1); END;",
    )
    .unwrap()
    .statements;
    let kinds: Vec<&str> = statements
        .iter()
        .map(|s| match &s.kind {
            StatementKind::Set { .. } => "set",
            StatementKind::Insert(i) if i.columns.len() == 2 => "insert",
            StatementKind::StatementSet(inserts) if inserts.len() == 2 => "set of 2",
            StatementKind::StatementSet(_) => "set of 1",
            StatementKind::Explain(_) => "explain",
            StatementKind::Reset(None) => "reset",
            StatementKind::ShowSettings => "show",
            _ => "?",
        })
        .collect();
    assert_eq!(kinds, ["set", "insert", "set of 2", "explain", "reset", "show", "set of 1"]);
}

#[test]
fn errors_have_code_and_place() {
    assert_eq!(error("SELCT 1"), "E0102 1:1: \"SELCT\" does not start a statement");
    assert_eq!(error("SELECT 1;\nCOMPILE PLAN x"), "E0101 2:1: the statement COMPILE is not supported yet");
    assert_eq!(error("CREATE TABLE t (a INTEGRE)"), "E0301 1:19: \"INTEGRE\" is no type");
    assert_eq!(
        error("CREATE TABLE t (a INT, PRIMARY KEY (a))"),
        "E0102 1:24: a PRIMARY KEY must be NOT ENFORCED"
    );
    assert_eq!(
        error("CREATE TABLE t (a INT) WITH ('x'='1', 'x'='2')"),
        "E0506 1:39: the option 'x' is given twice"
    );
    assert_eq!(
        error("INSERT INTO t SELECT a b c FROM x"),
        "E0102 1:26: expected \";\" or the end of the statement, found \"c\""
    );
    assert_eq!(
        error("SELECT /*+ BROADCAST(t) */ 1"),
        "E0101 1:8: hints other than OPTIONS are not supported yet"
    );
    assert!(error("SELECT 'open").starts_with("E0102 1:8: the text that begins here does not end"));
    assert!(
        error(&format!("SELECT {}1{}", "(".repeat(100_000), ")".repeat(100_000))).starts_with("E0103"),
        "deep nesting"
    );
    assert!(error(&" ".repeat(300_000)).starts_with("E0103"));
    assert!(error("SELECT 1; SELCT 2; DROP x").contains(" | "), "one error per statement");
}

#[test]
fn variables_are_substituted_outside_comments() {
    let variables = BTreeMap::from([("TPS".to_string(), "10".to_string())]);
    assert_eq!(
        substitute("a ${TPS} -- ${X}\n/* ${Y} */ '${TPS}'", &variables).unwrap().text,
        "a 10 -- ${X}\n/* ${Y} */ '10'"
    );
    let e = substitute("a\n b ${TPT}", &variables).unwrap_err();
    assert_eq!(e[0].span.unwrap().to_string(), "2:4");
    assert_eq!(e[0].hint.as_deref(), Some("did you mean '${TPS}'?"));
}

#[test]
fn a_case_does_not_end_a_statement_set() {
    let text = "EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT CASE WHEN x THEN CASE y WHEN 1 THEN 2 END END; INSERT INTO b SELECT 2; END; SELECT 3;";
    let script = parse(text).unwrap();
    assert!(matches!(&script.statements[0].kind, StatementKind::StatementSet(inserts) if inserts.len() == 2));
    assert!(matches!(script.statements[1].kind, StatementKind::Query(_)));
    // One that lacks its END does not take the set's.
    let errors = parse("EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT CASE WHEN x THEN 1; END; SELECT 3;").unwrap_err();
    assert_eq!(errors.len(), 1);
}

#[test]
fn characters_of_texts_may_be_numbers() {
    let text = |sql: &str| {
        parse(&format!("SET 'k' = {sql};")).map(|s| match &s.statements[0].kind {
            StatementKind::Set { value, .. } => value.0.clone(),
            other => panic!("{other:?}"),
        })
    };
    assert_eq!(text(r"U&'caf\00e9'").unwrap(), "café");
    assert_eq!(text(r"u&'it''s \\ #'").unwrap(), r"it's \ #");
    assert_eq!(text("U&'#d83d#de00 \\' /* why */ uescape '#'").unwrap(), "😀 \\");
    for (wrong, said) in [
        (r"U&'\00g9'", r#"\ stands before 4 hexadecimal digits, or is doubled; found "\00g9""#),
        (r"U&'\+00e9'", r#"\ stands before 4 hexadecimal digits, or is doubled; found "\+00e""#),
        (r"U&'\d83d'", "half of a surrogate pair is no character"),
        (
            "U&'x' UESCAPE 'ab'",
            "UESCAPE takes one character that is no hexadecimal digit, no white space, no + and no \"",
        ),
        ("U & 'x'", "expected a quoted value, found \"U\""),
    ] {
        assert_eq!(text(wrong).unwrap_err()[0].message, said, "{wrong}");
    }
    let texts = parse("SELECT U&'\\zzzz'; SELECT 1;").unwrap_err();
    assert_eq!((texts.len(), texts[0].span.unwrap().to_string()), (1, "1:8".to_string()));
}

#[test]
fn comments_do_not_begin_in_quotes() {
    let variables = BTreeMap::from([("X".to_string(), "1".to_string())]);
    let text = "'in/*.json' ${X} 'a--${X}' `b--c` ${X} -- '${Y}\n${X} 'it''s -- ${X}'";
    assert_eq!(
        substitute(text, &variables).unwrap().text,
        "'in/*.json' 1 'a--1' `b--c` 1 -- '${Y}\n1 'it''s -- 1'"
    );
}

#[test]
fn values_stay_in_the_quotes_they_stand_in() {
    let variables = BTreeMap::from([
        ("Q".to_string(), "it's".to_string()),
        ("B".to_string(), "a`b'".to_string()),
        ("X".to_string(), "'); DROP TABLE t; --".to_string()),
        ("E".to_string(), "*/; SELECT 1; --".to_string()),
    ]);
    let made = |text: &str| substitute(text, &variables).unwrap().text;
    assert_eq!(made("'a ${Q}' ${Q} `${Q}`"), "'a it''s' it's `it's`");
    assert_eq!(made("`${B}` '${B}'"), "`a``b'` 'a`b'''");
    assert_eq!(made("WITH ('k' = '${X}')"), "WITH ('k' = '''); DROP TABLE t; --')");
    assert_eq!(made("'it''s ${Q}' '${Q}'"), "'it''s it''s' 'it''s'");
    assert_eq!(made("/*+ OPTIONS('k' = '${Q}') */ '${E}'"), "/*+ OPTIONS('k' = 'it''s') */ '*/; SELECT 1; --'");
    // Behind it the places are right, although the value is longer now.
    let place = |text: &str| substitute(text, &variables).unwrap_err()[0].span.unwrap().to_string();
    assert_eq!(place("'${Q}' ${UNKNOWN}"), "1:8");
    assert_eq!(place("FROM t /*+ OPTIONS('k' = '${E}') */"), "1:27");
}

#[test]
fn places_are_those_before_the_values() {
    let variables = BTreeMap::from([("LONG".to_string(), "a long\nvalue".to_string()), ("S".to_string(), "x".to_string())]);
    let made = substitute("ab ${LONG} cd ${S} ef\ngh", &variables).unwrap();
    let span = |start, end| made.original(Span::new(start, end));
    assert_eq!(span((1, 1), (1, 3)), Span::new((1, 1), (1, 3)), "before");
    assert_eq!(span((1, 4), (2, 6)), Span::new((1, 4), (1, 11)), "the value");
    assert_eq!(span((2, 2), (2, 3)), Span::new((1, 4), (1, 11)), "in the value");
    assert_eq!(span((2, 7), (2, 9)), Span::new((1, 12), (1, 14)), "after it");
    assert_eq!(span((2, 10), (2, 11)), Span::new((1, 15), (1, 19)), "the next value");
    assert_eq!(span((2, 12), (2, 14)), Span::new((1, 20), (1, 22)), "after both");
    assert_eq!(span((3, 1), (3, 3)), Span::new((2, 1), (2, 3)), "the next line");
}
