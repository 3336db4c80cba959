use super::*;

#[test]
fn rows_read_back_what_texts_writes() {
    let schema = columns("k STRING, n BIGINT NOT NULL, d DECIMAL(5, 2), t TIMESTAMP(3), a ARRAY<STRING>, r ROW<x INT, y DOUBLE>, m MAP<STRING, INT>, b BYTES");
    let lines = [
        "a b | 1 | 1.50 | 1970-01-01 00:00:10.000 | [x, NULL, 'y, z'] | (1, 0.5) | {p = 1, q = NULL} | x'00ff'",
        "'it\\'s | \\u{a}' | -1 | NULL | NULL | [] | NULL | {} | NULL",
        "'NULL' | 0 | 0.00 | NULL | NULL | (NULL, NULL) | NULL | x''",
    ];
    let batch = Batch::new(rows(&schema, lines));
    assert_eq!(texts(&batch), lines);
    let short = rows(&columns("t TIMESTAMP(3), f DOUBLE"), ["10000 | 1e300", "1970-01-01 00:00:10 | -inf"]);
    assert_eq!(
        texts(&Batch::new(short)),
        ["1970-01-01 00:00:10.000 | 1.0E300", "1970-01-01 00:00:10.000 | -Infinity"]
    );
}

#[test]
fn lines_tell_input_kind_and_stamp() {
    let line = Line::parse("1> -U a | 2 @ -5").unwrap();
    assert_eq!((line.input, line.kind, line.stamp), (1, Some(RowKind::UpdateBefore), Some(-5)));
    assert_eq!(line.cells, [Cell::Text("a".into()), Cell::Text("2".into())]);
    for wrong in ["'open", "[a", "{a}", "a @ x", "'a' b"] {
        assert!(Line::parse(wrong).is_err(), "{wrong}");
    }
}
