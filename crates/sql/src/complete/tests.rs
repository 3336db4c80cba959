use super::{Completion, SuggestionKind, Wanted, complete};
use crate::known::{Known, KnownTable};
use millstream_dataflow::option::{OptionSpec, OptionType};
use millstream_dataflow::{ConnectorSpec, Error, FormatSpec, MetadataColumn, Registry, TableSpec};

struct Connectors;

const KAFKA: ConnectorSpec = ConnectorSpec {
    name: "kafka",
    doc: "Reads and writes topics. More of it.",
    source: true,
    sink: true,
    options: &[
        OptionSpec::new("properties.*", OptionType::Text, "Passed on."),
        OptionSpec::new("scan.startup.mode", OptionType::OneOf(&["earliest-offset", "latest-offset"]), "Where to start.").default("latest-offset"),
        OptionSpec::new("topic", OptionType::Text, "The topic.").required(),
        OptionSpec::new("fields.#.kind", OptionType::Text, "Of a column."),
    ],
    formats: &["avro", "json"],
    metadata: &[MetadataColumn {
        key: "offset",
        ty: "BIGINT NOT NULL",
        writable: false,
        doc: "Its place.",
    }],
    changes: false,
    ends: |_| false,
};
const FILES: ConnectorSpec = ConnectorSpec {
    name: "filesystem",
    doc: "Files.",
    options: &[OptionSpec::new("path", OptionType::Text, "Where.").required()],
    formats: &["json"],
    metadata: &[],
    ..KAFKA
};
const DATAGEN: ConnectorSpec = ConnectorSpec {
    name: "datagen",
    doc: "Makes rows.",
    sink: false,
    ..FILES
};
const JSON: FormatSpec = FormatSpec {
    name: "json",
    doc: "Objects.",
    options: &[OptionSpec::new("json.ignore-parse-errors", OptionType::Boolean, "Skip them.").default("false")],
    changes: false,
    skips: false,
};

impl Registry for Connectors {
    fn connectors(&self) -> &[&'static ConnectorSpec] {
        &[&DATAGEN, &FILES, &KAFKA]
    }
    fn formats(&self) -> &[&'static FormatSpec] {
        &[&JSON]
    }
    fn check(&self, _table: &TableSpec) -> Vec<Error> {
        Vec::new()
    }
}

fn known() -> Known {
    let table = |path: [&str; 3], view, columns: &[(&str, &str)]| KnownTable {
        path: path.map(str::to_string).to_vec(),
        view,
        columns: columns.iter().map(|(n, t)| (n.to_string(), t.to_string())).collect(),
        connector: (!view).then(|| if path[2] == "ticks" { "datagen" } else { "kafka" }.to_string()),
    };
    let here = |name| ["default_catalog", "default_database", name];
    Known {
        tables: vec![
            table(
                here("clicks"),
                false,
                &[
                    ("page", "STRING"),
                    ("ts", "TIMESTAMP(3)"),
                    ("visitor", "ROW<name STRING, at ROW<x INT, y INT>>"),
                ],
            ),
            table(here("order"), false, &[("id", "BIGINT"), ("page", "STRING")]),
            table(here("pages"), true, &[("page", "STRING"), ("Title case", "STRING")]),
            table(here("ticks"), false, &[]),
            table(["default_catalog", "shop", "items"], false, &[("price", "DECIMAL(10, 2)")]),
            table(["lake", "raw", "events"], false, &[("at", "TIMESTAMP_LTZ(3)")]),
        ],
        catalogs: vec!["default_catalog".to_string(), "lake".to_string()],
        databases: vec!["default_database".to_string(), "shop".to_string()],
        current_catalog: "default_catalog".to_string(),
        current_database: "default_database".to_string(),
        settings: vec![("parallelism.default".to_string(), "2".to_string())],
    }
}

/// Completes at the `|`.
fn at(text: &str) -> (Completion, String) {
    let cursor = text.find('|').expect("a cursor");
    let text = text.replacen('|', "", 1);
    (complete(&text, cursor, &known(), &Connectors), text)
}

/// The suggested texts, those of a kind only if one is given.
fn texts(text: &str, kind: Option<SuggestionKind>) -> Vec<String> {
    let suggestions = at(text).0.suggestions.into_iter();
    suggestions.filter(|s| kind.is_none_or(|k| s.kind == k)).map(|s| s.text).collect()
}

#[track_caller]
fn all(text: &str, expected: &[&str]) {
    assert_eq!(texts(text, None), expected, "{text}");
}

#[track_caller]
fn of(kind: SuggestionKind, text: &str, expected: &[&str]) {
    assert_eq!(texts(text, Some(kind)), expected, "{text}");
}

/// The text with a suggestion taken.
#[track_caller]
fn taken(text: &str, label: &str, expected: &str) {
    let (completion, text) = at(text);
    let suggestion = completion.suggestions.iter().find(|s| s.label == label);
    let suggestion = suggestion.unwrap_or_else(|| panic!("{text}: no {label} in {:?}", completion.suggestions));
    let mut after = text.clone();
    after.replace_range(completion.replace, &suggestion.text);
    assert_eq!(after, expected, "{text}");
}

#[test]
fn statements_begin_with_their_words() {
    all("se|", &["select", "set", "execute statement set begin", "begin statement set"]);
    all("SEL|", &["SELECT"]);
    all("SELECT 1; ins|", &["insert into"]);
    all("INSERT |", &["INTO"]);
    all("EXECUTE STATEMENT SET BEGIN |", &["INSERT INTO", "END"]);
    all("EXECUTE STATEMENT SET BEGIN INSERT INTO order SELECT 1; |", &["INSERT INTO", "END"]);
    all("BEGIN STATEMENT SET; INSERT INTO a SELECT 1; END; ins|", &["insert into"]);
    all("EXPLAIN |", &["SELECT", "INSERT INTO", "WITH", "STATEMENT SET BEGIN", "PLAN FOR"]);
    all("-- se|", &[]);
    all("/* se| */", &[]);
    all("SELECT 12|", &[]);
}

#[test]
fn tables_stand_behind_from() {
    use SuggestionKind::{Alias, Database, Table, View};
    of(Table, "SELECT * FROM |", &["clicks", "`order`", "ticks"]);
    of(View, "SELECT * FROM |", &["pages"]);
    of(Database, "SELECT * FROM |", &["shop"]);
    of(Table, "SELECT * FROM shop.|", &["items"]);
    of(Database, "SELECT * FROM lake.|", &["raw"]);
    of(Table, "SELECT * FROM lake.raw.|", &["events"]);
    of(Alias, "WITH hot AS (SELECT page FROM clicks) SELECT * FROM h|", &["hot"]);
    of(Table, "SELECT * FROM clicks, |", &["clicks", "`order`", "ticks"]);
    of(Table, "SELECT * FROM (SELECT * FROM c|", &["clicks"]);
    of(Table, "SELECT * FROM TABLE(TUMBLE(TABLE |", &["clicks", "`order`", "ticks"]);
    of(Table, "SELECT * FROM HOP(TABLE c|", &["clicks"]);
    taken("SELECT * FROM or|", "order", "SELECT * FROM `order`");
    taken("SELECT * FROM `or|", "order", "SELECT * FROM `order`");
    taken("SELECT * FROM cl| WHERE 1 = 1", "clicks", "SELECT * FROM clicks WHERE 1 = 1");
    all("SELECT * FROM clicks |", &["WHERE", "GROUP BY", "AS", "UNION ALL"]);
    all("SELECT * FROM clicks AS |", &[]);
    all("SELECT * FROM clicks c W|", &["WHERE"]);
    of(Table, "INSERT INTO |", &["clicks", "`order`"]);
    of(View, "INSERT INTO |", &[]);
    of(Table, "DESCRIBE cl|", &["clicks"]);
    of(View, "DESCRIBE p|", &["pages"]);
    of(Table, "DROP TABLE IF EXISTS |", &["clicks", "`order`", "ticks"]);
    of(View, "DROP VIEW |", &["pages"]);
    of(Table, "DROP VIEW |", &[]);
    of(Table, "ALTER TABLE cl|", &["clicks"]);
    of(Table, "SHOW CREATE TABLE |", &["clicks", "`order`", "ticks"]);
}

#[test]
fn columns_are_those_in_scope() {
    use SuggestionKind::{Alias, Column};
    of(Column, "SELECT | FROM clicks", &["page", "ts", "visitor"]);
    of(Column, "SELECT p| FROM clicks", &["page"]);
    of(Column, "SELECT page, | FROM clicks", &["page", "ts", "visitor"]);
    of(Column, "SELECT UPPER(| FROM clicks", &["page", "ts", "visitor"]);
    of(Column, "SELECT COUNT(|) FROM clicks", &["page", "ts", "visitor"]);
    of(Column, "SELECT * FROM clicks WHERE |", &["page", "ts", "visitor"]);
    of(Column, "SELECT * FROM clicks WHERE page = 'a' AND v|", &["visitor"]);
    of(Column, "SELECT * FROM clicks GROUP BY |", &["page", "ts", "visitor"]);
    of(Column, "SELECT visitor v, page p, MAX(ts) FROM clicks GROUP BY |", &["page", "visitor", "ts"]);
    of(
        Column,
        "SELECT c.ts AS t, COUNT(*) FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) c GROUP BY |",
        &["window_start", "window_end", "ts", "page", "visitor", "window_time"],
    );
    of(Column, "SELECT c.| FROM clicks AS c", &["page", "ts", "visitor"]);
    of(Column, "SELECT c.| FROM clicks AS c, `order` o", &["page", "ts", "visitor"]);
    of(Column, "SELECT p| FROM clicks AS c, `order` o", &["c.page", "o.page"]);
    of(Alias, "SELECT | FROM clicks c, `order`", &["c", "`order`"]);
    of(Column, "SELECT | FROM pages", &["page", "`Title case`"]);
    of(Column, "SELECT visitor.| FROM clicks", &["name", "at"]);
    of(Column, "SELECT c.visitor.at.| FROM clicks c", &["x", "y"]);
    of(
        Column,
        "SELECT | FROM (SELECT page AS p, COUNT(*) n, ts, 1 FROM clicks) AS s",
        &["p", "n", "ts", "`EXPR$3`"],
    );
    of(Column, "WITH a AS (SELECT ts FROM clicks), b (t) AS (SELECT * FROM a) SELECT | FROM b", &["t"]);
    of(Column, "WITH a AS (SELECT | FROM clicks) SELECT * FROM a", &["page", "ts", "visitor"]);
    of(Column, "INSERT INTO `order` SELECT | FROM clicks", &["page", "ts", "visitor"]);
    of(Column, "INSERT INTO `order` (|", &["id", "page"]);
    of(Column, "INSERT INTO `order` (id, |) SELECT 1", &["page"]);
    of(Column, "SELECT * FROM clicks UNION ALL SELECT | FROM `order`", &["id", "page"]);
    of(Column, "CREATE VIEW v AS SELECT | FROM `order`", &["id", "page"]);
    of(Column, "EXPLAIN SELECT | FROM `order`", &["id", "page"]);
    of(Column, "SELECT | FROM lake.raw.events", &["at"]);
    of(Column, "SELECT page FROM clicks WHERE page IN (SELECT | FROM `order`)", &["id", "page"]);
}

#[test]
fn windows_have_their_own_columns() {
    use SuggestionKind::Column;
    let columns = ["page", "ts", "visitor", "window_start", "window_end", "window_time"];
    of(
        Column,
        "SELECT | FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '1' MINUTE))",
        &columns,
    );
    of(
        Column,
        "SELECT page FROM TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '1' MINUTE) GROUP BY w|",
        &["window_start", "window_end", "window_time"],
    );
    of(
        Column,
        "SELECT w.window_| FROM TABLE(HOP(DATA => TABLE clicks, TIMECOL => DESCRIPTOR(ts))) w",
        &["window_start", "window_end", "window_time"],
    );
    of(Column, "SELECT * FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(|", &["ts"]);
    all("SELECT * FROM TABLE(|", &["TUMBLE(", "HOP("]);
    all("SELECT * FROM TABLE(TUMBLE(|", &["TABLE", "DATA => TABLE"]);
    all("SELECT * FROM TABLE(TUMBLE(TABLE clicks, |", &["DESCRIPTOR("]);
    all("SELECT * FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(ts), |", &["INTERVAL"]);
    all("SELECT * FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '1' m|", &["minute"]);
    let (completion, _) = at("SELECT window_ti| FROM TABLE(TUMBLE(TABLE lake.raw.events, DESCRIPTOR(at), INTERVAL '1' MINUTE))");
    assert_eq!(completion.suggestions[0].detail, "TIMESTAMP_LTZ(3)");
}

#[test]
fn expressions_go_on_with_operators_and_clauses() {
    all("SELECT page F| FROM clicks", &["FROM"]);
    all(
        "SELECT page |",
        &["FROM", "AS", "AND", "OR", "IS NULL", "IS NOT NULL", "IN (", "BETWEEN", "LIKE", "NOT"],
    );
    all("SELECT page AS |", &[]);
    all("SELECT COUNT(*) fi|", &["filter (where"]);
    all("SELECT COUNT(*) FILTER (|", &["WHERE"]);
    all("SELECT * f|", &["from"]);
    all(
        "SELECT page IS |",
        &["NULL", "NOT NULL", "TRUE", "FALSE", "DISTINCT FROM", "NOT DISTINCT FROM", "JSON"],
    );
    all("SELECT * FROM clicks WHERE page = 'a' g|", &["group by"]);
    all("SELECT * FROM clicks GROUP |", &["BY"]);
    all("SELECT ts + INTERVAL '1' h|", &["hour"]);
    all("SELECT CASE WHEN page = 'a' TH|", &["THEN"]);
    all("SELECT CAST(page AS BIG|", &["BIGINT"]);
    all("SELECT CAST(page A|", &["AS", "AND"]);
    all("SELECT EXTRACT(YEAR |", &["FROM"]);
    all("SELECT 'pa|ge' FROM clicks", &[]);
}

#[test]
fn functions_come_with_their_signatures() {
    taken("SELECT upp| FROM clicks", "UPPER", "SELECT upper( FROM clicks");
    taken("SELECT COU| FROM clicks", "COUNT", "SELECT COUNT( FROM clicks");
    let (completion, _) = at("SELECT LEVENS| FROM clicks");
    assert!(completion.suggestions[0].detail.starts_with("LEVENSHTEIN(a, b)"));
    taken("SELECT PI| FROM clicks", "PI", "SELECT PI() FROM clicks");
}

#[test]
fn options_are_those_of_the_connector() {
    use SuggestionKind::{OptionKey, OptionValue};
    all("CREATE TABLE t (a INT) WITH (|", &["'connector' = "]);
    taken("CREATE TABLE t (a INT) WITH ('con|", "connector", "CREATE TABLE t (a INT) WITH ('connector' = ");
    taken(
        "CREATE TABLE t (a INT) WITH ('con|' = 'kafka')",
        "connector",
        "CREATE TABLE t (a INT) WITH ('connector' = 'kafka')",
    );
    of(
        OptionValue,
        "CREATE TABLE t (a INT) WITH ('connector' = |",
        &["'datagen'", "'filesystem'", "'kafka'"],
    );
    taken(
        "CREATE TABLE t (a INT) WITH ('connector' = 'ka|",
        "kafka",
        "CREATE TABLE t (a INT) WITH ('connector' = 'kafka'",
    );
    taken(
        "CREATE TABLE t (a INT) WITH ('connector' = 'ka|')",
        "kafka",
        "CREATE TABLE t (a INT) WITH ('connector' = 'kafka')",
    );
    let kafka = "CREATE TABLE t (a INT, b ROW<x INT, y INT>) WITH ('connector' = 'kafka', ";
    all(
        &format!("{kafka}|"),
        &[
            "'topic' = ",
            "'format' = ",
            "'value.format' = ",
            "'properties.",
            "'scan.startup.mode' = ",
            "'fields.a.kind' = ",
            "'fields.b.kind' = ",
        ],
    );
    of(OptionKey, &format!("{kafka}'startup|"), &["scan.startup.mode' = "]);
    of(OptionKey, &format!("{kafka}'prop|"), &["properties."]);
    of(OptionValue, &format!("{kafka}'scan.startup.mode' = 'e|')"), &["earliest-offset"]);
    of(OptionValue, &format!("{kafka}'format' = |)"), &["'avro'", "'json'"]);
    of(OptionKey, &format!("{kafka}'format' = 'json', 'json|"), &["json.ignore-parse-errors' = "]);
    of(
        OptionKey,
        &format!("{kafka}'key.format' = 'json', 'key.json|"),
        &["key.json.ignore-parse-errors' = "],
    );
    of(
        OptionValue,
        &format!("{kafka}'format' = 'json', 'json.ignore-parse-errors' = |"),
        &["'true'", "'false'"],
    );
    of(OptionKey, "ALTER TABLE clicks SET ('con|", &["connector' = "]);
    of(OptionKey, "ALTER TABLE clicks RESET ('to|", &["topic'"]);
    of(OptionKey, "CREATE CATALOG c WITH (|", &["'type' = ", "'path' = "]);
    of(OptionValue, "CREATE CATALOG c WITH ('type' = 'f|", &["filesystem'"]);
}

#[test]
fn names_outside_are_asked_for() {
    let kafka = "CREATE TABLE t (a INT) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = 'b:1', 'topic' = 'cl|ic')";
    let Some(Wanted::Topic { typed, options }) = at(kafka).0.wanted else {
        panic!("no topic")
    };
    assert_eq!((typed.as_str(), options["properties.bootstrap.servers"].as_str()), ("cl", "b:1"));
    let registry = "CREATE TABLE t (a INT) WITH ('connector' = 'kafka', 'value.format' = 'avro-confluent', 'value.avro-confluent.url' = 'http://r', \
                    'value.avro-confluent.subject' = 'or|')";
    let Some(Wanted::Subject { typed, format, options }) = at(registry).0.wanted else {
        panic!("no subject")
    };
    assert_eq!(
        (typed.as_str(), format.as_str(), options["avro-confluent.url"].as_str()),
        ("or", "avro-confluent", "http://r")
    );
    let path = |text: &str| match at(text).0.wanted {
        Some(Wanted::Path { typed }) => Some(typed),
        _ => None,
    };
    assert_eq!(
        path("CREATE TABLE t WITH ('connector' = 'filesystem', 'path' = './da|"),
        Some("./da".to_string())
    );
    assert_eq!(path("CREATE CATALOG c WITH ('type' = 'filesystem', 'path' = '|"), Some(String::new()));
    assert_eq!(path("SET 'execution.checkpointing.dir' = '/tm|"), Some("/tm".to_string()));
    assert_eq!(path("CREATE TABLE t WITH ('connector' = 'kafka', 'path' = './da|"), None);
}

#[test]
fn tables_are_declared_word_by_word() {
    use SuggestionKind::{Column, Type};
    all("CREATE T|", &["TABLE", "TEMPORARY TABLE", "TEMPORARY VIEW"]);
    all("CREATE TABLE |", &["IF NOT EXISTS"]);
    all("CREATE TABLE t |", &["WITH (", "PARTITIONED BY (", "COMMENT", "LIKE", "AS"]);
    all("CREATE TABLE t (|", &["WATERMARK FOR", "PRIMARY KEY (", "CONSTRAINT"]);
    of(Type, "CREATE TABLE t (a BIG|", &["BIGINT"]);
    of(Type, "CREATE TABLE t (a ROW<b INT, c ARRAY<D|", &["DATE", "DECIMAL", "DOUBLE"]);
    all("CREATE TABLE t (a BIGINT N|", &["NOT NULL", "PRIMARY KEY NOT ENFORCED"]);
    all("CREATE TABLE t (a BIGINT METADATA |", &["FROM", "VIRTUAL"]);
    all("CREATE TABLE t (a BIGINT METADATA FROM '|') WITH ('connector' = 'kafka')", &["offset"]);
    of(Column, "CREATE TABLE t (a TIMESTAMP(3), b INT, WATERMARK FOR |", &["a"]);
    all("CREATE TABLE t (a TIMESTAMP(3), WATERMARK FOR a |", &["AS"]);
    of(Column, "CREATE TABLE t (a TIMESTAMP(3), b INT, WATERMARK FOR a AS |", &["a", "b"]);
    of(Column, "CREATE TABLE t (a INT, b AS UPPER(|", &["a", "b"]);
    of(Column, "CREATE TABLE t (a INT, b INT, PRIMARY KEY (a, |", &["b"]);
    all("CREATE TABLE t (a INT, PRIMARY KEY (a) |", &["NOT ENFORCED"]);
    all("CREATE TABLE t (a INT) |", &["WITH (", "PARTITIONED BY (", "COMMENT", "LIKE", "AS"]);
    of(Column, "CREATE TABLE t (a INT, b INT) PARTITIONED BY (|", &["a", "b"]);
    of(SuggestionKind::Table, "CREATE TABLE t LIKE |", &["clicks", "`order`", "ticks"]);
    all("CREATE VIEW v |", &["AS", "COMMENT"]);
    all("ALTER TABLE clicks |", &["SET (", "RESET (", "ADD", "MODIFY", "DROP", "RENAME TO", "RENAME"]);
    of(Column, "ALTER TABLE clicks DROP |", &["page", "ts", "visitor"]);
}

#[test]
fn settings_catalogs_and_databases_are_named() {
    use SuggestionKind::{Catalog, Database, OptionKey, OptionValue};
    all("USE |", &["shop", "CATALOG", "lake"]);
    of(Catalog, "USE CATALOG |", &["lake"]);
    of(Database, "USE lake.|", &["raw"]);
    of(Catalog, "SHOW CREATE CATALOG |", &["lake"]);
    of(Catalog, "DESCRIBE CATALOG EXTENDED |", &["lake"]);
    of(Database, "ALTER DATABASE |", &["shop"]);
    all("ALTER DATABASE shop |", &["SET ("]);
    all("SHOW CUR|", &["CURRENT CATALOG", "CURRENT DATABASE"]);
    of(OptionKey, "SET 'paral|", &["parallelism.default' = ", "pipeline.max-parallelism' = "]);
    of(OptionKey, "SET paral|", &["'parallelism.default' = ", "'pipeline.max-parallelism' = "]);
    of(OptionValue, "SET 'execution.runtime-mode' = |", &["'streaming'", "'batch'", "'automatic'"]);
    assert_eq!(texts("RESET |", None)[0], "'parallelism.default'");
    assert!(at("SET 'par|").0.suggestions[0].detail.starts_with("now '2'"));
}

#[test]
fn nothing_that_is_typed_makes_it_fail() {
    let text = "EXPLAIN WITH a (x) AS (SELECT `p`.b, 'c''d' FROM TABLE(TUMBLE(TABLE shop.items, DESCRIPTOR(ts), INTERVAL '1' DAY)) AS w (q)) \
                SELECT CASE WHEN x IN (1, 2) THEN m['é'] END AS y FROM a /* ( */ GROUP BY (x); -- é\n\
                CREATE TABLE t (a ROW<b INT>, WATERMARK FOR a AS b - INTERVAL '1' SECOND) WITH ('connector' = 'kafka', 'topic' = 'x');";
    let places = || (0..=text.len()).filter(|i| text.is_char_boundary(*i));
    for (end, cursor) in places().map(|i| (i, i)).chain(places().map(|i| (text.len(), i))) {
        let completion = complete(&text[..end], cursor, &known(), &Connectors);
        assert!(completion.replace.start <= cursor && completion.replace.end == cursor);
    }
    let deep = format!("SELECT {}", "(".repeat(50_000));
    complete(&deep, deep.len(), &known(), &Connectors);
    let wide = format!("SELECT {} FROM clicks", "(SELECT a FROM (".repeat(2_000));
    complete(&wide, wide.len(), &known(), &Connectors);
}
