use super::*;
use millstream_dataflow::{Field, SqlType};

#[test]
fn widths_grow_with_a_new_head() {
    let schema = Schema::new(vec![Field::new("a", SqlType::Int, true), Field::new("b", SqlType::STRING, true)]);
    let mut table = Table::new(&schema);
    let row = |a: &str, b: &str| vec![a.to_string(), b.to_string()];
    assert_eq!(table.rows(&[row("1", "x")]), "+---+---+\n| a | b |\n+---+---+\n| 1 | x |\n");
    assert_eq!(table.rows(&[row("2", "y")]), "| 2 | y |\n");
    assert_eq!(
        table.rows(&[row("3", "日本")]),
        "+---+---+\n+---+------+\n| a | b    |\n+---+------+\n| 3 | 日本 |\n"
    );
    assert_eq!(table.end(), "+---+------+\n3 rows\n");
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    assert_eq!(shorten("a\u{1b}[2Jb"), "a\u{fffd}[2Jb");
    assert_eq!(shorten(&"x".repeat(100)).width(), CELL_WIDTH_MAX);
}
