//! Catalogs that outlive the file: on disk and in a bucket, with secrets, and with several processes.

use crate::harness::{fail, files, millstream, result_sets, root, succeed};
use crate::s3::Server;
use anyhow::{Context, Result, ensure};
use libtest_mimic::{Failed, Trial};
use millstream_dataflow::Span;
use millstream_server::Catalogs;
use millstream_sql::{CatalogChange, CatalogStore, ChangeKind, StoredName};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |name: &str, f: fn() -> Result<()>| Trial::test(format!("catalogs::{name}"), move || f().map_err(|e| Failed::from(format!("{e:#}"))));
    vec![
        trial("the_example_leaves_its_tables_to_other_files", example),
        trial("tables_views_and_dead_letters_are_those_of_another_file", another_file),
        trial("a_bucket_keeps_a_catalog_and_no_secrets", bucket),
        trial("processes_do_not_disturb_each_other", processes),
        trial("what_others_did_meanwhile_is_told", meanwhile),
        trial("what_cannot_be_reached_is_named", unreachable),
    ]
}

fn run(directory: &Path, sql: &str) -> Result<Command> {
    std::fs::write(directory.join("q.sql"), sql)?;
    let mut command = millstream(directory)?;
    command.args(["run", "q.sql", "--format", "changelog", "-p", "1"]);
    Ok(command)
}

/// The rows of the last query, once each.
fn rows(command: Command) -> Result<Vec<String>> {
    let set = result_sets(&succeed(command)?)?.pop().context("no result")?;
    Ok(set.rows.into_keys().collect())
}

const SHOP: &str = "CREATE CATALOG shop WITH ('type' = 'filesystem', 'path' = 'catalogs/shop');\nUSE CATALOG shop;\n";

fn example() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let example = std::fs::read_to_string(root().join("sql-examples/shop-catalog.sql"))?;
    succeed(run(directory.path(), &example)?)?;
    let names = ["clicks.sql", "known_clicks.sql", "page_views.sql"];
    let kept = directory.path().join("catalogs/shop/default");
    ensure!(files(&kept, "sql") == names.map(|n| kept.join(n)), "{:?}", files(&kept, "sql"));
    let views = rows(run(directory.path(), &format!("{SHOP}SELECT page, views FROM page_views;"))?)?;
    ensure!(!views.is_empty(), "the other file reads nothing");
    // Nothing is made again.
    succeed(run(directory.path(), &example)?)?;
    ensure!(files(&kept, "sql").len() == 3);
    Ok(())
}

fn another_file() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let path = directory.path();
    std::fs::write(
        path.join("rows.json"),
        "{\"k\":1,\"ts\":\"2024-01-01 00:00:01\"}\nnot JSON\n{\"k\":2,\"ts\":\"2024-01-01 00:00:02\"}\n",
    )?;
    // An error leaves nothing behind, not even the directory.
    let tables = "CREATE TABLE rows_in (k INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = 'rows.json', \
          'format' = 'json', 'on-error' = 'route', 'on-error.table' = 'letters');\n\
        CREATE TABLE letters (reason STRING, split STRING) WITH ('connector' = 'filesystem', 'path' = 'letters', 'format' = 'csv');\n\
        CREATE VIEW doubled AS SELECT k * 2 AS twice FROM rows_in;\n\
        CREATE DATABASE empty;\nCREATE DATABASE `data base`;\nCREATE TABLE `data base`.`o.ut` (n INT) WITH ('connector' = 'filesystem', 'path' = 'out', 'format' = 'csv');\n";
    let error = fail(run(path, &format!("{SHOP}{tables}SELECT nothing FROM rows_in;"))?, 1)?;
    ensure!(error.contains("E0202") && !path.join("catalogs").exists(), "{error}");
    // EXPLAIN alone makes the tables, too.
    succeed(run(path, &format!("{SHOP}{tables}EXPLAIN SELECT twice FROM doubled;"))?)?;
    ensure!(path.join("catalogs/shop/data%20base/o%2Eut.sql").is_file());
    let text = std::fs::read_to_string(path.join("catalogs/shop/default/doubled.sql"))?;
    ensure!(text == "CREATE VIEW `doubled`\nAS SELECT k * 2 AS twice FROM rows_in\n", "{text}");
    let databases = rows(run(path, &format!("{SHOP}SHOW DATABASES;"))?)?;
    ensure!(databases.len() == 3, "{databases:?}");
    // Under another name, from another database.
    let other = "CREATE CATALOG c WITH ('type' = 'filesystem', 'path' = 'catalogs/shop');\nUSE c.`data base`;\n";
    succeed(run(path, &format!("{other}INSERT INTO `o.ut` SELECT twice FROM c.`default`.doubled;"))?)?;
    let found = rows(run(path, &format!("{other}SELECT n FROM `o.ut`;"))?)?;
    ensure!(found.len() == 2, "{found:?}");
    let letters = rows(run(path, &format!("{SHOP}SELECT split FROM letters;"))?)?;
    ensure!(letters.len() == 1 && letters[0].contains("rows.json"), "{letters:?}");
    // Written by hand, and wrong: told when it is named.
    std::fs::write(
        path.join("catalogs/shop/default/by_hand.sql"),
        "-- mine\nCREATE TABLE by_hand (a INTEGERR) WITH ('connector' = 'print')",
    )?;
    ensure!(rows(run(path, &format!("{SHOP}SHOW TABLES;"))?)?.len() == 4);
    let error = fail(run(path, &format!("{SHOP}SELECT * FROM by_hand;"))?, 1)?;
    ensure!(
        error.contains("q.sql:3:15") && error.contains("catalogs/shop/default/by_hand.sql, line 2"),
        "{error}"
    );
    // What is renamed and dropped is so for the next file.
    let change = "ALTER TABLE `o.ut` RENAME TO out2;\nALTER TABLE out2 ADD (m INT);\nDROP TABLE c.`default`.by_hand;\nDROP VIEW c.`default`.doubled;\nDROP DATABASE c.empty;\n";
    succeed(run(path, &format!("{other}{change}"))?)?;
    let shown = succeed(run(
        path,
        &format!("{other}SHOW CREATE TABLE out2;\nSHOW DATABASES;\nSHOW TABLES FROM c.`default`;"),
    )?)?;
    ensure!(
        shown.contains("`m` INT") && !shown.contains("doubled") && !shown.contains("empty") && shown.contains("letters"),
        "{shown}"
    );
    succeed(run(
        path,
        "CREATE CATALOG c WITH ('type' = 'filesystem', 'path' = 'catalogs/shop');\nDROP DATABASE c.`data base` CASCADE;\nDROP CATALOG c;",
    )?)?;
    ensure!(!path.join("catalogs/shop/data%20base").exists() && path.join("catalogs/shop/default/letters.sql").is_file());
    Ok(())
}

fn bucket() -> Result<()> {
    let (server, key, secret) = (Server::start()?, crate::s3::KEY, crate::s3::SECRET);
    let options = format!(
        "'s3.endpoint' = '{}', 's3.region' = 'us-east-1', 's3.access-key' = '${{KEY}}', 's3.secret-key' = '${{SECRET}}'",
        server.endpoint
    );
    let catalog = format!("CREATE CATALOG c WITH ('type' = 'filesystem', 'path' = 's3://lake/catalog', {options});\nUSE CATALOG c;\n");
    let table = |secret: &str| {
        format!(
            "CREATE TABLE t (a INT) WITH ('connector' = 'filesystem', 'path' = 's3://lake/rows', 'format' = 'json', {});\nCREATE DATABASE `a b`;\nUSE `a b`;\nCREATE VIEW `x/y` AS SELECT a FROM c.`default`.t;\n",
            options.replace("${SECRET}", secret)
        )
    };
    let with = |directory: &Path, sql: &str| -> Result<Command> {
        let mut command = run(directory, &format!("{catalog}{sql}"))?;
        command.arg("-D").arg(format!("KEY={key}")).arg("-D").arg(format!("SECRET={secret}"));
        Ok(command)
    };
    let directory = tempfile::tempdir()?;
    let error = fail(with(directory.path(), &table(secret))?, 1)?;
    ensure!(error.contains("E0530") && error.contains("-D NAME=value") && !error.contains(secret), "{error}");
    ensure!(!server.bucket().join("catalog").exists());
    succeed(with(directory.path(), &format!("{}INSERT INTO c.`default`.t VALUES (7);", table("${SECRET}")))?)?;
    let kept = files(&server.bucket().join("catalog"), "sql");
    ensure!(kept.len() == 2, "{kept:?}");
    for file in kept {
        let text = std::fs::read_to_string(&file)?;
        ensure!(!text.contains(secret) && !text.contains(key), "{text}");
    }
    // Another machine.
    let elsewhere = tempfile::tempdir()?;
    let found = rows(with(elsewhere.path(), "SELECT a FROM `a b`.`x/y`;")?)?;
    ensure!(found.len() == 1 && found[0].contains('7'), "{found:?}");
    // The catalog by the environment, without the table's variables: told when the table is named.
    let by_environment = |sql: &str| -> Result<Command> {
        let mut command = run(
            elsewhere.path(),
            &format!("CREATE CATALOG c WITH ('type' = 'filesystem', 'path' = 's3://lake/catalog');\n{sql}"),
        )?;
        server.environment(&mut command);
        Ok(command)
    };
    ensure!(rows(by_environment("SHOW TABLES FROM c.`default`;")?)?.len() == 1);
    let error = fail(by_environment("SELECT a FROM c.`a b`.`x/y`;")?, 1)?;
    ensure!(
        error.contains("E0505") && error.contains("${KEY}") && error.contains("s3://lake/catalog/default/t.sql, line"),
        "{error}"
    );
    succeed(by_environment("DROP DATABASE c.`a b` CASCADE;\nDROP TABLE c.`default`.t;")?)?;
    ensure!(files(&server.bucket().join("catalog"), "sql").is_empty());
    Ok(())
}

fn processes() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let mut started = Vec::new();
    for i in 0..6 {
        let file = format!("{i}.sql");
        let sql =
            format!("{SHOP}CREATE TABLE t{i} (a INT) WITH ('connector' = 'print');\nCREATE TABLE IF NOT EXISTS shared (a INT) WITH ('connector' = 'print');");
        std::fs::write(directory.path().join(&file), sql)?;
        let mut command = millstream(directory.path())?;
        command.args(["run", &file]);
        started.push(command.spawn()?);
    }
    for mut child in started {
        ensure!(child.wait()?.success());
    }
    let tables = rows(run(directory.path(), &format!("{SHOP}SHOW TABLES;"))?)?;
    ensure!(tables.len() == 7, "{tables:?}");
    Ok(())
}

fn meanwhile() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let options = BTreeMap::from([("path".to_string(), "c".to_string())]);
    let open = || -> Result<Catalogs> {
        let catalogs = Catalogs::new(directory.path().to_path_buf(), runtime.handle().clone());
        catalogs.open(&options).map_err(|e| anyhow::anyhow!("{e}"))?;
        Ok(catalogs)
    };
    // Both have found an empty catalog.
    let (one, other) = (open()?, open()?);
    let apply = |catalogs: &Catalogs, kind: ChangeKind| {
        let change = CatalogChange {
            kind,
            span: Span::new((3, 1), (3, 2)),
        };
        runtime.block_on(catalogs.apply(&[change]))
    };
    let name = || StoredName {
        catalog: 0,
        database: "d".to_string(),
        name: "t".to_string(),
    };
    let text = "CREATE TABLE `t`";
    apply(&one, ChangeKind::Create(name(), text.to_string())).map_err(|e| anyhow::anyhow!("{e}"))?;
    // The same is no conflict: it may be one's own.
    apply(&other, ChangeKind::Create(name(), text.to_string())).map_err(|e| anyhow::anyhow!("{e}"))?;
    let error = apply(&other, ChangeKind::Create(name(), "CREATE TABLE `t2`".to_string()))
        .err()
        .context("made twice")?;
    ensure!(
        error.code == Some("E0531") && error.span.is_some() && error.to_string().contains("\"t\" was made by somebody else"),
        "{error}"
    );
    let read = one.read(&name()).map_err(|e| anyhow::anyhow!("{e}"))?;
    ensure!(read.text == text && read.location.ends_with("/c/d/t.sql"), "{read:?}");
    let empty = |cascade| ChangeKind::DropDatabase {
        catalog: 0,
        database: "d".to_string(),
        cascade,
    };
    let error = apply(&other, empty(false)).err().context("dropped with a table in it")?;
    ensure!(error.to_string().contains("was made by somebody else"), "{error}");
    apply(&other, empty(true)).map_err(|e| anyhow::anyhow!("{e}"))?;
    let error = apply(&one, ChangeKind::Replace(name(), text.to_string()))
        .err()
        .context("nothing is replaced")?;
    ensure!(error.to_string().contains("was dropped by somebody else"), "{error}");
    let error = one.read(&name()).err().context("nothing is read")?;
    ensure!(error.code == Some("E0531"), "{error}");
    Ok(())
}

fn unreachable() -> Result<()> {
    let (server, directory) = (Server::start()?, tempfile::tempdir()?);
    let at = |path: &str| format!("CREATE CATALOG c WITH ('type' = 'filesystem', 'path' = '{path}');\nSELECT 1;");
    std::fs::write(directory.path().join("file"), "")?;
    let error = fail(run(directory.path(), &at("file"))?, 1)?;
    ensure!(error.contains("E0520") && error.contains("q.sql:1:16"), "{error}");
    for (path, secret, hint) in [
        ("s3://lake/c", "another", "check the credentials"),
        ("s3://nowhere/c", crate::s3::SECRET, "check the bucket"),
    ] {
        let mut command = run(directory.path(), &at(path))?;
        server.environment(&mut command);
        command.env("AWS_SECRET_ACCESS_KEY", secret);
        let error = fail(command, 1)?;
        ensure!(
            error.contains("E0520") && error.contains(path) && error.contains(hint) && error.contains("q.sql:1:"),
            "{error}"
        );
    }
    // What cannot be written is told before anything runs.
    std::fs::create_dir_all(directory.path().join("full"))?;
    std::fs::write(directory.path().join("full/default"), "no directory")?;
    let sql = at("full").replace("SELECT", "CREATE TABLE c.`default`.t (a INT) WITH ('connector' = 'print');\nSELECT");
    let mut command = run(directory.path(), &sql)?;
    let output = command.output()?;
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(
        output.status.code() == Some(1) && output.stdout.is_empty() && error.contains("E0520") && error.contains("q.sql:2:14"),
        "{error}"
    );
    Ok(())
}
