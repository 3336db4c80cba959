//! The files' source and sink against the suites.

use super::*;
use crate::context::tests::{context_in, handle, settle, table};
use crate::staging::Leftovers;
use bytes::Bytes;
use millstream_dataflow::testing::{SinkCase, SourceCase, block_on, columns, rows, sink_suite, source_suite, texts};
use millstream_dataflow::{Batch, EpochCommit, ErrorKind, Fetch, KeyGroupRange, PutMode, Schema, SinkCommitter, Store, SubtaskContext};
use millstream_store::{LocalStore, MemoryStore};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const COLUMNS: &str = "n BIGINT, s STRING, d DECIMAL(8, 2)";

/// A batch with rows that no batch of another number has.
fn batch(schema: &Schema, number: usize) -> Batch {
    let lines = (0..3).map(|i| format!("{} | 'text \"{number}\"\\n, {i}' | NULL", number * 10 + i));
    Batch::new(rows(schema, lines))
}

fn options(format: &str, more: &[(&'static str, &'static str)]) -> Vec<(&'static str, String)> {
    let mut all = vec![
        ("connector", "filesystem".to_string()),
        ("path", "data".to_string()),
        ("format", format.to_string()),
        ("csv.null-literal", "\\N".to_string()),
    ];
    all.extend(more.iter().map(|(k, v)| (*k, v.to_string())));
    all
}

fn table_of(columns: &str, options: &[(&'static str, String)]) -> TableSpec {
    let options: Vec<(&str, &str)> = options.iter().map(|(k, v)| (*k, v.as_str())).collect();
    table(columns, &options)
}

/// A directory with three files of rows in a format, one of them empty where a format has empty files.
fn written(format: &str, batches: usize) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let schema = columns(COLUMNS);
    let table = table_of(COLUMNS, &options(format, &[]));
    let data = directory.path().join("data");
    std::fs::create_dir_all(data.join("below")).unwrap();
    for (file, range) in [("a", 0..batches), ("below/b", batches..2 * batches)] {
        let mut encoder = millstream_formats::encoder(format, &schema, &table.options).unwrap();
        let mut bytes = Vec::new();
        for number in range {
            encoder.write(&batch(&schema, number), &mut bytes).unwrap();
        }
        encoder.finish(&mut bytes).unwrap();
        std::fs::write(data.join(format!("{file}.{format}")), bytes).unwrap();
    }
    if !blocks::is_read_in_blocks(format) {
        std::fs::write(data.join(format!("empty.{format}")), "").unwrap();
    }
    std::fs::write(data.join("_hidden"), "no rows").unwrap();
    directory
}

fn source_keeps_its_contract(format: &str, directory: &tempfile::TempDir, rows: usize) {
    let _entered = handle().enter();
    let open = |block: Option<u64>| {
        // Monitored or not, the files that are there are read alike.
        let more: &[_] = if block == Some(1000) { &[("source.monitor-interval", "1 s")] } else { &[] };
        let (table, context) = (table_of(COLUMNS, &options(format, more)), context_in(directory.path()));
        move || {
            let mut files = reader::Files::new(&table, &context)?;
            files.block = block.unwrap_or(files.block);
            Ok(Arc::new(files) as Arc<dyn Source>)
        }
    };
    let (whole, small, tiny) = (open(None), open(Some(1000)), open(Some(1)));
    source_suite(&SourceCase {
        open: &[&whole, &small, &tiny],
        rows,
    });
}

#[test]
fn files_of_each_format_keep_what_a_source_must() {
    for format in ["json", "csv", "parquet", "avro"] {
        let directory = written(format, 40);
        source_keeps_its_contract(format, &directory, 2 * 40 * 3);
    }
}

#[test]
fn compressed_files_keep_what_a_source_must() {
    for (end, codec) in compressed::tests::CODECS {
        let directory = written("json", 20);
        for file in ["a.json", "below/b.json"] {
            let path = directory.path().join("data").join(file);
            let bytes = compressed::tests::compress(codec, &std::fs::read(&path).unwrap());
            std::fs::write(path.with_extension(format!("json.{end}")), bytes).unwrap();
            std::fs::remove_file(path).unwrap();
        }
        source_keeps_its_contract("json", &directory, 2 * 20 * 3);
    }
}

#[test]
fn a_byte_order_mark_at_the_start_of_a_file_is_no_part_of_it() {
    for (format, text) in [("json", "\u{feff}{\"n\":1}\n{\"n\":2}\n"), ("csv", "\u{feff}1,\u{feff}x,\\N\n2,y,\\N\n")] {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("data")).unwrap();
        std::fs::write(directory.path().join("data/file"), text).unwrap();
        source_keeps_its_contract(format, &directory, 2);
        let source = reader::Files::new(&table_of(COLUMNS, &options(format, &[])), &context_in(directory.path())).unwrap();
        let mut reader = source.reader(block_on(source.discover(&[])).unwrap()).unwrap();
        let Ok(Fetch::Chunk(chunk)) = reader.fetch(std::time::Duration::ZERO) else {
            panic!("no chunk")
        };
        let decoded = source.decoder().unwrap().decode(chunk).unwrap();
        assert!(decoded.bad.is_empty(), "{:?}", decoded.bad);
        assert_eq!(decoded.batch.num_rows(), 2);
    }
}

#[test]
fn bad_records_come_again_with_their_places() {
    let directory = written("json", 5);
    std::fs::write(directory.path().join("data/bad.json"), "{\"n\":1}\nnothing\n\n{\"n\":\"x\"}\r\n{\"n\":2}").unwrap();
    source_keeps_its_contract("json", &directory, 2 * 5 * 3 + 4);
}

/// What a plain listing finds, read as a plain reader does; partition columns come from the path.
fn visible(store: &dyn Store, format: &str, data: &Schema, options: &BTreeMap<String, String>) -> Vec<String> {
    let mut all = Vec::new();
    for meta in block_on(store.list("")).unwrap() {
        let hidden = meta.path.split('/').any(|segment| segment.starts_with(['.', '_']));
        if hidden || !meta.path.ends_with(format) {
            continue;
        }
        let bytes: Bytes = block_on(store.get(&meta.path, None)).unwrap().unwrap();
        let batches = if blocks::is_read_in_blocks(format) {
            let file = blocks::Blocks::open(format, bytes, data).unwrap();
            (0..file.count()).map(|block| file.read(block).unwrap()).collect::<Vec<_>>()
        } else {
            let lines = millstream_formats::Lines::of(format, options).unwrap();
            let mut decoder = millstream_formats::decoder(format, data, data, options).unwrap();
            for record in millstream_formats::split_records(lines, &bytes, true).0 {
                decoder.decode(&bytes[record]).unwrap();
            }
            vec![decoder.finish().unwrap()]
        };
        let partition: String = meta.path.split('/').filter_map(|s| s.split_once('=')).map(|(_, v)| format!(" | {v}")).collect();
        all.extend(batches.into_iter().flat_map(|b| texts(&Batch::new(b))).map(|row| row + &partition));
    }
    all
}

/// Runs the suite over a store.
fn sink_keeps_its_contract(store: Arc<dyn Store>, format: &str, partitioned: bool, more: &[(&'static str, &'static str)]) {
    let _entered = handle().enter();
    let (with_partition, data) = ("n BIGINT, s STRING, p INT", columns("n BIGINT, s STRING"));
    let mut table = match partitioned {
        true => table_of(with_partition, &options(format, more)),
        false => table_of("n BIGINT, s STRING", &options(format, more)),
    };
    if partitioned {
        table.partition_keys = vec!["p".into()];
    }
    let schema = table.schema();
    let directory = tempfile::tempdir().unwrap();
    let context = context_in(directory.path());
    sink_suite(&SinkCase {
        open: &|| {
            // A process that is gone has no I/O under way.
            settle();
            Ok(Arc::new(sink::FileSink::over(Arc::clone(&store), &table, &context)?) as Arc<dyn Sink>)
        },
        rows: &|number| {
            let line = |i: usize| match partitioned {
                true => format!("{} | text {number} | {}", number * 10 + i, i % 2),
                false => format!("{} | 'text \"{number}\", {i}'", number * 10 + i),
            };
            Batch::new(rows(&schema, (0..4).map(line)))
        },
        visible: Some(&|| visible(store.as_ref(), format, &data, &table.options)),
        leftovers: &|| {
            let all = block_on(store.list("")).unwrap();
            all.into_iter().map(|m| m.path).filter(|p| p.contains(".staging")).collect()
        },
        atomic: false,
    });
}

#[test]
fn local_files_of_each_format_keep_what_a_sink_must() {
    for format in ["json", "csv", "parquet", "avro"] {
        for partitioned in [false, true] {
            let directory = tempfile::tempdir().unwrap();
            let store = Arc::new(LocalStore::new(directory.path()).unwrap());
            sink_keeps_its_contract(store, format, partitioned, &[]);
        }
    }
}

#[test]
fn files_that_are_merged_keep_what_a_sink_must() {
    for format in ["json", "parquet"] {
        for partitioned in [false, true] {
            let directory = tempfile::tempdir().unwrap();
            let local: Arc<dyn Store> = Arc::new(LocalStore::new(directory.path()).unwrap());
            for store in [local, Arc::new(MemoryStore::new()), Arc::new(MemoryStore::with_part_min(30))] {
                sink_keeps_its_contract(store, format, partitioned, &[("auto-compaction", "true")]);
            }
        }
    }
}

#[test]
fn files_that_are_old_are_finished_while_rows_come() {
    let _entered = handle().enter();
    // Each look at the clock takes a millisecond.
    for (option, rows_of_files) in [
        ("sink.rolling-policy.rollover-interval", vec![2, 2, 2]),
        ("sink.rolling-policy.inactivity-interval", vec![6]),
    ] {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let table = table_of(
            "n BIGINT",
            &options("json", &[(option, "2 ms"), ("sink.rolling-policy.check-interval", "1 ms")]),
        );
        let sink = sink::FileSink::over(Arc::clone(&store), &table, &context_in(Path::new("."))).unwrap();
        let subtask = SubtaskContext {
            subtask: 0,
            parallelism: 1,
            key_groups: KeyGroupRange::of(0, 1, 128),
            max_parallelism: 128,
        };
        let mut writer = sink.writer(&subtask, "life-0").unwrap();
        for n in 0..6 {
            writer.write(Batch::new(rows(&table.schema(), [n.to_string()]))).unwrap();
        }
        let committables = block_on(writer.pre_commit(1).unwrap()).unwrap();
        block_on(sink.committer("life-0").unwrap().unwrap().commit(EpochCommit { epoch: 1, committables })).unwrap();
        let files = block_on(store.list("")).unwrap();
        let found: Vec<usize> = files
            .iter()
            .filter(|f| f.path.starts_with("part-"))
            .map(|f| block_on(store.get(&f.path, None)).unwrap().unwrap().iter().filter(|b| **b == b'\n').count())
            .collect();
        assert_eq!(found, rows_of_files, "{option}");
    }
}

#[test]
fn files_that_roll_within_an_epoch_keep_what_a_sink_must() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(LocalStore::new(directory.path()).unwrap());
    sink_keeps_its_contract(store, "json", true, &[("sink.rolling-policy.file-size", "40 b")]);
}

#[test]
fn partitions_that_are_marked_keep_what_a_sink_must() {
    let directory = tempfile::tempdir().unwrap();
    let stores: [Arc<dyn Store>; 2] = [Arc::new(LocalStore::new(directory.path()).unwrap()), Arc::new(MemoryStore::new())];
    for store in stores {
        sink_keeps_its_contract(Arc::clone(&store), "json", true, &[("sink.partition-commit.policy.kind", "success-file")]);
        for partition in ["p=0", "p=1"] {
            assert!(block_on(store.head(&format!("{partition}/_SUCCESS"))).unwrap().is_some());
        }
    }
}

#[test]
fn objects_keep_what_a_sink_must_inline_and_uploaded() {
    for format in ["json", "parquet", "avro"] {
        sink_keeps_its_contract(Arc::new(MemoryStore::new()), format, false, &[]);
        sink_keeps_its_contract(Arc::new(MemoryStore::with_part_min(30)), format, true, &[]);
    }
}

#[test]
fn a_file_of_another_size_in_the_place_of_ours_is_told_at_the_commit() {
    let ours = commit::File {
        path: "part-0".to_string(),
        bytes: 4,
        content: commit::Content::Inline(commit::to_hex(b"ours")),
        crc32c: None,
    };
    for (there, is_told) in [(&b"ours"[..], false), (b"another's", true), (b"", true)] {
        let store = Arc::new(MemoryStore::new());
        block_on(store.put("part-0", Bytes::from_static(there), PutMode::Create)).unwrap();
        let mut committer = commit::FileCommitter {
            store,
            incarnation: "f".repeat(32),
            left: Leftovers::default(),
            compactor: None,
            clock: context_in(Path::new(".")).clock,
            partition_commit: None,
            partitions: partition_commit::Partitions::default(),
        };
        let committables = vec![commit::Files::encode(vec![ours.clone()]).unwrap()];
        let shown = block_on(committer.commit(EpochCommit { epoch: 1, committables }));
        match shown {
            Ok(()) => assert!(!is_told),
            Err(e) => assert!(is_told && e.message.contains("instead of 4"), "{e}"),
        }
    }
}

#[test]
fn each_file_with_blocks_gives_its_own_rows() {
    for format in ["avro", "parquet"] {
        let directory = written(format, 2);
        let _entered = handle().enter();
        let table = table_of(COLUMNS, &options(format, &[]));
        let source = reader::Files::new(&table, &context_in(directory.path())).unwrap();
        let splits = block_on(source.discover(&[])).unwrap();
        let mut open = splits.len();
        let (mut reader, mut decoder) = (source.reader(splits).unwrap(), source.decoder().unwrap());
        let mut all = Vec::new();
        while open > 0 {
            match reader.fetch(std::time::Duration::ZERO).unwrap() {
                Fetch::Chunk(chunk) => all.extend(texts(&decoder.decode(chunk).unwrap().batch)),
                Fetch::Finished(_) => open -= 1,
                _ => {}
            }
        }
        let rows = all.len();
        all.sort();
        all.dedup();
        assert!(rows > 10 && all.len() == rows, "{format}: {} of {rows} rows differ", all.len());
    }
}

#[test]
fn a_paused_file_goes_on_where_it_was_left_and_others_are_read_meanwhile() {
    for format in ["json", "parquet", "avro"] {
        let directory = written(format, 40);
        let _entered = handle().enter();
        let table = table_of(COLUMNS, &options(format, &[]));
        let mut source = reader::Files::new(&table, &context_in(directory.path())).unwrap();
        source.block = 400;
        let splits = block_on(source.discover(&[])).unwrap();
        let (mut reader, mut decoder) = (source.reader(splits).unwrap(), source.decoder().unwrap());
        let (mut found, mut paused) = (Vec::new(), BTreeSet::new());
        loop {
            match reader.fetch(std::time::Duration::ZERO).unwrap() {
                Fetch::Chunk(chunk) => {
                    assert!(!paused.contains(&chunk.split), "{} is paused", chunk.split);
                    paused = BTreeSet::from([chunk.split.clone()]);
                    found.extend(texts(&decoder.decode(chunk).unwrap().batch));
                }
                Fetch::Nothing if paused.is_empty() => break,
                // Only the paused one is left.
                Fetch::Nothing => paused.clear(),
                _ => {}
            }
            reader.pause(&paused).unwrap();
        }
        found.sort();
        let mut all: Vec<String> = (0..80).flat_map(|n| texts(&batch(&columns(COLUMNS), n))).collect();
        all.sort();
        assert_eq!(found, all, "{format}");
    }
}

#[test]
fn a_monitored_directory_has_new_files_and_each_once() {
    for format in ["avro", "parquet"] {
        let directory = written(format, 2);
        let _entered = handle().enter();
        let monitored = options(format, &[("source.monitor-interval", "1 s")]);
        let source = reader::Files::new(&table_of(COLUMNS, &monitored), &context_in(directory.path())).unwrap();
        assert!(!source.bounded() && source.discovery_interval() == Some(std::time::Duration::from_secs(1)));
        let known = block_on(source.discover(&[])).unwrap();
        let data = directory.path().join("data");
        let first = data.join(&known[0].id);
        let new = format!("new.{format}");
        std::fs::copy(&first, data.join(&new)).unwrap();
        std::fs::copy(&first, data.join(format!(".hidden.{format}"))).unwrap();
        // One that has grown, or gone, is none that is new.
        std::fs::remove_file(&first).unwrap();
        let found = block_on(source.discover(&known)).unwrap();
        assert_eq!(found[..known.len()], known);
        assert_eq!(found[known.len()..].iter().map(|s| s.id.as_str()).collect::<Vec<_>>(), [new]);
    }
}

#[test]
fn a_monitored_directory_that_goes_away_is_told_and_taken_up_again() {
    let directory = written("json", 1);
    let spec = table_of(COLUMNS, &options("json", &[("source.monitor-interval", "1s")]));
    let source = reader::Files::new(&spec, &context_in(directory.path())).unwrap();
    let known = block_on(source.discover(&[])).unwrap();
    let reader = source.reader(known.clone()).unwrap();
    assert!(reader.is_connected());
    let (data, away) = (directory.path().join("data"), directory.path().join("away"));
    std::fs::rename(&data, &away).unwrap();
    let error = block_on(source.discover(&known)).unwrap_err();
    assert!(error.is_transient() && error.message.contains("not there any more"), "{error}");
    assert!(!reader.is_connected());
    std::fs::rename(&away, &data).unwrap();
    assert_eq!(block_on(source.discover(&known)).unwrap(), known);
    assert!(reader.is_connected());
}

#[test]
fn a_pattern_is_matched_with_whole_paths() {
    for (location, expected) in [
        ("file:///data", "/data/a/x.json"),
        ("s3://lake", "/a/x.json"),
        ("s3://lake/", "/a/x.json"),
        ("abfss://c@account.dfs.core.windows.net/in/clicks/", "/in/clicks/a/x.json"),
    ] {
        assert_eq!(reader::whole_path(location, "a/x.json"), expected);
    }
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().canonicalize().unwrap().join("data");
    std::fs::create_dir_all(data.join("sub")).unwrap();
    for file in ["x.json", "y.json", "sub/x.json", "sub/_x.json", "z.csv"] {
        std::fs::write(data.join(file), "{\"n\":1}\n").unwrap();
    }
    let found = |path: &'static str, pattern: String| {
        let mut options = options("json", &[]);
        options[1].1 = path.to_string();
        options.push(("source.path.regex-pattern", pattern));
        let source = reader::Files::new(&table_of("n BIGINT", &options), &context_in(directory.path())).unwrap();
        let splits = block_on(source.discover(&[])).unwrap();
        splits.into_iter().map(|s| s.id).collect::<Vec<_>>()
    };
    let _entered = handle().enter();
    assert_eq!(found("data", ".*\\.json".into()), ["sub/x.json", "x.json", "y.json"]);
    assert_eq!(found("data", ".*/x\\.json".into()), ["sub/x.json", "x.json"]);
    assert_eq!(found("data", format!("{}/[^/]*", data.display())), ["x.json", "y.json", "z.csv"]);
    // The whole path, and nothing else.
    assert!(found("data", "x\\.json".into()).is_empty());
    assert_eq!(found("data/x.json", ".*/data/x\\.json|y".into()), ["x.json"]);
    assert!(found("data/x.json", ".*y\\.json".into()).is_empty());
}

#[test]
fn a_damaged_or_empty_avro_file_is_named() {
    let directory = written("avro", 2);
    let _entered = handle().enter();
    let data = directory.path().join("data");
    let whole = std::fs::read(data.join("a.avro")).unwrap();
    std::fs::remove_dir_all(data.join("below")).unwrap();
    for content in [&whole[..0], &whole[..whole.len() - 1], b"no Avro"] {
        std::fs::write(data.join("a.avro"), content).unwrap();
        let source = reader::Files::new(&table_of(COLUMNS, &options("avro", &[])), &context_in(directory.path())).unwrap();
        let mut reader = source.reader(block_on(source.discover(&[])).unwrap()).unwrap();
        let Err(error) = reader.fetch(std::time::Duration::ZERO) else {
            panic!("{} bytes are read", content.len())
        };
        assert!(error.kind == ErrorKind::Data && error.to_string().contains("a.avro"), "{error}");
    }
}

#[test]
fn a_file_that_is_gone_is_told_when_it_is_read() {
    let directory = written("json", 2);
    let _entered = handle().enter();
    let source = reader::Files::new(&table_of(COLUMNS, &options("json", &[])), &context_in(directory.path())).unwrap();
    let splits = block_on(source.discover(&[])).unwrap();
    std::fs::remove_file(directory.path().join("data/a.json")).unwrap();
    let again = block_on(source.discover(&splits)).unwrap();
    assert_eq!(again, splits);
    let mut reader = source.reader(splits).unwrap();
    let error = (0..10).find_map(|_| reader.fetch(std::time::Duration::ZERO).err()).unwrap();
    assert!(error.message.contains("a.json has gone"), "{error}");
}

/// Somebody has removed what was staged: the epoch cannot be shown, and that is said.
#[test]
fn a_staged_file_that_is_gone_is_no_commit() {
    let _entered = handle().enter();
    let directory = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(LocalStore::new(directory.path()).unwrap());
    let table = table_of("n BIGINT", &options("json", &[]));
    let sink = sink::FileSink::over(Arc::clone(&store), &table, &context_in(directory.path())).unwrap();
    let subtask = SubtaskContext {
        subtask: 0,
        parallelism: 1,
        key_groups: KeyGroupRange::of(0, 1, 128),
        max_parallelism: 128,
    };
    let mut writer = sink.writer(&subtask, "life-0").unwrap();
    writer.write(Batch::new(rows(&table.schema(), ["1"]))).unwrap();
    let committables = block_on(writer.pre_commit(1).unwrap()).unwrap();
    for meta in block_on(store.list(".staging")).unwrap() {
        block_on(store.delete(&meta.path)).unwrap();
    }
    let commit = EpochCommit { epoch: 1, committables };
    let error = block_on(sink.committer("life-0").unwrap().unwrap().commit(commit)).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Corrupt);
    assert!(error.message.contains("neither staged nor visible"), "{error}");
}

#[test]
fn row_groups_without_a_wanted_row_are_not_read() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("data")).unwrap();
    let small = options("parquet", &[("parquet.block.size", "1")]);
    let mut table = table_of(COLUMNS, &small);
    let data = in_files(&table);
    let mut encoder = millstream_formats::encoder("parquet", &data, &table.options).unwrap();
    let mut bytes = Vec::new();
    for number in 0..4 {
        encoder.write(&batch(&data, number), &mut bytes).unwrap();
    }
    encoder.finish(&mut bytes).unwrap();
    std::fs::write(directory.path().join("data/file"), bytes).unwrap();
    let mut read = |tests: Vec<millstream_dataflow::RowTest>| -> Vec<String> {
        table.tests = tests;
        let source = reader::Files::new(&table, &context_in(directory.path())).unwrap();
        let mut reader = source.reader(block_on(source.discover(&[])).unwrap()).unwrap();
        let mut decoder = source.decoder().unwrap();
        let mut all = Vec::new();
        while let Fetch::Chunk(chunk) = reader.fetch(std::time::Duration::ZERO).unwrap() {
            all.extend(texts(&decoder.decode(chunk).unwrap().batch));
        }
        all
    };
    let all = read(vec![]);
    let test = |comparison, value: i64| millstream_dataflow::RowTest {
        column: "n".into(),
        comparison,
        value: Some(Arc::new(arrow_array::Int64Array::from(vec![value]))),
    };
    let of = |line: &String| line.split(" | ").next().and_then(|n| n.parse::<i64>().ok()).unwrap();
    let last = all.iter().map(of).max().unwrap();
    let some = read(vec![test(millstream_dataflow::Comparison::GtEq, last)]);
    assert!(some.len() < all.len() && some.iter().any(|line| of(line) == last), "{some:?} of {all:?}");
    assert!(some.iter().all(|line| all.contains(line)));
    assert_eq!(read(vec![test(millstream_dataflow::Comparison::Gt, last)]), Vec::<String>::new());
}
