use super::*;
use crate::avro::tests::{hex, refuses};
use millstream_dataflow::testing::{FormatCase, Reading, columns, format_suite, rows, texts};
use millstream_dataflow::{ErrorKind, SqlType};

const CODECS: [&str; 4] = ["null", "deflate", "snappy", "zstandard"];

fn options(codec: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("avro.codec".to_string(), codec.to_string())])
}

fn read(bytes: Bytes, wanted: &Schema, rows_max: usize) -> Result<Vec<RecordBatch>> {
    let file = AvroFile::open(bytes, wanted)?;
    let mut batches = Vec::new();
    for block in 0..file.blocks() {
        batches.extend(file.read(block, rows_max)?.collect::<Result<Vec<_>>>()?);
    }
    Ok(batches)
}

fn lines(batches: Vec<RecordBatch>) -> Vec<String> {
    batches.into_iter().flat_map(|b| texts(&Batch::new(b))).collect()
}

#[test]
fn files_keep_what_a_format_must() {
    for codec in ["null", "snappy"] {
        let options = options(codec);
        format_suite(&FormatCase {
            encoder: &|schema| crate::encoder("avro", schema, &options),
            reading: Reading::File(&|wanted, bytes| read(bytes, wanted, 3)),
            refuses: &|ty: &SqlType| refuses(ty, true),
            lone_nulls: true,
            name: "_Name2",
        });
    }
}

/// A file's start and end as fastavro 1.13 writes them, around a block.
fn foreign(codec: &str, block: &str) -> Bytes {
    let schema = r#"{"type": "record", "name": "Item", "fields": [{"name": "id", "type": "int"}, {"name": "extra", "type": ["null", "string"]}, {"name": "name", "type": ["null", "string"]}]}"#;
    let mut file = hex("4f626a0106");
    for text in ["by", "fastavro", CODEC_NAME, codec, SCHEMA, schema] {
        sized(text.as_bytes(), &mut file);
    }
    file.extend_from_slice(b"\x000123456789abcdef");
    file.extend(hex(block));
    file.extend_from_slice(b"0123456789abcdef");
    file.into()
}

#[test]
fn files_of_other_writers_are_read() {
    for (codec, block) in [
        ("null", "062a0002026502046e3002020265000402026502046e32"),
        ("deflate", "06286360624a6562c9336002d20c2c108e1100188002"),
        ("snappy", "063615500002026502046e3002020265000402026502046e328a7ab519"),
        ("zstandard", "063c28b52ffd2015a900000002026502046e3002020265000402026502046e32"),
    ] {
        let wanted = columns("name STRING, missing INT, id BIGINT");
        let batches = read(foreign(codec, block), &wanted, 2).unwrap();
        assert_eq!(batches.len(), 2);
        assert_eq!(lines(batches), ["n0 | NULL | 0", "NULL | NULL | 1", "n2 | NULL | 2"], "{codec}");
    }
}

#[test]
fn many_rows_become_several_blocks_whatever_their_batches_are() {
    let schema = columns("id INT NOT NULL, text STRING");
    let all = Batch::new(rows(&schema, (0..5000).map(|i| format!("{i} | {}", "x".repeat(30 + i % 7)))));
    for codec in CODECS {
        let mut encoder = AvroFileEncoder::new(&schema, &options(codec)).unwrap();
        let files = [1, 7, 5000].map(|step| {
            let mut out = Vec::new();
            for from in (0..5000).step_by(step) {
                encoder.write(&all.slice(from, step.min(5000 - from)), &mut out).unwrap();
            }
            encoder.finish(&mut out).unwrap();
            Bytes::from(out)
        });
        assert!(files.iter().all(|f| *f == files[0]), "{codec}");
        assert_eq!(AvroFile::open(files[0].clone(), &schema).unwrap().blocks(), 3);
        assert_eq!(lines(read(files[0].clone(), &schema, 1000).unwrap()), texts(&all));
    }
}

#[test]
fn what_cannot_be_read_is_said() {
    let schema = columns("id INT NOT NULL");
    let block = "062a0002026502046e3002020265000402026502046e32";
    let told = |bytes: Bytes, wanted: &str| {
        let e = read(bytes, &columns(wanted), 10).unwrap_err();
        assert_eq!(e.kind, ErrorKind::Data);
        e.to_string()
    };
    assert!(told(Bytes::from_static(b"PAR1"), "id INT").contains("does not start with Obj"));
    assert!(told(foreign("bzip2", block), "id INT").contains("packed by 'bzip2'"));
    assert!(told(foreign("null", block), "other INT NOT NULL").contains("the records have no field \"other\""));
    assert!(told(foreign("null", block), "id STRING").contains("the records have int"));
    assert!(told(foreign("null", block), "name STRING NOT NULL").contains("column \"name\": NULL for what is NOT NULL"));
    assert!(told(foreign("null", "082a0002026502046e3002020265000402026502046e32"), "id INT").contains("ends within a value"));
    assert!(told(foreign("null", "042a0002026502046e3002020265000402026502046e32"), "id INT").contains("bytes follow"));
    assert!(told(foreign("snappy", "063615500002026502046e3002020265000402026502046e328a7ab518"), "id INT").contains("checksum"));
    let mut cut = foreign("null", block).to_vec();
    cut.pop();
    assert!(told(cut.into(), "id INT").contains("ends within a value"));
    let empty = AvroFileEncoder::new(&schema, &options("null")).unwrap().header;
    assert_eq!(read(empty.into(), &schema, 10).unwrap().len(), 0);
}
