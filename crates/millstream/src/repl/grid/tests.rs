use super::{Cell, Column, Grid, record};
use crate::repl::line::Mark;

fn columns(names: &[&str]) -> Vec<Column> {
    names
        .iter()
        .map(|n| Column {
            name: n.trim_start_matches('>').to_string(),
            right: n.starts_with('>'),
            whole: n.starts_with('>'),
        })
        .collect()
}

fn cells(texts: &[&str]) -> Vec<Cell> {
    texts
        .iter()
        .map(|t| Cell {
            text: t.to_string(),
            null: false,
        })
        .collect()
}

/// A head and a row at a width.
fn shown(names: &[&str], row: &[&str], width: Option<usize>) -> Vec<String> {
    use unicode_width::UnicodeWidthStr;
    let columns = columns(names);
    let needed: Vec<usize> = row.iter().map(|c| c.width()).collect();
    let grid = Grid::new(&columns, &needed, width);
    [grid.rule(), grid.head(), grid.row(&cells(row), |_| Mark::Plain)]
        .iter()
        .map(|l| l.text())
        .collect()
}

#[test]
fn columns_are_as_wide_as_they_need_to_be() {
    assert_eq!(
        shown(&["page", ">n"], &["漢字漢", "12"], None),
        ["+--------+----+", "| page   |  n |", "| 漢字漢 | 12 |"]
    );
    assert_eq!(
        shown(&["page", ">n"], &["a", "NULL"], Some(80)),
        ["+------+------+", "| page |    n |", "| a    | NULL |"]
    );
}

#[test]
fn the_widest_columns_give_way_where_the_terminal_ends() {
    let row = ["a long text that goes on", "another long text"];
    assert_eq!(
        shown(&["a", "b"], &row, Some(30)),
        [
            "+--------------+-------------+",
            "| a            | b           |",
            "| a long text… | another lo… |"
        ]
    );
    assert!(shown(&["a", "b"], &row, Some(30)).iter().all(|l| l.chars().count() == 30));
    let three = ["a long text", "another long text", "a third text"];
    assert_eq!(
        shown(&["a", "b", "c"], &three, Some(26)),
        ["+----------+---------+---+", "| a        | b       | … |", "| a long … | anothe… | … |"]
    );
    let names = columns(&["a", "b", "c"]);
    assert_eq!(Grid::new(&names, &[11, 17, 12], Some(26)).left_out(), Some("c".to_string()));
    // A number that is cut would be another one.
    assert_eq!(
        shown(&["a", ">number"], &["a long text", "123456789"], Some(24)),
        ["+----------+-----------+", "| a        |    number |", "| a long … | 123456789 |"]
    );
    assert_eq!(
        shown(&[">number", ">n"], &["123456789", "123456789"], Some(22)),
        ["+-----------+---+", "|    number | … |", "| 123456789 | … |"]
    );
    // Narrower than anything: what does not fit is cut where it is drawn.
    assert_eq!(shown(&["a", "b", "c"], &three, Some(5)).len(), 3);
}

#[test]
fn null_is_not_the_text_null() {
    let columns = columns(&["a", "b"]);
    let grid = Grid::new(&columns, &[6, 6], None);
    let text = Cell { null: false, ..Cell::null() };
    let line = grid.row(&[Cell::null(), text], |_| Mark::Plain);
    let marks: Vec<Mark> = line.0.iter().filter(|s| s.text == "<NULL>").map(|s| s.mark).collect();
    assert_eq!(marks, [Mark::Dim, Mark::Plain]);
}

#[test]
fn records_have_a_line_for_each_column() {
    let columns = columns(&["page", "visits"]);
    let lines: Vec<String> = record(&columns, &cells(&["home", "12"]), 3, None, |_| Mark::Plain)
        .iter()
        .map(|l| l.text())
        .collect();
    assert_eq!(lines, ["-[ row 3 ]--------", "page   | home", "visits | 12"]);
}
