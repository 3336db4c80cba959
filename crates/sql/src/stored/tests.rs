//! Files that make, use and change a catalog kept in memory.

use crate::{CatalogChange, CatalogStore, ChangeKind, CompileOptions, Step, StoredCatalog, StoredName, StoredText, compile, render};
use millstream_dataflow::option::{OptionSpec, OptionType};
use millstream_dataflow::{ConnectorSpec, Error, FormatSpec, MetadataColumn, Registry, Result, TableSpec};
use std::collections::{BTreeMap, BTreeSet};

const CONNECTOR: ConnectorSpec = ConnectorSpec {
    name: "queue",
    doc: "For tests.",
    source: true,
    sink: true,
    options: &[
        OptionSpec::new("topic", OptionType::Text, "Which."),
        OptionSpec::new("password", OptionType::Secret, "A secret."),
    ],
    formats: &[],
    metadata: &[MetadataColumn {
        key: "offset",
        ty: "BIGINT",
        writable: false,
        doc: "Where.",
    }],
    changes: true,
    ends: |_| false,
};

pub(crate) struct Queue;

impl Registry for Queue {
    fn connectors(&self) -> &[&'static ConnectorSpec] {
        &[&CONNECTOR]
    }
    fn formats(&self) -> &[&'static FormatSpec] {
        &[]
    }
    fn check(&self, _table: &TableSpec) -> Vec<Error> {
        Vec::new()
    }
}

/// One catalog, whose texts are by database and name.
#[derive(Default)]
pub(crate) struct Memory(BTreeMap<String, BTreeMap<String, String>>);

impl CatalogStore for Memory {
    fn options(&self) -> &'static [OptionSpec] {
        &[]
    }
    fn open(&self, _options: &BTreeMap<String, String>) -> Result<StoredCatalog> {
        let names = |texts: &BTreeMap<String, String>| texts.keys().cloned().collect::<BTreeSet<_>>();
        Ok(StoredCatalog {
            number: 0,
            databases: self.0.iter().map(|(d, texts)| (d.clone(), names(texts))).collect(),
        })
    }
    fn read(&self, name: &StoredName) -> Result<StoredText> {
        Ok(StoredText {
            location: format!("memory/{}/{}", name.database, name.name),
            text: self.0[&name.database][&name.name].clone(),
        })
    }
}

impl Memory {
    pub(crate) fn apply(&mut self, changes: Vec<CatalogChange>) {
        for change in changes {
            match change.kind {
                ChangeKind::Create(name, text) => assert_eq!(self.0.entry(name.database).or_default().insert(name.name, text), None),
                ChangeKind::Replace(name, text) => assert!(self.0.entry(name.database).or_default().insert(name.name, text).is_some()),
                ChangeKind::Remove(name) => assert!(self.0.entry(name.database).or_default().remove(&name.name).is_some()),
                ChangeKind::CreateDatabase { database, .. } => assert_eq!(self.0.insert(database, BTreeMap::new()), None),
                ChangeKind::DropDatabase { database, .. } => assert!(self.0.remove(&database).is_some()),
            }
        }
    }
    /// Runs a file that uses the catalog: what it shows, or its errors as users read them.
    fn run(&mut self, sql: &str, variables: &[(&str, &str)]) -> Result<String, String> {
        let text = format!("CREATE CATALOG c WITH ('type' = 'filesystem'); USE CATALOG c;\n{sql}");
        let options = CompileOptions {
            registry: &Queue,
            catalogs: Some(self),
            variables: &variables.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect(),
            settings: &BTreeMap::new(),
            job_name: Some("job"),
        };
        let compiled = compile(&text, &options).map_err(|errors| errors.iter().map(|e| render(e, &text, "f")).collect::<String>())?;
        self.apply(compiled.changes);
        let shown = compiled.steps.into_iter().map(|step| match step {
            Step::Explain(text) | Step::Statement(text) => text,
            Step::Query(query) => query.plan.to_text().unwrap(),
            Step::Insert(job) => millstream_plan::explain(&job),
            Step::Settings(_) => String::new(),
        });
        Ok(shown.collect())
    }
    fn text(&self, name: &str) -> &str {
        &self.0["default"][name]
    }
}

const TABLE: &str = "CREATE TABLE t (
  id BIGINT, name ROW<a STRING, `b c` DECIMAL(10, 2)> COMMENT 'it''s', m MAP<STRING, ARRAY<INT>>, ts TIMESTAMP(3), l TIMESTAMP_LTZ(3),
  o BIGINT METADATA FROM 'offset' VIRTUAL, twice AS CAST(id AS INT) * 2, p AS PROCTIME(), w AS name.a || '''`',
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND, PRIMARY KEY (id) NOT ENFORCED
) COMMENT 'all of it' PARTITIONED BY (id) WITH ('connector' = 'queue', 'topic' = 'it''s');";
const VIEW: &str = "CREATE VIEW v (`a b`, n) AS SELECT window_end, COUNT(*) FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE)
  WHERE name.a LIKE '%''x' GROUP BY window_start, window_end;";
const SHOW: &str = "SHOW CREATE TABLE t; SHOW CREATE VIEW v; EXPLAIN SELECT `a b`, n FROM v; EXPLAIN SELECT * FROM t;";

#[test]
fn another_file_finds_the_same_tables_and_views() {
    let mut memory = Memory::default();
    let made = memory.run(&format!("{TABLE}{VIEW}{SHOW}"), &[]).unwrap();
    assert!(made.contains("TUMBLE") || made.contains("window"), "{made}");
    assert_eq!(memory.run(SHOW, &[]).unwrap(), made);
    assert_eq!(
        memory.text("v"),
        "CREATE VIEW `v` (\n  `a b`,\n  `n`\n)\nAS SELECT window_end, COUNT(*) FROM TUMBLE(TABLE(t), DESCRIPTOR(ts), INTERVAL '1' MINUTE) WHERE name.a LIKE '%''x' GROUP BY window_start, window_end\n"
    );
    let table = memory.text("t");
    assert!(
        table.starts_with("CREATE TABLE `t` (\n  `id` BIGINT NOT NULL,\n") && table.ends_with("'topic' = 'it''s'\n)\n"),
        "{table}"
    );
    // It is there: IF NOT EXISTS leaves it alone, without it is an error.
    memory
        .run(
            "CREATE TABLE IF NOT EXISTS t (other INT) WITH ('connector' = 'queue'); CREATE VIEW IF NOT EXISTS v AS SELECT 1;",
            &[],
        )
        .unwrap();
    assert!(memory.run(TABLE, &[]).unwrap_err().contains("E0204"));
    assert_eq!(memory.run(SHOW, &[]).unwrap(), made);
}

#[test]
fn changes_are_kept_in_their_order() {
    let mut memory = Memory::default();
    memory
        .run(
            &format!("{TABLE}CREATE DATABASE d; CREATE TABLE d.u LIKE t; CREATE TEMPORARY TABLE gone LIKE t; DROP TABLE gone;"),
            &[],
        )
        .unwrap();
    assert_eq!(memory.0.keys().collect::<Vec<_>>(), ["d", "default"]);
    memory
        .run(
            "ALTER TABLE t ADD (more INT); ALTER TABLE t SET ('topic' = 'new'); ALTER TABLE t RENAME TO d.t2; DROP TABLE d.u;
             CREATE TABLE s WITH ('connector' = 'queue') AS SELECT id, more FROM d.t2;",
            &[],
        )
        .unwrap();
    assert_eq!(memory.0["d"].keys().collect::<Vec<_>>(), ["t2"]);
    assert_eq!(memory.0["default"].keys().collect::<Vec<_>>(), ["s"]);
    assert!(memory.0["d"]["t2"].contains("`more` INT") && memory.0["d"]["t2"].contains("'topic' = 'new'"));
    assert!(memory.run("DROP DATABASE d;", &[]).unwrap_err().contains("E0210"));
    assert!(
        memory
            .run("CREATE DATABASE e; USE e; DROP DATABASE `default`;", &[])
            .unwrap_err()
            .contains("always has")
    );
    memory
        .run("DROP DATABASE d CASCADE; DROP TABLE s; USE CATALOG default_catalog; DROP CATALOG c;", &[])
        .unwrap();
    assert_eq!(memory.0.values().map(BTreeMap::len).sum::<usize>(), 0);
    assert_eq!(memory.0.keys().collect::<Vec<_>>(), ["default"]);
    // Nothing of a file with an error is kept.
    assert!(memory.run(&format!("{TABLE}SELECT nothing FROM t;"), &[]).is_err());
    assert!(memory.0["default"].is_empty());
}

#[test]
fn secrets_are_kept_as_variables_only() {
    let mut memory = Memory::default();
    let table = |value: &str| format!("CREATE TABLE t (a INT) WITH ('connector' = 'queue', 'topic' = '${{TOPIC}}', 'password' = {value});");
    let variables = [("PW", "hunter2"), ("USER", "me"), ("TOPIC", "it"), ("Q", "'hunter2'")];
    for value in ["'hunter2'", "'hunter2${USER}'", "'x${PW}'", "${Q}", "/* x */ 'a'", "''"] {
        let error = memory.run(&table(value), &variables).unwrap_err();
        assert!(
            error.contains("E0530") && error.contains("-D NAME=value") && !error.contains("hunter2"),
            "{error}"
        );
    }
    memory.run(&format!("{}CREATE TABLE u LIKE t;", table("'${USER}:${PW}'")), &variables).unwrap();
    for name in ["t", "u"] {
        assert!(
            memory.text(name).contains("'password' = '${USER}:${PW}',\n  'topic' = 'it'"),
            "{}",
            memory.text(name)
        );
    }
    let job = memory.run("EXPLAIN INSERT INTO t SELECT 1; SHOW CREATE TABLE t;", &variables).unwrap();
    assert!(job.contains("******") && !job.contains("hunter2"), "{job}");
    // What is done with the tables of other files keeps the variables, too.
    memory
        .run(
            "ALTER TABLE t ADD (b INT); CREATE TABLE w LIKE u; ALTER TABLE u SET ('password' = '${PW}');",
            &variables,
        )
        .unwrap();
    assert!(memory.text("t").contains("'${USER}:${PW}'") && memory.text("w").contains("'${USER}:${PW}'") && memory.text("u").contains("'password' = '${PW}'"));
    // A variable is missed where the table is named, and only there; dropping it needs none.
    memory
        .run(
            "SHOW TABLES; SHOW VIEWS; CREATE TABLE other (a INT) WITH ('connector' = 'queue'); INSERT INTO other SELECT 1;",
            &[],
        )
        .unwrap();
    let error = memory.run("SELECT a\nFROM t;", &[("PW", "x")]).unwrap_err();
    assert!(
        error.contains("E0505") && error.contains("f:3:6") && error.contains("memory/default/t, line") && error.contains("${USER}"),
        "{error}"
    );
    memory.run("DROP TABLE t;", &[]).unwrap();
}

#[test]
fn wrong_texts_are_told_where_they_are_named() {
    let mut memory = Memory::default();
    memory.run(&format!("{TABLE}{VIEW}"), &[]).unwrap();
    let database = memory.0.get_mut("default").unwrap();
    for (name, text) in [
        ("broken", "CREATE TABLE broken (\n  a INTT\n) WITH ('connector' = 'queue')"),
        ("option", "CREATE TABLE x (a INT) WITH (\n 'connector' = 'queue',\n\n 'tpoic' = 'a')"),
        ("two", "CREATE VIEW a AS SELECT 1;\nCREATE VIEW b AS SELECT 1"),
        ("other", "DROP TABLE t"),
        ("none", "-- nothing"),
        ("temporary", "CREATE TEMPORARY TABLE t (a INT) WITH ('connector' = 'queue')"),
        ("like", "CREATE TABLE a\nLIKE t"),
        ("hinted", "CREATE VIEW hinted AS\nSELECT id FROM t /*+ OPTIONS('topic' = 'x') */"),
        ("lost", "CREATE VIEW lost AS SELECT a FROM nowhere"),
        ("again", "CREATE VIEW again AS SELECT x FROM lost"),
    ] {
        database.insert(name.to_string(), text.to_string());
    }
    memory.run("SHOW TABLES; SHOW VIEWS; SELECT id FROM t; SELECT n FROM v;", &[]).unwrap();
    for (name, code, part) in [
        ("broken", "E0301", "memory/default/broken, line 2"),
        ("option", "E0501", "memory/default/option, line 4"),
        ("two", "E0213", "memory/default/two, line 2"),
        ("other", "E0213", "memory/default/other, line 1"),
        ("none", "E0213", "memory/default/none"),
        ("temporary", "E0213", "memory/default/temporary, line 1"),
        ("`like`", "E0213", "memory/default/like, line 1"),
        ("hinted", "E0101", "memory/default/hinted, line 2"),
        ("lost", "E0201", "memory/default/lost"),
        ("again", "E0201", "memory/default/again: memory/default/lost"),
    ] {
        let error = memory.run(&format!("SELECT 1,\n  2 FROM {name};"), &[]).unwrap_err();
        assert!(error.contains(code) && error.contains("f:3:10") && error.contains(part), "{name}: {error}");
        assert_eq!(error.matches("error[").count(), 1, "{error}");
    }
    memory.run("DROP TABLE broken; DROP TABLE other; DROP VIEW two; DROP VIEW lost;", &[]).unwrap();
    assert!(memory.run("DROP VIEW option;", &[]).unwrap_err().contains("use DROP TABLE"));
}

#[test]
fn views_mean_what_they_meant() {
    let mut memory = Memory::default();
    memory.run(&format!("{TABLE}CREATE DATABASE d;"), &[]).unwrap();
    for (sql, part) in [
        ("CREATE VIEW d.v AS SELECT id FROM t;", "USE c.d first"),
        (
            "USE CATALOG default_catalog; CREATE VIEW c.d.v AS SELECT 1;",
            "those of default_catalog.default_database",
        ),
        ("CREATE VIEW v AS SELECT id FROM t; ALTER VIEW v RENAME TO d.v;", "USE c.d first"),
        ("CREATE VIEW v AS SELECT id FROM t /*+ OPTIONS('topic' = 'x') */;", "E0101"),
        ("CREATE TABLE u (a STRING COMMENT '${NAME}') WITH ('connector' = 'queue');", "E0505"),
    ] {
        let error = memory.run(sql, &[]).unwrap_err();
        assert!(error.contains(part), "{sql}: {error}");
    }
    let error = memory.run(
        "CREATE TABLE u (a STRING COMMENT '${NAME}') WITH ('connector' = 'queue');",
        &[("NAME", "${NAME}")],
    );
    assert!(error.unwrap_err().contains("has the form of a variable"));
    // The same names stand for the same tables, whatever is current.
    memory
        .run(
            "USE d; CREATE TABLE t (other INT) WITH ('connector' = 'queue'); CREATE VIEW v AS SELECT other FROM t;",
            &[],
        )
        .unwrap();
    memory
        .run("CREATE VIEW v AS SELECT id FROM t; CREATE TEMPORARY VIEW d.w AS SELECT id FROM t;", &[])
        .unwrap();
    memory
        .run(
            "SELECT id FROM v; SELECT other FROM d.v; USE d; SELECT other FROM v; SELECT id FROM c.`default`.v;",
            &[],
        )
        .unwrap();
    memory.run("ALTER VIEW v RENAME TO w; SELECT id FROM w; DROP VIEW w;", &[]).unwrap();
    assert!(memory.run("SELECT id FROM w;", &[]).unwrap_err().contains("E0201"));
    assert!(!memory.0["d"].contains_key("w"));
}
