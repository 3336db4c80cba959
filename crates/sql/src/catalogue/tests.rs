use super::{entries, entry, explain};

#[test]
fn entries_are_whole_and_in_order() {
    let codes: Vec<&str> = entries().iter().map(|e| e.code).collect();
    let mut sorted = codes.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(codes, sorted);
    for e in entries() {
        let is_code = e.code.len() == 5 && e.code.starts_with(['E', 'W']) && e.code[1..].bytes().all(|b| b.is_ascii_digit());
        assert!(is_code, "{}", e.code);
        assert!(!e.title.is_empty() && !e.text.is_empty() && !e.text.contains("```"), "{}", e.code);
        assert!(!e.failing.text().is_empty() && !e.fixed.text().is_empty(), "{}", e.code);
    }
}

#[test]
fn a_page_is_told_as_text() {
    let page = explain("e0506").expect("a page");
    assert!(page.starts_with("E0506: the option is given twice\n\nOne of them would win"), "{page}");
    assert!(
        page.contains("\nThis fails:\n\n    CREATE TABLE") && page.contains("\nThis works:\n\n    CREATE TABLE"),
        "{page}"
    );
    assert!(!page.contains("```") && page.ends_with(";\n"), "{page}");
}

#[test]
fn an_unknown_code_is_answered_with_the_nearest() {
    assert!(entry("E0409").is_none());
    let e = explain("e0409").expect_err("no page");
    assert_eq!(
        (e.message.as_str(), e.hint.as_deref()),
        ("there is no error code 'e0409'", Some("the nearest are E0408, E0410, E0407"))
    );
    let e = explain("windows").expect_err("no page");
    assert!(e.hint.as_deref().is_some_and(|h| h.contains("E0402")), "{e:?}");
}
