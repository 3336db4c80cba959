//! Each form, with what is hard to tell apart in it.

use super::{ResultForm, ResultWriter, op_name, texts};
use arrow_array::RecordBatchReader;
use arrow_ipc::reader::StreamReader;
use millstream_dataflow::testing::{columns, rows};
use millstream_dataflow::{Batch, Field, RowKind, Schema, SqlType};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

fn written(form: ResultForm, schema: &Schema, changes: bool, batches: &[Batch]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = ResultWriter::new(form, schema, changes, &mut out).unwrap();
    for batch in batches {
        writer.write(batch, &mut out).unwrap();
    }
    writer.finish(&mut out).unwrap();
    out
}

fn text(form: ResultForm, schema: &Schema, changes: bool, batches: &[Batch]) -> String {
    String::from_utf8(written(form, schema, changes, batches)).unwrap()
}

fn sample() -> (Schema, Vec<Batch>) {
    let schema = columns("n INT, t STRING, d DECIMAL(5, 2), b BYTES, r ROW<x INT, y ARRAY<STRING>>");
    let first = Batch::new(rows(
        &schema,
        ["1 | 'a, \"b\"\\n\\tc' | 1.50 | x'00ff' | (7, ['p', 'q'])", "NULL | '' | NULL | NULL | NULL"],
    ));
    let second = Batch::new(rows(&schema, ["2 | 'NULL' | 0.00 | x'' | (NULL, NULL)"]));
    (schema, vec![first, second])
}

#[test]
fn json_has_objects_of_numbers_and_objects() {
    let (schema, batches) = sample();
    let lines = [
        r#"{"n":1,"t":"a, \"b\"\n\tc","d":1.50,"b":"AP8=","r":{"x":7,"y":["p","q"]}}"#,
        r#"{"n":null,"t":"","d":null,"b":null,"r":null}"#,
        r#"{"n":2,"t":"NULL","d":0.00,"b":"","r":{"x":null,"y":null}}"#,
    ];
    assert_eq!(text(ResultForm::JsonLines, &schema, false, &batches), lines.join("\n") + "\n");
    assert_eq!(text(ResultForm::Json, &schema, false, &batches), format!("[\n {}\n]\n", lines.join(",\n ")));
    assert_eq!(text(ResultForm::Json, &schema, false, &[]), "[]\n");
    assert_eq!(text(ResultForm::JsonLines, &schema, false, &[]), "");
}

#[test]
fn csv_and_tsv_tell_null_from_empty() {
    let schema = Schema::new(vec![Field::new("a,b", SqlType::Int, true), Field::new("t", SqlType::STRING, true)]);
    let batches = [Batch::new(rows(&schema, ["1 | 'x\ty'", "NULL | NULL", "2 | ''", "3 | 'a\\\\b\\n\"c\"'"]))];
    assert_eq!(
        text(ResultForm::Csv, &schema, false, &batches),
        "\"a,b\",t\n1,x\ty\n,\n2,\"\"\n3,\"a\\b\n\"\"c\"\"\"\n"
    );
    assert_eq!(
        text(ResultForm::Tsv, &schema, false, &batches),
        "a,b\tt\n1\tx\\ty\n\\N\t\\N\n2\t\n3\ta\\\\b\\n\"c\"\n"
    );
}

#[test]
fn changes_say_what_they_do() {
    let schema = columns("op STRING, n INT");
    let mut batch = Batch::new(rows(&schema, ["x | 1", "x | 1", "x | 2"]));
    batch.kinds = Some([RowKind::Insert, RowKind::UpdateBefore, RowKind::UpdateAfter].into());
    let batches = [batch];
    assert_eq!(op_name(&schema), "op_");
    assert_eq!(text(ResultForm::Csv, &schema, true, &batches), "op_,op,n\n+I,x,1\n-U,x,1\n+U,x,2\n");
    let lines = text(ResultForm::JsonLines, &schema, true, &batches);
    assert!(lines.starts_with("{\"op_\":\"+I\",\"op\":\"x\",\"n\":1}\n"), "{lines}");
    let changelog = text(ResultForm::Changelog, &schema, true, &batches);
    assert!(
        changelog.ends_with("]}\n{\"kind\":\"+I\",\"row\":[\"x\",1]}\n{\"kind\":\"-U\",\"row\":[\"x\",1]}\n{\"kind\":\"+U\",\"row\":[\"x\",2]}\n"),
        "{changelog}"
    );
}

#[test]
fn arrow_and_parquet_are_read_by_others() {
    let (schema, batches) = sample();
    for (batches, expected) in [(&batches[..], 3), (&[], 0)] {
        let stream = written(ResultForm::Arrow, &schema, true, batches);
        let reader = StreamReader::try_new(stream.as_slice(), None).unwrap();
        let names: Vec<String> = reader.schema().fields().iter().map(|f| format!("{} {}", f.name(), f.data_type())).collect();
        assert_eq!(&names[..5], ["op Utf8", "n Int32", "t Utf8", "d Decimal128(5, 2)", "b Binary"]);
        assert_eq!(reader.map(|b| b.unwrap().num_rows()).sum::<usize>(), expected);
        let file = bytes::Bytes::from(written(ResultForm::Parquet, &schema, false, batches));
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
        assert_eq!(RecordBatchReader::schema(&reader).fields().len(), 5);
        assert_eq!(reader.map(|b| b.unwrap().num_rows()).sum::<usize>(), expected);
    }
}

#[test]
fn texts_are_results_too() {
    let (schema, batch) = texts(&[("key", vec!["a", "b"]), ("value", vec!["1", "2"])]).unwrap();
    assert_eq!(text(ResultForm::Tsv, &schema, false, &[batch]), "key\tvalue\na\t1\nb\t2\n");
}
