//! What one text leaves to the next.

use super::{Failed, OnError, Session};
use crate::stored::tests::{Memory, Queue};
use crate::{CompileOptions, Compiled, Step, render};
use millstream_plan::{NodeSpec, explain};
use std::collections::BTreeMap;

/// A session, and what it says.
#[derive(Default)]
struct Talk {
    session: Session,
    memory: Memory,
    on_error: OnError,
}

impl Talk {
    fn compile(&mut self, text: &str) -> Result<Compiled, Failed> {
        let options = CompileOptions {
            registry: &Queue,
            catalogs: Some(&self.memory),
            variables: &BTreeMap::from([("SECRET".to_string(), "hunter2\n\n".to_string())]),
            settings: &BTreeMap::new(),
            job_name: None,
        };
        self.session.compile(text, &options, self.on_error)
    }
    /// What a text that is right comes to.
    fn say(&mut self, text: &str) -> Vec<String> {
        let compiled = self.compile(text).unwrap_or_else(|f| panic!("{text}: {:?}", f.errors));
        self.memory.apply(compiled.changes);
        shown(&compiled.steps)
    }
    /// The errors of a text as users read them, and what is left of it.
    fn fail(&mut self, text: &str) -> (String, Vec<String>) {
        let failed = self.compile(text).expect_err(text);
        self.memory.apply(failed.done.changes);
        let errors = failed.errors.iter().map(|e| render(e, text, "t"));
        (errors.collect(), shown(&failed.done.steps))
    }
    fn tables(&self) -> Vec<String> {
        self.session.known().tables.into_iter().map(|t| t.path[2].clone()).collect()
    }
}

fn shown(steps: &[Step]) -> Vec<String> {
    let step = |step: &Step| match step {
        Step::Explain(text) | Step::Statement(text) => text.clone(),
        Step::Settings(list) => format!("{list:?}"),
        Step::Query(query) => format!("query of {} columns", query.plan.nodes.last().map_or(0, |n| n.columns.len())),
        Step::Insert(job) => {
            let sinks = job.nodes.iter().filter(|n| matches!(n.spec, NodeSpec::Sink(_))).count();
            format!("job {} with {sinks} sinks", job.name)
        }
    };
    steps.iter().map(step).collect()
}

const TABLE: &str = "CREATE TABLE t (a INT, b STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'queue', 'topic' = 'x');";

#[test]
fn what_a_text_makes_holds_for_those_after_it() {
    let mut talk = Talk::default();
    talk.say(TABLE);
    talk.say("CREATE VIEW v AS SELECT a + 1 AS more FROM t; SET 'parallelism.default' = '2';");
    talk.say("CREATE DATABASE d; USE d;");
    assert_eq!(
        talk.say("SELECT * FROM default_database.v; SET;"),
        ["query of 1 columns", "[(\"parallelism.default\", \"2\")]"]
    );
    talk.say("USE default_database; ALTER TABLE t ADD c BIGINT; RESET;");
    assert_eq!(talk.say("SELECT * FROM t; SET;"), ["query of 4 columns", "[]"]);
    let known = talk.session.known();
    assert_eq!(known.tables[1].path, ["default_catalog", "default_database", "v"]);
    assert!(known.tables[1].view && !known.tables[0].view);
    assert_eq!(known.tables[1].columns, [("more".to_string(), "INT".to_string())]);
    assert_eq!(known.tables[0].columns[1], ("b".to_string(), "STRING".to_string()));
    assert_eq!(
        (known.databases, known.current_database),
        (vec!["d".to_string(), "default_database".to_string()], "default_database".to_string())
    );
    talk.say("DROP VIEW v; DROP TABLE t;");
    assert_eq!(talk.tables(), [""; 0]);
}

#[test]
fn a_file_and_its_statements_one_by_one_give_the_same_plans() {
    let texts = [
        TABLE,
        "CREATE TABLE o (a INT, n BIGINT) WITH ('connector' = 'queue');",
        "CREATE VIEW v AS SELECT a, ts FROM t /*+ OPTIONS('topic' = 'y') */ WHERE a > 0;",
        "SET 'parallelism.default' = '3';",
        "INSERT INTO o SELECT MAX(a), COUNT(*) FROM TUMBLE(TABLE v, DESCRIPTOR(ts), INTERVAL '1' MINUTE) GROUP BY window_start, window_end;",
    ];
    let plan = |compiled: Compiled| match compiled.steps.last() {
        Some(Step::Insert(job)) => (explain(job), job.to_text().unwrap()),
        other => panic!("{other:?}"),
    };
    let whole = plan(Talk::default().compile(&texts.concat()).unwrap());
    assert!(whole.1.contains("\"y\""), "the hint is in the plan: {}", whole.1);
    let mut talk = Talk::default();
    for text in &texts[..4] {
        talk.say(text);
    }
    assert_eq!(plan(talk.compile(texts[4]).unwrap()), whole);
}

#[test]
fn hints_and_errors_of_other_texts_stay_theirs() {
    let mut talk = Talk::default();
    talk.say(TABLE);
    talk.say("CREATE VIEW v AS SELECT a FROM t;");
    // The same line and columns as `FROM t` had, with a hint behind it.
    let (errors, _) = talk.fail("CREATE VIEW w AS SELECT 1 FROM u /*+ OPTIONS('topic' = 'z') */;");
    assert!(errors.contains("\"u\" does not exist"), "{errors}");
    talk.say("ALTER TABLE t DROP a;");
    let (errors, _) = talk.fail("\n\nSELECT 1,\n  2 FROM v");
    assert!(errors.contains("column \"a\" does not exist\n --> t:4:10"), "{errors}");
    let (errors, _) = talk.fail("ALTER TABLE t MODIFY ts STRING;");
    assert!(errors.contains(" --> t:1:13"), "{errors}");
}

#[test]
fn statements_before_the_wrong_one_have_their_effect() {
    let mut talk = Talk::default();
    talk.say(TABLE);
    let text = "CREATE TABLE u (a INT) WITH ('connector' = 'queue');\nSELECT a FROM u; INSERT INTO u SELECT a FROM t;\nSELECT nope FROM t;\n\
                DROP TABLE t; SET 'parallelism.default' = '7'; SELECT neither FROM u;";
    let (errors, left) = talk.fail(text);
    assert!(errors.contains("--> t:3:8") && errors.contains("\"neither\""), "{errors}");
    assert_eq!(left, ["query of 1 columns"]);
    assert_eq!(talk.tables(), ["t", "u"]);
    assert_eq!(talk.say("SET;"), ["[]"]);
    // What is no statement stops as well, and the rest is not looked at.
    let (errors, left) = talk.fail("SELECT 1; CREATE TABL w (a INT); SELECT * FROM w;");
    assert!(errors.contains("E0102") && !errors.contains("E0201"), "{errors}");
    assert_eq!(left, ["query of 1 columns"]);
    // What a wrong statement was to change is as it was.
    for text in ["ALTER TABLE u ADD;", "ALTER TABLE u MODIFY nope INT;", "DROP TABLE u u;", "CREATE TABLE u (;"] {
        let (_, left) = talk.fail(text);
        assert_eq!((left.len(), talk.tables()), (0, vec!["t".to_string(), "u".to_string()]), "{text}");
    }
    // What cannot be cut into statements has no effect.
    for text in ["DROP TABLE u; SELECT 'open;", "DROP TABLE u; SELECT '${NONE}';"] {
        assert_eq!(talk.fail(text).1, [""; 0]);
        assert_eq!(talk.tables(), ["t", "u"]);
    }
}

#[test]
fn going_on_leaves_out_the_wrong_ones() {
    let mut talk = Talk {
        on_error: OnError::Continue,
        ..Talk::default()
    };
    let text = format!(
        "{TABLE}CREATE TABL w (a INT); SELECT nope FROM t; CREATE TABLE u (a INT) WITH ('connector' = 'queue'); INSERT INTO u SELECT a FROM t;
         INSERT INTO u SELECT b FROM t; INSERT INTO u SELECT a + 1 FROM t; SELECT 1;"
    );
    let (errors, left) = talk.fail(&text);
    assert_eq!(errors.matches("error[").count(), 3, "{errors}");
    assert_eq!(left, ["query of 1 columns", "job u with 2 sinks"]);
    // A statement set is one statement.
    let (_, left) = talk.fail("EXECUTE STATEMENT SET BEGIN INSERT INTO u SELECT a FROM t; INSERT INTO u SELECT b FROM t; END;");
    assert_eq!(left, [""; 0]);
}

#[test]
fn a_wrong_statement_has_no_effect_at_all() {
    let mut talk = Talk::default();
    talk.say(TABLE);
    // The table could be made, its rows cannot be inserted.
    let (errors, _) = talk.fail("CREATE TABLE c (x INT NOT NULL) WITH ('connector' = 'queue') AS SELECT a FROM t;");
    assert!(errors.contains("\"x\" is NOT NULL"), "{errors}");
    let (_, left) = talk.fail("SELECT a /*+ OPTIONS('topic' = 'z') */ FROM t; SELECT 1;");
    assert_eq!(left, [""; 0]);
    let (errors, _) = talk.fail("DROP TABLE t /*+ OPTIONS('topic' = 'z') */;");
    assert!(errors.contains("E0102"), "{errors}");
    assert_eq!(talk.tables(), ["t"]);
}

#[test]
fn jobs_are_called_after_the_table_they_write() {
    let mut talk = Talk::default();
    talk.say(TABLE);
    talk.say("CREATE TABLE o (a INT) WITH ('connector' = 'queue'); CREATE DATABASE d; CREATE TABLE d.p (a INT) WITH ('connector' = 'queue');");
    assert_eq!(talk.say("INSERT INTO o SELECT a FROM t;"), ["job o with 1 sinks"]);
    assert_eq!(
        talk.say("INSERT INTO d.p SELECT a FROM t; INSERT INTO o SELECT a FROM t;"),
        ["job d.p with 2 sinks"]
    );
    assert_eq!(
        talk.say("CREATE TABLE q WITH ('connector' = 'queue') AS SELECT a FROM t;"),
        ["job q with 1 sinks"]
    );
    assert_eq!(
        talk.say("SET 'pipeline.name' = 'mine'; INSERT INTO o SELECT a FROM t;"),
        ["job mine with 1 sinks"]
    );
}

#[test]
fn what_is_set_from_the_beginning_comes_back_with_reset() {
    let setting = |value: &str| BTreeMap::from([("parallelism.default".to_string(), value.to_string())]);
    let mut talk = Talk {
        session: Session::new(setting("2")),
        ..Talk::default()
    };
    let listed = |n: u32| [format!("[(\"parallelism.default\", \"{n}\")]")];
    assert_eq!(talk.say("SET;"), listed(2));
    assert_eq!(talk.say("SET 'parallelism.default' = '3'; SET;"), listed(3));
    assert_eq!(talk.say("RESET 'parallelism.default'; SET;"), listed(2));
    assert_eq!(talk.say("SET 'parallelism.default' = '3'; SET 'pipeline.name' = 'x'; RESET; SET;"), listed(2));
    // What an argument says stays, and that is told.
    let options = CompileOptions {
        registry: &Queue,
        catalogs: None,
        variables: &BTreeMap::new(),
        settings: &setting("5"),
        job_name: None,
    };
    let text = "SET 'parallelism.default' = '5'; SET 'parallelism.default' = '4'; SET;";
    let compiled = talk.session.compile(text, &options, OnError::Stop).unwrap();
    assert_eq!(shown(&compiled.steps), listed(5));
    let [warning] = compiled.findings.as_slice() else {
        panic!("{:?}", compiled.findings);
    };
    assert!(
        warning.message.contains("has no effect") && warning.primary.is_some_and(|s| s.start.column == 34),
        "{warning:?}"
    );
}

#[test]
fn stored_catalogs_are_changed_by_what_had_its_effect() {
    let mut talk = Talk::default();
    talk.say("CREATE CATALOG c WITH ('type' = 'filesystem'); USE CATALOG c;");
    // The value of the variable has more lines than its name: places behind it are those of the text.
    let text = "CREATE TABLE s (a INT) WITH ('connector' = 'queue', 'password' = '${SECRET}');\nSELECT nope FROM s;\nCREATE TABLE u (a INT) WITH ('connector' = 'queue');";
    let (errors, _) = talk.fail(text);
    assert!(errors.contains("--> t:2:8"), "{errors}");
    let mut other = Talk {
        memory: talk.memory,
        ..Talk::default()
    };
    other.say("CREATE CATALOG c WITH ('type' = 'filesystem'); USE CATALOG c;");
    assert_eq!(other.tables(), ["s"]);
    assert_eq!(other.session.known().tables[0].columns, []);
    assert_eq!(other.say("SELECT * FROM s;"), ["query of 1 columns"]);
    assert_eq!(other.session.known().tables[0].columns, [("a".to_string(), "INT".to_string())]);
}
