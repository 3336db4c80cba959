use super::{Part, highlight, is_finished, pieces, range_of};
use millstream_dataflow::Span;

#[test]
fn a_text_is_finished_when_every_statement_has_its_semicolon() {
    for (text, finished) in [
        ("", true),
        ("  \n-- nothing\n", true),
        ("SELECT 1", false),
        ("SELECT 1;", true),
        ("SELECT 1; -- that's it", true),
        ("SELECT 1; SELECT 2", false),
        ("SELECT ';", false),
        ("SELECT ';'", false),
        ("SELECT 'it''s;';", true),
        ("SELECT `a;", false),
        ("SELECT `a;` FROM t;", true),
        ("SELECT 1 -- ;", false),
        ("SELECT 1 -- ;\n;", true),
        ("SELECT 1 /* ;", false),
        ("SELECT 1 /* ; */;", true),
        ("EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1;", false),
        ("EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1; END", false),
        ("EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1; END;", true),
        ("BEGIN STATEMENT SET;", false),
        ("BEGIN STATEMENT SET; INSERT INTO a SELECT 1; END;", true),
        ("EXPLAIN STATEMENT SET BEGIN INSERT INTO a SELECT 1;", false),
        ("SELECT CASE a WHEN 1 THEN 2 END;", true),
        ("SELECT ${column};", true),
        ("SELECT \u{1} 1;", true),
    ] {
        assert_eq!(is_finished(text), finished, "{text}");
    }
}

#[test]
fn the_pieces_of_a_text_are_the_text() {
    for text in [
        "",
        "SELECT `a``b`, 'it''s' -- é\n, 1.5e3 >> 2 /*+ OPTIONS('a' = 'b') */ FROM tü;",
        "SELECT 'open\nstring",
        "SELECT U&'\\00e9' UESCAPE '#', u & 'x', U&'open",
        "SELECT `open",
        "SELECT 1 /* open",
        "\r\n\tSELECT\r\n1",
        "SELECT a => b, x[1], {d} ${NAME} $ # \\",
    ] {
        assert_eq!(pieces(text).iter().map(|p| p.text).collect::<String>(), text);
        let spans = highlight(text, text.len());
        assert_eq!(spans.iter().map(|h| &text[h.range.clone()]).collect::<String>(), text);
    }
    let open = pieces("SELECT 'a");
    assert_eq!(open.last().map(|p| (p.open, p.inside())), Some((true, "a")));
}

/// The parts of a text but space, as `K:SELECT`.
fn parts(text: &str, at: usize) -> String {
    let letter = |part: Part| match part {
        Part::Keyword => "K",
        Part::Name => "N",
        Part::Function => "F",
        Part::Type => "Y",
        Part::Text => "T",
        Part::Number => "#",
        Part::Comment => "C",
        Part::Sign => "S",
        Part::Unmatched => "!",
        Part::Space => "",
    };
    let shown = highlight(text, at).into_iter().filter(|h| h.part != Part::Space);
    shown.map(|h| format!("{}:{}", letter(h.part), &text[h.range])).collect::<Vec<_>>().join(" ")
}

#[test]
fn words_are_shown_by_what_they_are() {
    for (text, shown) in [
        ("select Upper(a), 'x' from t", "K:select F:Upper S:( N:a S:) S:, T:'x' K:from N:t"),
        ("CAST(a AS INT) + 1.5", "K:CAST S:( N:a K:AS Y:INT S:) S:+ #:1.5"),
        ("TABLE(TUMBLE(TABLE t))", "K:TABLE S:( F:TUMBLE S:( K:TABLE N:t S:) S:)"),
        ("a.`select`.key -- c", "N:a S:. N:`select` S:. N:key C:-- c"),
        ("U&'\\00e9' UESCAPE '#'", "T:U&'\\00e9' K:UESCAPE T:'#'"),
        ("SELECT date FROM t", "K:SELECT N:date K:FROM N:t"),
        ("count (*)", "F:count S:( S:* S:)"),
    ] {
        assert_eq!(parts(text, text.len()), shown);
    }
}

#[test]
fn brackets_without_a_partner_stand_out() {
    let wrong = |text: &str, at: usize| {
        highlight(text, at)
            .into_iter()
            .filter(|h| h.part == Part::Unmatched)
            .map(|h| h.range.start)
            .collect::<Vec<_>>()
    };
    assert_eq!(wrong("f(a", 3), Vec::<usize>::new());
    assert_eq!(wrong("f(a", 1), [1]);
    assert_eq!(wrong("f(a; b", 6), [1]);
    assert_eq!(wrong("f(a))", 5), [4]);
    assert_eq!(wrong("f(a]", 4), [3]);
    assert_eq!(wrong("f('(') /* ( */ `(`", 18), Vec::<usize>::new());
}

#[test]
fn places_are_stretches_of_the_text() {
    let text = "SELECT é,\n tü FROM t";
    let of = |start, end| &text[range_of(text, Span::new(start, end))];
    assert_eq!(of((1, 8), (1, 9)), "é");
    assert_eq!(of((2, 2), (2, 4)), "tü");
    assert_eq!(of((1, 8), (2, 4)), "é,\n tü");
    assert_eq!(of((2, 10), (2, 99)), "t");
    assert_eq!(of((9, 1), (9, 2)), "");
    assert_eq!(of((2, 4), (2, 2)), "");
}
