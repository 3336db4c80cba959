//! Changes of a database's table, as Debezium writes them.

use super::*;

const PRODUCT: &str = "id INT, name STRING, stock INT";

fn change(op: &str, before: &str, after: &str) -> String {
    format!("{{\"before\":{before},\"after\":{after},\"source\":{{\"table\":\"products\"}},\"op\":\"{op}\"}}")
}

fn product(id: u32, name: &str, stock: i32) -> String {
    format!("{{\"id\":{id},\"name\":\"{name}\",\"stock\":{stock}}}")
}

/// The example: what goes below ten, and up again, and away.
pub(super) fn product_changes() -> Result<()> {
    let address = shared()?;
    let (from, to) = (unique("products"), unique("low-stock"));
    create_topic(address, &from, 1)?;
    create_topic(address, &to, 1)?;
    let records = [
        change("r", "null", &product(1, "scooter", 30)),
        change("c", "null", &product(2, "battery", 3)),
        change("u", &product(1, "scooter", 30), &product(1, "scooter", 9)),
        "no change".to_string(),
        change("c", "null", &product(3, "hammer", 5)),
        change("u", &product(2, "battery", 3), &product(2, "battery", 80)),
        change("d", &product(3, "hammer", 5), "null"),
    ];
    let writer = Writer::new(address, &from, &[])?;
    writer.send_all(&records.each_ref().map(String::as_str))?;
    // What Debezium writes behind a deletion, for topics that are compacted.
    writer.send((0, None, 0))?;
    writer.flush()?;
    let example = std::fs::read_to_string(root().join("sql-examples/product-changes.sql"))?
        .replace("'inventory.products'", &format!("'{from}', 'scan.bounded.mode' = 'latest-offset'"))
        .replace("'low-stock'", &format!("'{to}'"));
    let directory = tempfile::tempdir()?;
    let mut command = prepare(directory.path(), "product-changes.sql", &example)?;
    command.args(["-D", &format!("BROKERS={address}")]);
    let output = command.output()?;
    let summary = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success() && summary.contains("left out: 1 malformed"), "{summary}");
    let read = table(address, &to, PRODUCT, BOUNDED).replace("'json'", "'debezium-json'");
    ensure!(rows(&(read.clone() + "SELECT * FROM t;"))? == set([r#"[1,"scooter",9]"#]));
    // What each row does is a column of its own on a terminal.
    let directory = tempfile::tempdir()?;
    std::fs::write(directory.path().join("read.sql"), read + "SELECT name, stock FROM t;")?;
    let mut command = millstream(directory.path())?;
    command.args(["run", "read.sql", "--format", "table"]);
    let shown = succeed(command)?;
    let expected = "\
+----+---------+-------+
| op | name    | stock |
+----+---------+-------+
| +I | battery | 3     |
| +I | scooter | 9     |
| +I | hammer  | 5     |
| -D | battery | 3     |
| -D | hammer  | 5     |
+----+---------+-------+
5 rows
";
    ensure!(shown == expected, "{shown}");
    Ok(())
}
