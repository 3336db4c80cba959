use super::*;
use crate::json::JsonDecoder;
use millstream_dataflow::Decoder;
use millstream_dataflow::testing::{FormatCase, Reading, format_suite};

#[test]
fn every_type_comes_back_by_name_in_another_order() {
    let columns = [
        ("b", "BOOLEAN"),
        ("i", "INT"),
        ("d", "DOUBLE"),
        ("dec", "DECIMAL(20, 9)"),
        ("s", "STRING"),
        ("bin", "BYTES"),
        ("dt", "DATE"),
        ("tm", "TIME(3)"),
        ("t3", "TIMESTAMP(3)"),
        ("t9", "TIMESTAMP(9)"),
        ("ltz", "TIMESTAMP_LTZ(3)"),
        ("arr", "ARRAY<ROW<q INT>>"),
        ("m", "MAP<STRING, INT>"),
    ];
    let schema = Schema::new(columns.iter().map(|(n, t)| Field::parse_type(n, t).unwrap()).collect());
    let mut decoder = JsonDecoder::new(&schema, &BTreeMap::new()).unwrap();
    let record = r#"{"b":true,"i":1,"d":1e300,"dec":0.000000027,"s":"x é","bin":"AAEC","dt":"2024-02-29","tm":"12:34:56.789","t3":"1969-12-31 23:59:59.001","t9":"2024-01-01 00:00:00.123456789","ltz":"2024-01-01 00:00:00.5Z","arr":[{"q":1},{}],"m":{"k":1}}"#;
    for r in [record, "{}", record] {
        decoder.decode(r.as_bytes()).unwrap();
    }
    let batch = Batch::new(decoder.finish().unwrap());
    for compression in ["zstd", "snappy", "lz4", "uncompressed"] {
        let options = BTreeMap::from([("parquet.compression".to_string(), compression.to_string())]);
        let mut encoder = ParquetEncoder::new(&schema, &options).unwrap();
        let mut files = Vec::new();
        for _ in 0..2 {
            let mut out = Vec::new();
            encoder.write(&batch, &mut out).unwrap();
            encoder.write(&batch, &mut out).unwrap();
            encoder.finish(&mut out).unwrap();
            files.push(out);
        }
        assert_eq!(files[0], files[1], "the same rows give the same bytes");
        let mut wanted = schema.clone();
        wanted.fields.reverse();
        wanted.fields.push(Field::parse_type("missing", "INT").unwrap());
        let file = ParquetFile::open(files.remove(0).into(), &wanted).unwrap();
        let read: Vec<RecordBatch> = file.read(0, 4).unwrap().collect::<Result<_>>().unwrap();
        assert_eq!(read.iter().map(RecordBatch::num_rows).collect::<Vec<_>>(), [4, 2]);
        for (i, f) in schema.fields.iter().enumerate() {
            assert_eq!(&read[0].column_by_name(&f.name).unwrap().slice(0, 3), batch.column(i), "{}", f.name);
        }
        assert_eq!(read[0].column_by_name("missing").unwrap().null_count(), 4);
    }
    assert!(ParquetFile::open(Bytes::from_static(b"no parquet"), &schema).is_err());
}

#[test]
fn columns_of_another_type_are_refused() {
    let schema = |columns: &[(&str, &str)]| Schema::new(columns.iter().map(|(n, t)| Field::parse_type(n, t).unwrap()).collect());
    let written = schema(&[
        ("i", "INT"),
        ("b", "BIGINT"),
        ("s", "STRING"),
        ("t", "TIMESTAMP(3)"),
        ("r", "ROW<x INT, y STRING>"),
    ]);
    let mut decoder = JsonDecoder::new(&written, &BTreeMap::new()).unwrap();
    decoder
        .decode(br#"{"i":7,"b":4000000000,"s":"1","t":"2024-01-01 00:00:00.123","r":{"x":1,"y":"z"}}"#)
        .unwrap();
    let mut encoder = ParquetEncoder::new(&written, &BTreeMap::new()).unwrap();
    let mut out = Vec::new();
    encoder.write(&Batch::new(decoder.finish().unwrap()), &mut out).unwrap();
    encoder.finish(&mut out).unwrap();
    let read = |column: &str, ty: &str| {
        let file = ParquetFile::open(out.clone().into(), &schema(&[(column, ty)]))?;
        file.read(0, 4)?.collect::<Result<Vec<_>>>()
    };
    let fitting = [
        ("i", "BIGINT"),
        ("b", "BIGINT"),
        ("t", "TIMESTAMP(6)"),
        ("t", "TIMESTAMP_LTZ(3)"),
        ("r", "ROW<y STRING>"),
    ];
    for (column, ty) in fitting {
        assert_eq!(read(column, ty).unwrap()[0].num_rows(), 1, "{column} {ty}");
    }
    for (column, ty) in [
        ("i", "STRING"),
        ("b", "BOOLEAN"),
        ("b", "DATE"),
        ("s", "INT"),
        ("t", "STRING"),
        ("b", "INT"),
        ("r", "ROW<x STRING>"),
    ] {
        let e = read(column, ty).unwrap_err();
        assert!(e.message.contains(&format!("column \"{column}\" is ")), "{e}");
    }
}

#[test]
fn parquet_keeps_what_a_format_must() {
    for compression in ["zstd", "uncompressed"] {
        let options = BTreeMap::from([("parquet.compression".to_string(), compression.to_string())]);
        format_suite(&FormatCase {
            encoder: &|schema| crate::encoder("parquet", schema, &options),
            reading: Reading::File(&|wanted, bytes| {
                let file = ParquetFile::open(bytes, wanted)?;
                let mut batches = Vec::new();
                for group in 0..file.row_groups() {
                    batches.extend(file.read(group, 3)?.collect::<Result<Vec<_>>>()?);
                }
                Ok(batches)
            }),
            refuses: &|ty| matches!(ty, SqlType::IntervalYearMonth | SqlType::IntervalDayTime | SqlType::Null),
            name: "a \"name\" é",
        });
    }
}
