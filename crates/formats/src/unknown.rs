//! Fields of files that no column takes where a column gets nothing: most likely one of the two is not spelt right.

use crate::avro::AvroFile;
use crate::parquet::ParquetFile;
use bytes::Bytes;
use millstream_dataflow::{Field, Result, Schema, SqlType};
use serde_json::Value;

/// A field that no column takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownField {
    /// The line of its record, in a file of lines.
    pub line: Option<u64>,
    /// Behind the names of the fields around it, each with a dot.
    pub name: String,
    /// The columns beside it that get nothing, in the same way.
    pub missing: Vec<String>,
}

/// Those of a file whose fields have names. What is no record is left to whoever reads it.
///
/// # Errors
/// `Data` for a file that cannot be read.
pub fn unknown_fields(format: &str, bytes: Vec<u8>, schema: &Schema) -> Result<Vec<UnknownField>> {
    let mut found = Vec::new();
    let of_file = |names: Vec<String>| unknown(names.iter().map(String::as_str), &schema.fields, "");
    match format {
        "parquet" => found.extend(of_file(ParquetFile::names(Bytes::from(bytes))?)),
        "avro" => found.extend(of_file(AvroFile::names(&Bytes::from(bytes))?)),
        "json" => {
            for (line, number) in bytes.split(|b| *b == b'\n').zip(1..) {
                let Ok(record) = serde_json::from_slice::<Value>(line) else { continue };
                let rows = if let Value::Array(rows) = &record {
                    rows.as_slice()
                } else {
                    std::slice::from_ref(&record)
                };
                let mut here = Vec::new();
                rows.iter().for_each(|row| in_row(row, &schema.fields, "", &mut here));
                found.extend(here.into_iter().map(|field| UnknownField { line: Some(number), ..field }));
            }
        }
        _ => {}
    }
    Ok(found)
}

fn unknown<'a>(names: impl Iterator<Item = &'a str> + Clone, columns: &[Field], path: &str) -> Vec<UnknownField> {
    let missing = columns.iter().filter(|c| !names.clone().any(|name| name == c.name));
    let missing: Vec<String> = missing.map(|c| format!("{path}{}", c.name)).collect();
    if missing.is_empty() {
        return Vec::new();
    }
    let strangers = names.filter(|name| !columns.iter().any(|c| c.name == *name));
    let field = |name| UnknownField {
        line: None,
        name: format!("{path}{name}"),
        missing: missing.clone(),
    };
    strangers.map(field).collect()
}

fn in_row(value: &Value, columns: &[Field], path: &str, found: &mut Vec<UnknownField>) {
    let Value::Object(fields) = value else { return };
    found.extend(unknown(fields.keys().map(String::as_str), columns, path));
    for column in columns {
        if let Some(value) = fields.get(&column.name) {
            in_value(value, &column.ty, &format!("{path}{}.", column.name), found);
        }
    }
}

fn in_value(value: &Value, ty: &SqlType, path: &str, found: &mut Vec<UnknownField>) {
    match (ty, value) {
        (SqlType::Row(fields), _) => in_row(value, fields, path, found),
        (SqlType::Array(element), Value::Array(values)) => values.iter().for_each(|v| in_value(v, &element.ty, path, found)),
        (SqlType::Map(_, of), Value::Object(entries)) => entries.values().for_each(|v| in_value(v, &of.ty, path, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_beside_columns_that_get_nothing_are_told() {
        let field = |name: &str, ty| Field {
            name: name.to_string(),
            ty,
            nullable: true,
        };
        let row = SqlType::Row(vec![field("a", SqlType::Int), field("b", SqlType::Int)]);
        let list = SqlType::Array(Box::new(field("element", row)));
        let schema = Schema::new(vec![field("k", SqlType::STRING), field("l", list)]);
        let text = r#"{"k": 1, "l": [], "more": 1}
no record
[{"k": 1}, {"kk": 1, "l": [{"a": 1, "b": 2, "c": 3}, {"a": 1, "c": 3}]}]
"#;
        let found = unknown_fields("json", text.into(), &schema).unwrap();
        let told: Vec<String> = found
            .iter()
            .map(|f| format!("{} {} {}", f.line.unwrap(), f.name, f.missing.join(",")))
            .collect();
        assert_eq!(told, ["3 kk k", "3 l.c l.b"]);
    }
}
