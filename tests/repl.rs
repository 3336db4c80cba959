//! The interactive session, as a person meets it: keys go into a pseudo-terminal, and what stands on its screen is looked at.

use crate::terminal::Terminal;
use anyhow::{Context, Result, bail, ensure};
use libtest_mimic::{Failed, Trial};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::num::NonZeroU16;
use std::path::Path;

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |name: &str, f: fn() -> Result<()>| Trial::test(format!("repl::{name}"), move || f().map_err(|e| Failed::from(format!("{e:#}"))));
    vec![
        trial("statements_go_over_lines", lines),
        trial("what_is_pasted_waits_for_enter", pasted),
        trial("tab_completes_by_clause", completion),
        trial("errors_point_at_their_place", errors),
        trial("a_live_query_is_cancelled_and_its_table_stays", live),
        trial("tab_where_nothing_fits_shows_no_menu", nothing_fits),
        trial("marks_of_errors_stand_at_their_place_in_long_lines", marks),
        trial("a_live_query_fits_a_terminal_that_changes", resized),
        trial("inserts_run_in_the_background_and_leaving_asks", jobs),
        trial("failed_jobs_are_told_above_the_line_being_typed", notices),
        trial("secrets_are_not_remembered", history),
        trial("long_results_go_to_the_pager_and_files", pager),
        trial("statements_can_be_written_in_an_editor", editor),
        trial("results_are_shown_in_many_forms", forms),
        trial("printed_rows_stand_above_the_line_being_typed", printed),
        trial("terminals_without_colours_or_moves_are_respected", plain),
        trial("a_signal_from_outside_ends_jobs_in_order", terminated),
        trial("the_demo_is_live_until_ctrl_c", demo),
        trial("a_session_has_the_tables_of_its_project", project),
        trial("the_rows_of_an_operator_can_be_looked_at", tap),
        trial("bounded_input_tells_how_far_it_is", way),
        trial("subjects_of_a_registry_are_offered", subjects),
    ]
}

const PROMPT: &str = "millstream>";
const NEXT: &str = "         ->";
const ENTER: &str = "\r";
const TAB: &str = "\t";
const CTRL_C: &str = "\x03";
const CTRL_D: &str = "\x04";
const CTRL_R: &str = "\x12";
const UP: &str = "\x1b[A";
const LEFT: &str = "\x1b[D";
const ALT_ENTER: &str = "\x1b\r";

fn home() -> Result<tempfile::TempDir> {
    Ok(tempfile::tempdir()?)
}

fn open(directory: &Path) -> Result<Terminal> {
    let terminal = Terminal::open(directory, &[])?;
    terminal.prompt(PROMPT)?;
    Ok(terminal)
}

const ORDERS: &str = "CREATE TABLE orders (id BIGINT, price INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'datagen', \
                      'rows-per-second' = '100', 'fields.price.min' = '1', 'fields.price.max' = '3');";

fn lines() -> Result<()> {
    let home = home()?;
    let terminal = open(home.path())?;
    terminal.line("SELECT 'a;' AS a, -- not the end;")?;
    terminal.prompt(NEXT)?;
    terminal.line("  2 AS b;")?;
    terminal.see("| a; | 2 |")?;
    terminal.prompt(PROMPT)?;
    // A new line although the statement is whole; a statement set is one only with its END.
    terminal.send("SELECT 3 AS c;")?;
    terminal.send(ALT_ENTER)?;
    terminal.line("SELECT 4 AS d;")?;
    terminal.see("| 3 |")?;
    terminal.see("| 4 |")?;
    terminal.prompt(PROMPT)?;
    terminal.line("EXECUTE STATEMENT SET BEGIN INSERT INTO nowhere SELECT 1;")?;
    terminal.prompt(NEXT)?;
    // Ctrl-C clears what is typed.
    terminal.send(CTRL_C)?;
    terminal.prompt(PROMPT)?;
    terminal.line("quit")?;
    ensure!(terminal.end()?.success(), "quit did not end it well");
    Ok(())
}

fn pasted() -> Result<()> {
    let home = home()?;
    let terminal = open(home.path())?;
    terminal.paste("SELECT 11 AS a;\nSELECT 22 AS b;\n")?;
    terminal.see("SELECT 22 AS b;")?;
    terminal.send(" ")?;
    let screen = terminal.prompt(NEXT)?;
    ensure!(!screen.contains("| 11 |"), "it ran before Enter\n{screen}");
    terminal.send(ENTER)?;
    terminal.see("| 11 |")?;
    terminal.see("| 22 |")?;
    Ok(())
}

fn completion() -> Result<()> {
    let home = home()?;
    let terminal = open(home.path())?;
    terminal.send("CREATE TABLE t (a INT) WITH ('conn")?;
    terminal.send(TAB)?;
    terminal.see("WITH ('connector' =")?;
    terminal.send(TAB)?;
    let screen = terminal.see("filesystem")?;
    ensure!(screen.contains("kafka") && screen.contains("Takes rows and forgets them"), "{screen}");
    // What is typed leaves fewer; Enter takes the one that is marked.
    terminal.send("'datag")?;
    terminal.wait("fewer suggestions", |s| !s.contains("filesystem"))?;
    terminal.send(ENTER)?;
    terminal.see("'connector' = 'datagen'")?;
    terminal.send(", 'number")?;
    terminal.send(TAB)?;
    terminal.see("'number-of-rows' =")?;
    terminal.line("'2');")?;
    terminal.prompt(PROMPT)?;
    // Its columns, in scope from behind the cursor.
    terminal.line("CREATE VIEW v AS SELECT a AS quantity FROM t;")?;
    terminal.prompt(PROMPT)?;
    terminal.send("SELECT  FROM v")?;
    terminal.send(&LEFT.repeat(7))?;
    terminal.send("quan")?;
    terminal.send(TAB)?;
    terminal.see("SELECT quantity FROM v")?;
    terminal.send(CTRL_C)?;
    terminal.prompt(PROMPT)?;
    terminal.send("\\waterm")?;
    terminal.send(TAB)?;
    terminal.see("\\watermarks")?;
    Ok(())
}

fn errors() -> Result<()> {
    let home = home()?;
    let terminal = open(home.path())?;
    terminal.line("SELECT nothing FROM (VALUES (1)) AS t(one);")?;
    let screen = terminal.see("help: there are: one")?;
    ensure!(
        screen.contains("error[E0202]: column \"nothing\" does not exist") && screen.contains(" --> input:1:8"),
        "{screen}"
    );
    ensure!(screen.contains("  |        ^^^^^^^"), "{screen}");
    terminal.prompt(PROMPT)?;
    // A name that does not exist is underlined while the statement is written, once the keyboard rests.
    terminal.send("SELECT id FROM nowhere WHERE id = 1 ")?;
    terminal.underlined("nowhere")?;
    ensure!(!terminal.is_underlined("SELECT id"), "what is right is underlined");
    terminal.send(CTRL_C)?;
    terminal.prompt(PROMPT)?;
    // All of them, and before brackets and conditions are whole; not the columns of a query whose FROM is still to come.
    terminal.send("SELECT zero, UPPR(one) FROM (VALUES ('a')) AS t(one) WHERE (two = ")?;
    for wrong in ["zero", "UPPR", "two"] {
        terminal.underlined(wrong)?;
    }
    ensure!(!terminal.is_underlined("(one)"), "what is right is underlined");
    terminal.send(CTRL_C)?;
    terminal.prompt(PROMPT)?;
    terminal.send("SELECT one, CAST(1 AS INTT); SELECT three, four ")?;
    terminal.underlined("INTT")?;
    ensure!(!terminal.is_underlined("three"), "what may come to be right is underlined");
    terminal.send(CTRL_C)?;
    terminal.prompt(PROMPT)?;
    terminal.line("\\jbos")?;
    terminal.see("there is no command \\jbos: did you mean \\jobs?")?;
    terminal.line("\\manual lowr")?;
    terminal.see("did you mean LOWER?")?;
    // Errors of commands are about what was typed.
    terminal.line("\\d nowhere")?;
    terminal.see("1 | \\d nowhere\n  |    ^^^^^^^\n")?;
    terminal.line("\\copy (SELECT nothing FROM (VALUES (1)) AS t(one)) TO 'x.csv'")?;
    terminal.see("1 | \\copy (SELECT nothing FROM (VALUES (1)) AS t(one)) TO 'x.csv'\n  |               ^^^^^^^\n")?;
    terminal.line("\\copy nowhere TO 'x.csv'")?;
    terminal.see("1 | \\copy nowhere TO 'x.csv'\n  |       ^^^^^^^\n")?;
    Ok(())
}

fn live() -> Result<()> {
    let home = home()?;
    let terminal = open(home.path())?;
    terminal.line(ORDERS)?;
    terminal.prompt(PROMPT)?;
    terminal
        .line("SELECT window_end, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '2' SECOND)) GROUP BY window_start, window_end;")?;
    // Rows, and what is known of the query.
    let with_rows = |s: &str| s.contains("Ctrl-C ends it") && s.contains("watermark 20") && s.contains("| 20");
    let screen = terminal.wait("rows and a footer", with_rows)?;
    ensure!(screen.contains("| window_end") && screen.contains("/s)"), "{screen}");
    terminal.send(CTRL_C)?;
    let screen = terminal.prompt(PROMPT)?;
    ensure!(screen.contains("| window_end") && screen.contains("| 20"), "the table is gone\n{screen}");
    ensure!(!screen.contains("Ctrl-C ends it"), "the footer stays\n{screen}");
    ensure!(screen.lines().any(|l| l.ends_with(" row") || l.ends_with(" rows")), "{screen}");
    // The session goes on; the result is there once more, as changes.
    terminal.line("\\set live changelog")?;
    terminal.line("\\last")?;
    terminal.see("| op |")?;
    terminal.see("| +I |")?;
    terminal.line("SELECT 7 AS seven;")?;
    terminal.see("7")?;
    Ok(())
}

fn nothing_fits() -> Result<()> {
    let home = home()?;
    let terminal = open(home.path())?;
    for (typed, shown) in [("SELECT zzz", "SELECT zzzq"), ("\\zzz", "\\zzzq")] {
        terminal.send(typed)?;
        terminal.send(TAB)?;
        terminal.send("q")?;
        let screen = terminal.see(shown)?;
        ensure!(screen.trim_end().ends_with(shown), "{screen}");
        terminal.send(CTRL_C)?;
        terminal.prompt(PROMPT)?;
    }
    Ok(())
}

fn marks() -> Result<()> {
    let home = home()?;
    let terminal = open(home.path())?;
    let columns: Vec<String> = (1..11).map(|n| format!("a AS column_{n}")).collect();
    let text = format!("SELECT {}, nope FROM (VALUES (1)) AS t (a);", columns.join(", "));
    for (told, width) in [(1, 80), (2, 60)] {
        terminal.resize(NonZeroU16::MIN.saturating_add(width - 1))?;
        terminal.line(&text)?;
        let screen = terminal.wait("the error", |s| s.matches("error[").count() == told && s.trim_end().ends_with(PROMPT))?;
        let lines: Vec<&str> = screen.lines().collect();
        let error = lines.iter().rposition(|l| l.starts_with("error") && l.contains("nope")).context("no error")?;
        let (line, mark) = (lines[error + 3], lines[error + 4]);
        let column = |l: &str, what: &str| l.find(what).map(|i| l[..i].chars().count());
        ensure!(
            line.starts_with("1 | …") && column(line, "nope").is_some() && column(line, "nope") == column(mark, "^^^^"),
            "{screen}"
        );
    }
    Ok(())
}

fn resized() -> Result<()> {
    let home = home()?;
    let terminal = open(home.path())?;
    terminal.line(ORDERS)?;
    terminal.line("SELECT id, price, ts, 'a long text that takes a lot of room' AS text FROM orders;")?;
    terminal.wait("rows", |s| s.contains("a long text that takes a lot of room |") && s.contains("Ctrl-C"))?;
    terminal.resize(NonZeroU16::MIN.saturating_add(69))?;
    let fits = |s: &str| s.contains("| a lo") && s.contains("… |") && s.lines().all(|l| l.chars().count() <= 70);
    terminal.wait("rows that fit", fits)?;
    // Numbers and times are not cut: those that have no room are named.
    terminal.resize(NonZeroU16::MIN.saturating_add(39))?;
    terminal.see("no room for ts, text; in the shell \\x")?;
    terminal.send(CTRL_C)?;
    terminal.prompt(PROMPT)?;
    // Texts go over lines.
    terminal.line("\\manual lower")?;
    terminal.see("  LOWER(text)")?;
    terminal.line("\\manual tumble")?;
    let whole = |s: &str| {
        s.rsplit("manual tumble")
            .next()
            .is_some_and(|s| s.contains("window_start") && s.contains(PROMPT) && !s.contains('…'))
    };
    terminal.wait("the whole text", whole)?;
    Ok(())
}

fn jobs() -> Result<()> {
    let home = home()?;
    let terminal = open(home.path())?;
    terminal.line(ORDERS)?;
    terminal.line("SET 'execution.checkpointing.interval' = '200 ms';")?;
    terminal.line("CREATE TABLE sink (id BIGINT, price INT) WITH ('connector' = 'filesystem', 'path' = 'out', 'format' = 'json');")?;
    terminal.line("INSERT INTO sink SELECT id, price FROM orders;")?;
    terminal.see("job sink starts; its state is in")?;
    terminal.see("1 job runs")?;
    // The session is free for other things.
    terminal.line("SELECT 5 AS five;")?;
    terminal.see("| five |")?;
    terminal.line("\\jobs")?;
    terminal.see("| sink | running |")?;
    terminal.line("\\job sink")?;
    terminal.see("| operator")?;
    terminal.send(CTRL_D)?;
    terminal.see("s stops it after a final checkpoint and leaves")?;
    terminal.send("n")?;
    checkpointed(&terminal)?;
    terminal.send(CTRL_D)?;
    terminal.wait("the question again", |s| s.trim_end().ends_with("any other key stays"))?;
    terminal.send("s")?;
    terminal.see("job sink is stopped after")?;
    ensure!(terminal.end()?.success(), "leaving did not end well");
    // What was read is written: the last checkpoint made it visible.
    ensure!(
        walk(&home.path().join("out"))?.iter().any(|(_, bytes)| bytes.starts_with(b"{\"id\":")),
        "nothing was written"
    );
    // The next session finds the job where it was.
    let terminal = open(home.path())?;
    terminal.line(ORDERS)?;
    terminal.line("CREATE TABLE sink (id BIGINT, price INT) WITH ('connector' = 'filesystem', 'path' = 'out', 'format' = 'json');")?;
    terminal.line("INSERT INTO sink SELECT id, price FROM orders;")?;
    terminal.see("job sink goes on from checkpoint")?;
    terminal.line("\\stop sink")?;
    terminal.see("job sink is stopped after")?;
    terminal.send(CTRL_D)?;
    ensure!(terminal.end()?.success(), "leaving did not end well");
    Ok(())
}

/// Looks at the jobs until one has a checkpoint.
fn checkpointed(terminal: &Terminal) -> Result<()> {
    for _ in 0..1_000 {
        terminal.line("\\checkpoints")?;
        let answered =
            |s: &str| s.trim_end().lines().last().is_some_and(|l| l.starts_with(PROMPT) && !l.contains("checkpoints")) && s.contains("| completed |");
        if terminal.wait("the checkpoints", answered)?.contains(" ago ") {
            return Ok(());
        }
    }
    bail!("there was no checkpoint")
}

fn notices() -> Result<()> {
    let home = home()?;
    std::fs::create_dir(home.path().join("in"))?;
    let terminal = open(home.path())?;
    terminal.line("CREATE TABLE source (a INT) WITH ('connector' = 'filesystem', 'path' = 'in', 'format' = 'json', 'source.monitor-interval' = '100 ms');")?;
    terminal.line("CREATE TABLE sink (a INT) WITH ('connector' = 'blackhole');")?;
    terminal.line("INSERT INTO sink SELECT a FROM source;")?;
    terminal.see("1 job runs")?;
    terminal.send("SELECT 1 AS being_typed")?;
    terminal.see("SELECT 1 AS being_typed")?;
    std::fs::write(home.path().join("in/bad.json"), "{\"a\": \"x\"}\n")?;
    let screen = terminal.wait("the notice and the line", |s| {
        s.contains("job sink has failed") && s.trim_end().lines().last().is_some_and(|l| l.contains("SELECT 1 AS being_typed"))
    })?;
    ensure!(screen.contains("error[E0700]"), "{screen}");
    terminal.line(";")?;
    terminal.see("| being_typed |")?;
    Ok(())
}

fn history() -> Result<()> {
    let home = home()?;
    let secret = "CREATE TABLE s (a INT) WITH ('connector' = 'kafka', 'properties.sasl.password' = 'hunter2', 'topic' = 't', 'format' = 'json');";
    let terminal = open(home.path())?;
    terminal.line(secret)?;
    terminal.see("error[")?;
    terminal.prompt(PROMPT)?;
    terminal.line("SELECT 41 AS first;")?;
    terminal.see("| first |")?;
    terminal.prompt(PROMPT)?;
    terminal.send(CTRL_D)?;
    ensure!(terminal.end()?.success(), "leaving did not end well");
    let files: Vec<_> = walk(&home.path().join("data"))?;
    ensure!(
        files.iter().any(|(name, _)| name.ends_with("history.sqlite3")),
        "there is no history: {files:?}",
        files = files.iter().map(|f| &f.0).collect::<Vec<_>>()
    );
    for (name, bytes) in &files {
        ensure!(!bytes.windows(7).any(|w| w == b"hunter2"), "{name} holds the secret");
    }
    ensure!(
        files.iter().any(|(_, bytes)| bytes.windows(7).any(|w| w == b"*******")),
        "the statement was not remembered"
    );
    let terminal = open(home.path())?;
    terminal.send(UP)?;
    terminal.prompt("millstream> SELECT 41 AS first;")?;
    terminal.send(UP)?;
    terminal.see("'properties.sasl.password' = '*******'")?;
    terminal.send(CTRL_C)?;
    terminal.prompt(PROMPT)?;
    terminal.send(CTRL_R)?;
    terminal.send("fir")?;
    terminal.see("search: fir")?;
    terminal.send(ENTER)?;
    terminal.see("SELECT 41 AS first;")?;
    terminal.send(CTRL_C)?;
    terminal.prompt(PROMPT)?;
    // Of this session only: nothing is before its first line.
    terminal.line("\\set history session")?;
    terminal.prompt(PROMPT)?;
    terminal.line("SELECT 42 AS second;")?;
    terminal.see("| second |")?;
    terminal.prompt(PROMPT)?;
    terminal.send(UP)?;
    terminal.prompt("millstream> SELECT 42 AS second;")?;
    terminal.send(UP)?;
    terminal.prompt("millstream> \\set history session")?;
    terminal.send(&UP.repeat(3))?;
    terminal.send("!")?;
    let screen = terminal.see("!")?;
    ensure!(!screen.trim_end().ends_with("AS first;!"), "an earlier session is gone through\n{screen}");
    terminal.send(CTRL_C)?;
    terminal.prompt(PROMPT)?;
    terminal.line("\\set history all")?;
    terminal.prompt(PROMPT)?;
    terminal.line("\\set history some")?;
    terminal.see("history all|session")?;
    Ok(())
}

/// The files below a directory with what is in them.
fn walk(directory: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(walk(&path)?);
        } else {
            found.push((path.display().to_string(), std::fs::read(&path)?));
        }
    }
    Ok(found)
}

fn pager() -> Result<()> {
    let home = home()?;
    // It says how many lines it was given.
    let terminal = Terminal::open(home.path(), &[("MILLSTREAM_PAGER", "awk 'END { print \"paged \" NR }'")])?;
    terminal.prompt(PROMPT)?;
    terminal.line("CREATE TABLE many (id INT) WITH ('connector' = 'datagen', 'number-of-rows' = '100', 'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '100');")?;
    terminal.line("SELECT id FROM many;")?;
    terminal.see("paged 105")?;
    // What fits the screen does not go there.
    terminal.line("SELECT id FROM many WHERE id > 95;")?;
    terminal.see("5 rows")?;
    terminal.line("\\set pager off")?;
    terminal.line("\\last")?;
    terminal.wait("all rows", |s| s.matches("5 rows").count() == 2)?;
    terminal.line("\\copy (SELECT id FROM many WHERE id > 98) TO 'some.csv'")?;
    terminal.see("written to some.csv")?;
    let copied = std::fs::read_to_string(home.path().join("some.csv"))?;
    let mut rows: Vec<&str> = copied.lines().collect();
    // Subtasks give them in any order.
    rows[1..].sort_unstable();
    ensure!(rows == ["id", "100", "99"], "the copy is wrong: {copied}");
    terminal.line("\\o all.txt")?;
    terminal.line("SELECT id FROM many WHERE id = 7;")?;
    terminal.line("\\o")?;
    // What is behind it is shown when it is done.
    terminal.line("SELECT 40 + 2 AS answer;")?;
    terminal.see(" 42 |")?;
    let written = std::fs::read_to_string(home.path().join("all.txt"))?;
    ensure!(written.contains("| id |") && written.contains("| 7  |"), "the file is wrong: {written}");
    Ok(())
}

fn editor() -> Result<()> {
    let home = home()?;
    std::fs::write(home.path().join("ed.sh"), "sed -i 's/before/after/' \"$1\"\n")?;
    std::fs::write(
        home.path().join("script.sql"),
        "CREATE VIEW scripted AS SELECT 1 AS from_file;\nSELECT from_file FROM scripted;\n",
    )?;
    let editor = format!("sh {}/ed.sh", home.path().display());
    let terminal = Terminal::open(home.path(), &[("EDITOR", &editor), ("VISUAL", "")])?;
    terminal.prompt(PROMPT)?;
    terminal.line("SELECT 1 AS before;")?;
    terminal.see("| before |")?;
    terminal.prompt(PROMPT)?;
    terminal.line("\\e")?;
    terminal.prompt("millstream> SELECT 1 AS after;")?;
    terminal.send(ENTER)?;
    terminal.see("| after |")?;
    terminal.line("\\i script.sql")?;
    terminal.see("| from_file |")?;
    terminal.line("\\dv")?;
    terminal.see("| scripted | view | from_file |")?;
    terminal.line("\\sc scripted")?;
    terminal.see("CREATE VIEW `default_catalog`.`default_database`.`scripted`")?;
    terminal.line("\\i nowhere.sql")?;
    terminal.see("nowhere.sql cannot be read")?;
    Ok(())
}

fn forms() -> Result<()> {
    let home = home()?;
    let terminal = open(home.path())?;
    let query = "SELECT 1 AS a, CAST(NULL AS STRING) AS b;";
    terminal.line("\\x")?;
    terminal.line(query)?;
    terminal.see("-[ row 1 ]")?;
    terminal.line(".mode jsonl")?;
    terminal.line(query)?;
    terminal.see("{\"a\":1,\"b\":null}")?;
    terminal.line(".mode markdown")?;
    terminal.line(query)?;
    terminal.see("| a | b |")?;
    terminal.line(".mode tabel")?;
    terminal.see("did you mean table?")?;
    terminal.line(".mode table")?;
    terminal.line("\\timing on")?;
    terminal.line("EXPLAIN SELECT 1 AS explained;")?;
    terminal.see("time 0.")?;
    terminal.line("\\df upper")?;
    terminal.see("UPPER(text)")?;
    terminal.line("\\watch 0.1")?;
    terminal.wait("it ran twice", |s| s.matches("every 0.1 s").count() >= 2)?;
    terminal.send(CTRL_C)?;
    terminal.prompt(PROMPT)?;
    // What was written in another form can be seen as a table again.
    terminal.line(".mode csv")?;
    terminal.line("SELECT 6 AS six;")?;
    terminal.prompt(PROMPT)?;
    terminal.line("\\last")?;
    terminal.see("| six |")?;
    // A file is not emptied for a query that is wrong.
    std::fs::write(home.path().join("keep.csv"), "precious")?;
    terminal.line("\\copy (SELECT nix FROM nowhere) TO keep.csv")?;
    terminal.see("error[E0201]")?;
    terminal.line("\\copy (SELECT nix FROM nowhere) TO new.csv")?;
    terminal.line("\\copy (SELECT 8 AS eight) TO out.csv")?;
    terminal.see("written to out.csv")?;
    ensure!(std::fs::read_to_string(home.path().join("keep.csv"))? == "precious", "the file is emptied");
    ensure!(!home.path().join("new.csv").exists(), "a file is made for nothing");
    Ok(())
}

/// What a `print` table prints stands above the line that is typed.
fn printed() -> Result<()> {
    let home = home()?;
    let terminal = open(home.path())?;
    terminal.line(ORDERS)?;
    terminal.line("CREATE TABLE p (price INT) WITH ('connector' = 'print', 'print-identifier' = 'p');")?;
    terminal.line("INSERT INTO p SELECT price FROM orders;")?;
    terminal.see("job p starts")?;
    terminal.send("SELECT 1 AS being_typed")?;
    let above = |s: &str| {
        let lines: Vec<&str> = s.trim_end().lines().collect();
        let rows = lines.iter().filter(|l| l.starts_with("p") && l.contains("+I[")).count();
        rows >= 3 && lines.last().is_some_and(|l| l.starts_with(PROMPT) && l.contains("SELECT 1 AS being_typed"))
    };
    terminal.wait("rows above the line", above)?;
    terminal.line(";")?;
    terminal.see("| being_typed |")?;
    Ok(())
}

fn plain() -> Result<()> {
    let home = home()?;
    let query = "SELECT 1 AS a, CAST(NULL AS STRING) AS b;";
    let terminal = Terminal::open(home.path(), &[("NO_COLOR", "1")])?;
    terminal.prompt(PROMPT)?;
    terminal.line(query)?;
    terminal.see("1 row")?;
    terminal.prompt(PROMPT)?;
    let coloured = |bytes: &str| {
        bytes.split("\x1b[").skip(1).any(|code| {
            code.split_once('m')
                .is_some_and(|(n, _)| n.starts_with(['3', '9']) && n.chars().all(|c| c.is_ascii_digit() || c == ';'))
        })
    };
    ensure!(!coloured(&terminal.bytes()), "there are colours: {:?}", terminal.bytes());
    // What this finds is found with colours.
    let bright = open(home.path())?;
    bright.line(query)?;
    bright.see("1 row")?;
    ensure!(coloured(&bright.bytes()), "there are no colours: {:?}", bright.bytes());

    let terminal = Terminal::open(home.path(), &[("TERM", "dumb")])?;
    terminal.prompt(PROMPT)?;
    terminal.line("SELECT 1 AS a,")?;
    terminal.see("-> ")?;
    terminal.line("2 AS b;")?;
    terminal.see("| 1 | 2 |")?;
    terminal.line(ORDERS)?;
    terminal.line("SELECT price FROM orders;")?;
    terminal.see("|     1 |")?;
    terminal.send(CTRL_C)?;
    terminal.wait("the prompt again", |s| s.trim_end().ends_with(PROMPT))?;
    ensure!(!terminal.bytes().contains('\x1b'), "a dumb terminal was sent codes: {:?}", terminal.bytes());
    terminal.line("exit")?;
    ensure!(terminal.end()?.success(), "leaving did not end well");
    Ok(())
}

const SINK: &str = "CREATE TABLE sink (id BIGINT) WITH ('connector' = 'filesystem', 'path' = 'out', 'format' = 'json');";

fn terminated() -> Result<()> {
    let home = home()?;
    let terminal = open(home.path())?;
    terminal.line(ORDERS)?;
    terminal.line("SET 'execution.checkpointing.interval' = '200 ms';")?;
    terminal.line(SINK)?;
    terminal.line("INSERT INTO sink SELECT id FROM orders;")?;
    terminal.see("1 job runs")?;
    checkpointed(&terminal)?;
    terminal.signal("TERM")?;
    ensure!(terminal.end()?.code() == Some(143), "it did not end as SIGTERM ends a program");
    // Its final checkpoint is there.
    let terminal = open(home.path())?;
    terminal.line(ORDERS)?;
    terminal.line(SINK)?;
    terminal.line("INSERT INTO sink SELECT id FROM orders;")?;
    terminal.see("job sink goes on from checkpoint")?;
    Ok(())
}

fn demo() -> Result<()> {
    let home = home()?;
    let terminal = Terminal::run(home.path(), &["demo"], &[])?;
    // Its rows, and below them what is known of the query.
    terminal.wait("a live result", |s| s.contains("| cocoa") && s.contains("/s)"))?;
    terminal.send(CTRL_C)?;
    let screen = terminal.see("millstream new shop")?;
    ensure!(screen.contains("| cocoa") && !screen.contains(PROMPT), "what was shown is gone: {screen}");
    ensure!(terminal.end()?.success(), "it failed");
    Ok(())
}

fn tap() -> Result<()> {
    let home = home()?;
    let terminal = open(home.path())?;
    terminal.line(ORDERS)?;
    terminal.line("\\tap")?;
    terminal.see("no job is running")?;
    terminal.line("CREATE TABLE sink (price INT, size STRING) WITH ('connector' = 'blackhole');")?;
    terminal.line("INSERT INTO sink SELECT price, CASE price WHEN 1 THEN 'small' ELSE 'large' END FROM orders;")?;
    terminal.see("job sink starts")?;
    terminal.line("\\tap")?;
    terminal.see("| sink:sink ")?;
    terminal.line("\\tap sink:sink")?;
    let screen = terminal.wait("rows that go into the sink", |s| {
        s.contains("| size ") && s.contains("| small |") && s.contains("Ctrl-C ends it")
    })?;
    ensure!(screen.contains("| large |"), "{screen}");
    terminal.send(CTRL_C)?;
    terminal.wait("the rows that stay", |s| s.contains(" rows\n") && !s.contains("Ctrl-C ends it"))?;
    // The job goes on.
    terminal.line("\\jobs")?;
    terminal.see("| sink | running |")?;
    terminal.line("\\tap sink:sing")?;
    terminal.see("did you mean \"sink:sink\"?")?;
    Ok(())
}

fn way() -> Result<()> {
    let home = home()?;
    let table = "CREATE TABLE n (id BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = '100000', 'rows-per-second' = '1000');";
    let terminal = open(home.path())?;
    terminal.line(table)?;
    terminal.line("SELECT id FROM n;")?;
    terminal.wait("how far the query is", |s| {
        s.contains(" % (") && s.contains(" left)") && s.contains("Ctrl-C ends it")
    })?;
    terminal.send(CTRL_C)?;
    terminal.prompt(PROMPT)?;
    std::fs::write(
        home.path().join("job.sql"),
        format!("{table} CREATE TABLE nowhere (id BIGINT) WITH ('connector' = 'blackhole'); INSERT INTO nowhere SELECT id FROM n;"),
    )?;
    let terminal = Terminal::run(home.path(), &["run", "job.sql"], &[])?;
    terminal.wait("how far the job is", |s| s.contains(" % (") && s.contains(" left)"))?;
    terminal.send(CTRL_C)?;
    ensure!(terminal.end()?.success(), "it failed");
    Ok(())
}

fn subjects() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    // A registry that is asked once.
    let serving = std::thread::spawn(move || -> Result<String> {
        let (mut connection, _) = listener.accept()?;
        let mut request = [0; 4096];
        let n = connection.read(&mut request)?;
        let body = r#"["orders-value","clicks-value"]"#;
        write!(
            connection,
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )?;
        Ok(String::from_utf8_lossy(&request[..n]).into_owned())
    });
    let home = home()?;
    let terminal = open(home.path())?;
    terminal.send(&format!(
        "CREATE TABLE t (a INT) WITH ('connector' = 'kafka', 'format' = 'avro-confluent', 'avro-confluent.url' = 'http://{address}', \
         'avro-confluent.subject' = 'ord"
    ))?;
    terminal.send(TAB)?;
    terminal.wait("the subject", |s| s.contains("orders-value"))?;
    let request = serving.join().map_err(|_| anyhow::anyhow!("the registry failed"))??;
    ensure!(request.starts_with("GET /subjects "), "{request}");
    // Now it is gone, and so is a broker.
    for (options, told) in [
        (
            "'format' = 'avro-confluent', 'avro-confluent.url' = 'http://127.0.0.1:1', 'avro-confluent.subject' = '",
            "the schema registry does not answer",
        ),
        (
            "'properties.bootstrap.servers' = '127.0.0.1:1', 'topic' = '",
            "no broker answers at 127.0.0.1:1",
        ),
    ] {
        terminal.send(CTRL_C)?;
        terminal.prompt(PROMPT)?;
        terminal.send(&format!("CREATE TABLE t (a INT) WITH ('connector' = 'kafka', {options}"))?;
        terminal.send(TAB)?;
        terminal.wait("who does not answer", |s| s.lines().any(|line| !line.contains("CREATE") && line.contains(told)))?;
    }
    Ok(())
}

fn project() -> Result<()> {
    let home = home()?;
    std::fs::write(home.path().join("millstream.toml"), "tables = 'tables.sql'")?;
    std::fs::write(home.path().join("tables.sql"), format!("{ORDERS}\nSHOW TABLES;"))?;
    let terminal = open(home.path())?;
    terminal.see("error[E0545]")?;
    terminal.line("\\q")?;
    std::fs::write(home.path().join("tables.sql"), ORDERS)?;
    let terminal = open(home.path())?;
    terminal.line("SELECT id FROM orders;")?;
    terminal.see("/s)")?;
    Ok(())
}
