use super::*;
use crate::json::JsonDecoder;
use millstream_dataflow::Decoder;
use millstream_dataflow::testing::{FormatCase, Reading, format_suite};
use parquet::file::metadata::SortingColumn;

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
    for compression in ["zstd", "snappy", "lz4", "gzip", "brotli", "uncompressed"] {
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
fn times_with_more_digits_are_cut_toward_the_past() {
    let schema = |digits: u8| {
        let columns = format!("ROW<t TIMESTAMP({digits}), l ARRAY<TIMESTAMP_LTZ({digits})>, m MAP<STRING, TIMESTAMP({digits})>, r ROW<x TIMESTAMP({digits})>>");
        let SqlType::Row(fields) = columns.parse().unwrap() else {
            panic!("{columns}")
        };
        Schema::new(fields)
    };
    let file = |of: &Schema, time: &str| {
        let mut decoder = JsonDecoder::new(of, &BTreeMap::new()).unwrap();
        let record = format!(r#"{{"t":"{time}","l":["{time}Z",null],"m":{{"k":"{time}"}},"r":{{"x":"{time}"}}}}"#);
        decoder.decode(record.as_bytes()).unwrap();
        decoder.decode(b"{}").unwrap();
        Batch::new(decoder.finish().unwrap())
    };
    for (time, cut) in [
        ("1969-12-31 23:59:59.999999", "1969-12-31 23:59:59.999"),
        ("1960-01-01 00:00:00.0015", "1960-01-01 00:00:00.001"),
        ("1960-01-01 00:00:00.001", "1960-01-01 00:00:00.001"),
        ("2024-01-01 00:00:00.0015", "2024-01-01 00:00:00.001"),
    ] {
        for digits in [6, 9] {
            let written = schema(digits);
            let mut encoder = ParquetEncoder::new(&written, &BTreeMap::new()).unwrap();
            let mut out = Vec::new();
            encoder.write(&file(&written, time), &mut out).unwrap();
            encoder.finish(&mut out).unwrap();
            let read = ParquetFile::open(out.into(), &schema(3))
                .unwrap()
                .read(0, 4)
                .unwrap()
                .collect::<Result<Vec<_>>>()
                .unwrap();
            assert_eq!(read[0].columns(), file(&schema(3), cut).data.columns(), "{time} of TIMESTAMP({digits})");
        }
    }
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
        ("d", "DECIMAL(10, 2)"),
        ("a", "ARRAY<DECIMAL(10, 2)>"),
    ]);
    let mut decoder = JsonDecoder::new(&written, &BTreeMap::new()).unwrap();
    decoder
        .decode(br#"{"i":7,"b":4000000000,"s":"1","t":"2024-01-01 00:00:00.123","r":{"x":1,"y":"z"},"d":1.20,"a":[1.25]}"#)
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
        // No digit is lost.
        ("d", "DECIMAL(5, 1)"),
        ("a", "ARRAY<DECIMAL(12, 4)>"),
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
        ("d", "DECIMAL(10, 0)"),
        ("a", "ARRAY<DECIMAL(10, 1)>"),
    ] {
        let e = read(column, ty).unwrap_err();
        let told = ["is", "holds"].map(|verb| format!("column \"{column}\" {verb} "));
        assert!(told.iter().any(|t| e.message.starts_with(t)), "{e}");
    }
    let told = |column, ty| read(column, ty).unwrap_err().to_string();
    assert_eq!(told("b", "INT"), "column \"b\" holds 4000000000, which INT does not hold");
    assert_eq!(
        told("a", "ARRAY<DECIMAL(10, 1)>"),
        "column \"a\" holds 1.25, which has more than 1 digits behind the point"
    );
    assert_eq!(
        told("r", "ROW<x STRING>"),
        "column \"r\" is ROW<`x` INT, `y` STRING> in the file and ROW<`x` STRING> in the table"
    );
}

#[test]
fn unsigned_integers_are_read_where_they_fit() {
    let values: ArrayRef = Arc::new(arrow_array::UInt64Array::from(vec![0, 7, u64::MAX]));
    let fits = |column: &ArrayRef, ty: &str| {
        let wanted = Field::parse_type("u", ty).unwrap().ty.to_arrow();
        assert!(reads(column.data_type(), &wanted), "{ty}");
        convert(column, &wanted).map(|read| arrow_cast::display::array_value_to_string(&read, read.len() - 1).unwrap())
    };
    assert_eq!(fits(&values, "DECIMAL(20, 0)").unwrap(), "18446744073709551615");
    assert_eq!(fits(&values, "BIGINT").unwrap_err(), "18446744073709551615, which BIGINT does not hold");
    assert_eq!(fits(&values.slice(0, 2), "BIGINT").unwrap(), "7");
}

#[test]
fn fields_that_a_file_does_not_have_are_null_at_any_depth() {
    let schema = |ty: &str| Schema::new(vec![Field::parse_type("c", ty).unwrap()]);
    let written = schema("ARRAY<ROW<x INT, m MAP<STRING, ROW<y INT>>>>");
    let mut decoder = JsonDecoder::new(&written, &BTreeMap::new()).unwrap();
    decoder.decode(br#"{"c":[{"x":1,"m":{"k":{"y":2}}}]}"#).unwrap();
    let mut encoder = ParquetEncoder::new(&written, &BTreeMap::new()).unwrap();
    let mut out = Vec::new();
    encoder.write(&Batch::new(decoder.finish().unwrap()), &mut out).unwrap();
    encoder.finish(&mut out).unwrap();
    let read = |ty: &str| -> Result<String> {
        let file = ParquetFile::open(out.clone().into(), &schema(ty))?;
        let batches = file.read(0, 4)?.collect::<Result<Vec<_>>>()?;
        Ok(arrow_cast::display::array_value_to_string(batches[0].column(0), 0).unwrap())
    };
    assert_eq!(
        read("ARRAY<ROW<z STRING, m MAP<STRING, ROW<w INT, y BIGINT>>>>").unwrap(),
        "[{z: , m: {k: {w: , y: 2}}}]"
    );
    let e = read("ARRAY<ROW<z STRING NOT NULL>>").unwrap_err();
    assert_eq!(e.to_string(), "column \"c\" holds rows without the field \"z\", which is NOT NULL");
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
            lone_nulls: true,
            name: "a \"name\" é",
        });
    }
}

#[test]
fn the_options_of_a_file_are_in_the_file() {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let schema = Schema::new(vec![Field::parse_type("n", "BIGINT").unwrap(), Field::parse_type("s", "STRING").unwrap()]);
    let mut decoder = JsonDecoder::new(&schema, &BTreeMap::new()).unwrap();
    for i in 0..20_000 {
        decoder.decode(format!(r#"{{"n":{i},"s":"text {}"}}"#, i * 7919 % 20_000).as_bytes()).unwrap();
    }
    let batch = Batch::new(decoder.finish().unwrap());
    let write = |pairs: &[(&str, &str)]| {
        let options = pairs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        let mut encoder = ParquetEncoder::new(&schema, &options).unwrap();
        let mut out = Vec::new();
        for start in (0..20_000).step_by(1_000) {
            let data = batch.data.slice(start, 1_000);
            encoder.write(&Batch::new(data), &mut out).unwrap();
        }
        encoder.finish(&mut out).unwrap();
        let file = ParquetFile::open(out.clone().into(), &schema).unwrap();
        let rows: usize = (0..file.row_groups())
            .map(|g| file.read(g, 8192).unwrap().map(|b| b.unwrap().num_rows()).sum::<usize>())
            .sum();
        assert_eq!(rows, 20_000);
        SerializedFileReader::new(Bytes::from(out)).unwrap()
    };
    let plain = write(&[]);
    let (group, text) = (plain.metadata().row_group(0), plain.metadata().row_group(0).column(1));
    assert_eq!(plain.metadata().num_row_groups(), 1);
    assert!(text.statistics().is_some() && text.bloom_filter_offset().is_none() && text.dictionary_page_offset().is_none());
    assert!(group.column(0).column_index_offset().is_some());
    let file = write(&[
        ("parquet.block.size", "100 kb"),
        ("parquet.page.size", "10 kb"),
        ("parquet.statistics", "none"),
        ("parquet.enable.dictionary", "true"),
        ("parquet.bloom-filter.columns", "s"),
        ("parquet.compression.level", "9"),
    ]);
    assert!(file.metadata().num_row_groups() > 2, "{}", file.metadata().num_row_groups());
    let text = file.metadata().row_group(0).column(1);
    assert!(text.statistics().is_none() && text.bloom_filter_offset().is_some() && text.dictionary_page_offset().is_some());
    assert!(
        write(&[("parquet.statistics", "chunk")])
            .metadata()
            .row_group(0)
            .column(0)
            .statistics()
            .is_some()
    );
    let refused = |key: &str, value: &str| {
        let options = BTreeMap::from([(key.to_string(), value.to_string())]);
        ParquetEncoder::new(&schema, &options).err().unwrap().message.clone()
    };
    assert!(refused("parquet.compression.level", "23").contains("1 to 22"));
    assert!(refused("parquet.bloom-filter.columns", "s;t").contains("'t'"));
}

#[test]
fn rows_are_in_order_within_their_row_group_and_files_say_so() {
    let schema = Schema::new(
        [("m", "MAP<STRING, ROW<x INT, y INT>>"), ("n", "BIGINT"), ("s", "STRING")]
            .map(|(n, t)| Field::parse_type(n, t).unwrap())
            .to_vec(),
    );
    let batch = |lines: &[(Option<i64>, &str)]| {
        let mut decoder = JsonDecoder::new(&schema, &BTreeMap::new()).unwrap();
        for (n, s) in lines {
            let n = n.map_or("null".to_string(), |n| n.to_string());
            decoder.decode(format!(r#"{{"n":{n},"s":"{s}"}}"#).as_bytes()).unwrap();
        }
        Batch::new(decoder.finish().unwrap())
    };
    let written = |block: &str| {
        let options = [("parquet.sort-by", "s DESC, n"), ("parquet.block.size", block)];
        let options = options.map(|(k, v)| (k.to_string(), v.to_string())).into();
        let mut encoder = ParquetEncoder::new(&schema, &options).unwrap();
        let mut out = Vec::new();
        encoder.write(&batch(&[(Some(2), "a"), (Some(1), "b")]), &mut out).unwrap();
        assert!(block == "1 b" || encoder.buffered() > 0);
        encoder.write(&batch(&[(None, "a"), (Some(0), "a"), (Some(9), "c")]), &mut out).unwrap();
        encoder.finish(&mut out).unwrap();
        assert_eq!(encoder.buffered(), 0);
        ParquetFile::open(out.into(), &schema).unwrap()
    };
    let texts = |file: &ParquetFile, group: usize| -> Vec<String> {
        let rows: Vec<RecordBatch> = file.read(group, 100).unwrap().collect::<Result<_>>().unwrap();
        let texts = rows.into_iter().flat_map(|b| millstream_dataflow::testing::texts(&Batch::new(b)));
        texts.map(|t| t.trim_start_matches("NULL | ").to_string()).collect()
    };
    let whole = written("1 MB");
    assert_eq!(whole.row_groups(), 1);
    assert_eq!(
        texts(&whole, 0),
        ["9 | c", "1 | b", "NULL | a", "0 | a", "2 | a"].map(|t| t.trim_start_matches("NULL | "))
    );
    let by = |column_idx, descending| SortingColumn {
        column_idx,
        descending,
        nulls_first: !descending,
    };
    let wanted = vec![by(4, true), by(3, false)];
    for group in whole.metadata.metadata().row_groups() {
        assert_eq!(group.sorting_columns(), Some(&wanted));
        assert_eq!(group.column(4).column_path().string(), "s");
    }
    let cut = written("1 b");
    assert_eq!(cut.row_groups(), 2);
    assert_eq!(texts(&cut, 0), ["1 | b", "2 | a"]);
    for (wrong, named) in [("x", "\"x\""), ("n UP", "n UP"), ("n,", "missing"), ("m", "MAP"), ("n DESC s", "n DESC s")] {
        let options = BTreeMap::from([("parquet.sort-by".to_string(), wrong.to_string())]);
        let Err(error) = ParquetEncoder::new(&schema, &options) else {
            panic!("{wrong} is taken")
        };
        assert!(error.message.contains(named), "{error}");
    }
}

/// Row groups of 0 to 9, 10 to 19 and so on, of which the last has no values.
#[test]
fn row_groups_without_a_wanted_row_are_told() {
    use arrow_array::builder::StringViewBuilder;
    use arrow_array::{Array, Int64Array, RecordBatch, StringViewArray};
    use millstream_dataflow::{Comparison, Field, RowTest};
    let schema = Schema::new(vec![Field::parse_type("n", "BIGINT").unwrap(), Field::parse_type("s", "STRING").unwrap()]);
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(10)).build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, plain_schema(&schema), Some(properties)).unwrap();
    let numbers: Int64Array = (0..40).map(|i| (i < 30).then_some(i)).collect();
    let mut texts = StringViewBuilder::new();
    (0..40).for_each(|i| texts.append_option((i < 30).then(|| format!("t{i:02}"))));
    let batch = RecordBatch::try_new(plain_schema(&schema), vec![Arc::new(numbers), Arc::new(texts.finish())]).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let file = ParquetFile::open(bytes.into(), &schema).unwrap();
    assert_eq!(file.row_groups(), 4);
    let skipped = |column: &str, comparison, value: Option<Arc<dyn Array>>| -> Vec<usize> {
        let tests = [RowTest {
            column: column.into(),
            comparison,
            value,
        }];
        (0..4).filter(|group| file.skips(*group, &tests)).collect()
    };
    let n = |v: i64| -> Option<Arc<dyn Array>> { Some(Arc::new(Int64Array::from(vec![v]))) };
    let s = |v: &str| -> Option<Arc<dyn Array>> { Some(Arc::new(StringViewArray::from_iter_values([v]))) };
    assert_eq!(skipped("n", Comparison::Eq, n(12)), [0, 2, 3]);
    assert_eq!(skipped("n", Comparison::Eq, n(-1)), [0, 1, 2, 3]);
    assert_eq!(skipped("n", Comparison::Lt, n(10)), [1, 2, 3]);
    assert_eq!(skipped("n", Comparison::LtEq, n(10)), [2, 3]);
    assert_eq!(skipped("n", Comparison::Gt, n(19)), [0, 1, 3]);
    assert_eq!(skipped("n", Comparison::GtEq, n(19)), [0, 3]);
    assert_eq!(skipped("n", Comparison::IsNull, None), [0, 1, 2]);
    assert_eq!(skipped("n", Comparison::IsNotNull, None), [3]);
    assert_eq!(skipped("s", Comparison::Eq, s("t25")), [0, 1, 3]);
    assert_eq!(skipped("s", Comparison::Gt, s("t")), [3]);
    assert_eq!(skipped("gone", Comparison::Eq, n(1)), Vec::<usize>::new());
    // Of another type than the column: nothing is known.
    assert_eq!(skipped("n", Comparison::Eq, s("12")), [3]);
}

/// Files of other writers: NULLs that are not counted, and bounds of an order that nobody knows.
#[test]
fn statistics_that_say_less_leave_out_less() {
    use arrow_array::{Array, Int64Array, RecordBatch};
    use millstream_dataflow::{Comparison, Field, RowTest};
    use parquet::file::statistics::Statistics;
    let schema = Schema::new(vec![Field::parse_type("n", "BIGINT").unwrap()]);
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, plain_schema(&schema), None).unwrap();
    let numbers = Int64Array::from(vec![Some(5), None]);
    writer
        .write(&RecordBatch::try_new(plain_schema(&schema), vec![Arc::new(numbers)]).unwrap())
        .unwrap();
    writer.close().unwrap();
    let file = ParquetFile::open(bytes.into(), &schema).unwrap();
    let with = |statistics: Statistics| {
        let metadata = file.metadata.metadata().as_ref().clone();
        let group = metadata.row_group(0).clone();
        let column = group.column(0).clone().into_builder().set_statistics(statistics).build().unwrap();
        let group = group.into_builder().set_column_metadata(vec![column]).build().unwrap();
        let metadata = metadata.into_builder().set_row_groups(vec![group]).build();
        ParquetFile {
            metadata: ArrowReaderMetadata::try_new(Arc::new(metadata), ArrowReaderOptions::new()).unwrap(),
            ..file.clone()
        }
    };
    let skips = |file: &ParquetFile, comparison, value: Option<i64>| {
        file.skips(
            0,
            &[RowTest {
                column: "n".into(),
                comparison,
                value: value.map(|v| Arc::new(Int64Array::from(vec![v])) as Arc<dyn Array>),
            }],
        )
    };
    let counted = with(Statistics::int64(Some(5), Some(5), None, Some(0), false));
    assert!(skips(&counted, Comparison::IsNull, None) && skips(&counted, Comparison::Eq, Some(6)));
    let uncounted = with(Statistics::int64(Some(5), Some(5), None, None, false));
    assert!(!skips(&uncounted, Comparison::IsNull, None) && !skips(&uncounted, Comparison::IsNotNull, None));
    assert!(skips(&uncounted, Comparison::Eq, Some(6)));
    let old = with(Statistics::int64(Some(5), Some(5), None, None, true));
    assert!(!skips(&old, Comparison::Eq, Some(6)));
}
