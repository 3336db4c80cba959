//! What makes the formatter refuse its own work.

use super::source::Source;
use super::{check, format};
use millstream_dataflow::ErrorKind;

#[test]
fn a_text_that_says_something_else_is_refused() {
    let source = Source::read("select a, 'b' -- c\nfrom t").unwrap();
    check(&source, "SELECT a,\n'b' -- c\nFROM t").unwrap();
    for other in [
        "SELECT A, 'b' -- c\nFROM t",
        "SELECT a, 'B' -- c\nFROM t",
        "SELECT a, 'b' -- d\nFROM t",
        "SELECT a, 'b'\nFROM t",
        "SELECT a, 'b' -- c\nFROM t;",
        "SELECT a -- c\nFROM t",
        "SELECT a, `b` -- c\nFROM t",
        "SELECT a, 'b' /* -- c */ FROM t",
    ] {
        let refused = check(&source, other).map_err(|e| e.kind);
        assert_eq!(refused, Err(ErrorKind::Bug), "{other}");
    }
}

#[test]
fn what_is_no_statement_has_a_place() {
    for (text, place) in [
        ("select 'open", "1:8"),
        ("select (1", "1:8"),
        ("create table t (a int\n", "1:16"),
        ("nothing;", "1:1"),
    ] {
        let errors = format(text).unwrap_err();
        assert_eq!(errors[0].span.map(|s| s.to_string()).as_deref(), Some(place), "{text}: {errors:?}");
    }
    assert_eq!(format("").unwrap(), "");
    assert_eq!(format("\n\n-- only this\n\n\n-- and this\n").unwrap(), "-- only this\n\n-- and this\n");
}
