use super::{COMMANDS, Command, Part, command, is_meta, parse, parts};
use millstream_sql::Known;

#[test]
fn commands_begin_with_a_backslash_or_a_point() {
    for (line, meta) in [
        ("\\d", true),
        (" \\d t", true),
        (".tables", true),
        (".5", false),
        ("SELECT 1", false),
        ("", false),
        (".", false),
        ("\\", true),
    ] {
        assert_eq!(is_meta(line), meta, "{line}");
    }
}

#[test]
fn names_words_and_the_rest_are_read() {
    let read = |line: &str| parse(line).map(|m| (m.command, m.words, m.rest));
    let words = |w: &[&str]| w.iter().map(|w| w.to_string()).collect::<Vec<_>>();
    assert_eq!(read("\\d"), Ok((Command::Describe, vec![], String::new())));
    assert_eq!(read("\\d clicks;"), Ok((Command::Describe, words(&["clicks"]), "clicks".to_string())));
    assert_eq!(
        read("\\i 'a file.sql'"),
        Ok((Command::Include, words(&["a file.sql"]), "'a file.sql'".to_string()))
    );
    assert_eq!(read(".read \"a b\""), Ok((Command::Include, words(&["a b"]), "\"a b\"".to_string())));
    assert_eq!(read(".exit"), Ok((Command::Quit, vec![], String::new())));
    assert_eq!(
        read("\\explain SELECT 1"),
        Ok((Command::Explain, words(&["SELECT", "1"]), "SELECT 1".to_string()))
    );
    assert_eq!(read("\\set live append").map(|m| m.1), Ok(words(&["live", "append"])));
    assert_eq!(read("\\watch 0.5").map(|m| m.1), Ok(words(&["0.5"])));
}

#[test]
fn what_does_not_exist_is_told_what_was_meant() {
    let wrong = |line: &str| parse(line).map(|_| ()).map_err(|w| format!("{}: {}", w.message, w.hint));
    assert_eq!(wrong("\\job"), Err("\\job needs more: \\job NAME: a job, operator by operator".to_string()));
    assert_eq!(wrong("\\jbos"), Err("there is no command \\jbos: did you mean \\jobs?".to_string()));
    assert_eq!(wrong(".tabels"), Err("there is no command .tabels: did you mean .tables?".to_string()));
    assert_eq!(wrong("\\mode csv"), Err("there is no command \\mode: did you mean .mode?".to_string()));
    assert_eq!(wrong(".d"), Err("there is no command .d: did you mean \\d?".to_string()));
    assert_eq!(wrong("\\something"), Err("there is no command \\something: \\? lists them".to_string()));
    assert_eq!(wrong("\\q now").map_err(|e| e.starts_with("\\q takes less")), Err(true));
    assert_eq!(wrong("\\").map_err(|e| e.starts_with("there is no command \\")), Err(true));
}

#[test]
fn each_name_is_given_once() {
    let mut all: Vec<String> = COMMANDS.iter().flat_map(|c| c.all()).collect();
    let count = all.len();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), count);
}

#[test]
fn commands_stand_on_lines_of_their_own() {
    let sql = |text: &str| Part::Sql(text.to_string());
    let command = |text: &str, line| Part::Command(text.to_string(), line);
    assert_eq!(parts("SELECT 1;\nSELECT 2"), [sql("SELECT 1;\nSELECT 2")]);
    assert_eq!(parts(""), [sql("")]);
    assert_eq!(
        parts("\\dt\nSELECT 1;\n .tables\r\n\nSELECT 2;"),
        [command("\\dt", 1), sql("\nSELECT 1;\n"), command(" .tables", 3), sql("\n\n\n\nSELECT 2;")]
    );
    // Within a statement, a text or a comment is none.
    for text in ["SELECT 1\n\\dt\n;", "SELECT 'a\n\\dt\n';", "/*\n\\dt\n*/"] {
        assert_eq!(parts(text), [sql(text)]);
    }
}

#[test]
fn commands_of_a_file_stand_for_statements() {
    let known = Known::default();
    let text = |line: &str| {
        command(line, &known)
            .map(|stands| stands.text)
            .map_err(|e| (e.message.clone(), e.span.map(|s| s.to_string())))
    };
    assert_eq!(text("\\d"), Ok("SHOW TABLES;".to_string()));
    assert_eq!(text(" \\d a.b;"), Ok("DESCRIBE a.b;".to_string()));
    assert_eq!(text(".tables *its?"), Ok("SHOW TABLES LIKE '%its_';".to_string()));
    assert_eq!(text("\\dv x"), Ok("SHOW VIEWS LIKE '%x%';".to_string()));
    assert_eq!(text("\\explain SELECT 1;"), Ok("EXPLAIN SELECT 1;".to_string()));
    assert_eq!(text("  .jobs"), Err((".jobs works at a terminal only".to_string(), Some("1:3".to_string()))));
    assert_eq!(text("\\jbos"), Err(("there is no command \\jbos".to_string(), Some("1:1".to_string()))));
}
