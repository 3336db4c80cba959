use super::*;

#[test]
fn widths_grow_with_a_new_head() {
    let mut table = Table::new(vec!["a".to_string(), "b".to_string()], false);
    let row = |a: &str, b: &str| vec![Some(a.to_string()), Some(b.to_string())];
    assert_eq!(table.rows(&[row("1", "x")]), "+---+---+\n| a | b |\n+---+---+\n| 1 | x |\n");
    assert_eq!(table.rows(&[row("2", "y")]), "| 2 | y |\n");
    assert_eq!(
        table.rows(&[row("3", "日本")]),
        "+---+---+\n+---+------+\n| a | b    |\n+---+------+\n| 3 | 日本 |\n"
    );
    assert_eq!(table.end(), "+---+------+\n3 rows\n");
}

#[test]
fn null_is_no_text() {
    let text = |color| Table::new(vec!["a".to_string()], color).rows(&[vec![None], vec![Some("NULL".to_string())]]);
    assert_eq!(text(false), "+--------+\n| a      |\n+--------+\n| <NULL> |\n| NULL   |\n");
    assert_eq!(
        text(true),
        "+--------+\n| \u{1b}[1ma\u{1b}[0m      |\n+--------+\n| \u{1b}[2m<NULL>\u{1b}[0m |\n| NULL   |\n"
    );
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    assert_eq!(shorten("a\u{1b}[2Jb"), "a␛[2Jb");
    assert_eq!(shorten(&"x".repeat(100)).width(), CELL_WIDTH_MAX);
}
