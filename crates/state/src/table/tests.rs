use super::*;
use arrow_array::{Int64Array, RecordBatch, StringViewArray, cast::AsArray, types::*};
use bytes::Bytes;
use millstream_dataflow::ErrorKind;

const KEYS: [SqlType; 2] = [SqlType::BigInt, SqlType::STRING];
const STATE: [StateType; 4] = [StateType::I64, StateType::I128, StateType::F64, StateType::Bytes];

/// A table of `n` keys (n, "n"), NULL among them, each with its number in all columns.
fn table(n: i64) -> KeyedTable {
    let mut table = KeyedTable::new("t", &KEYS, &STATE).unwrap();
    fill(&mut table, n);
    table
}

fn fill(table: &mut KeyedTable, n: i64) {
    let number: Int64Array = (0..n).map(|i| (i != 1).then_some(i)).collect();
    let text: StringViewArray = (0..n).map(|i| Some(i.to_string())).collect();
    let mut ids = Vec::new();
    table.intern(&[Arc::new(number), Arc::new(text)], n as usize, &mut ids).unwrap();
    write(table, &ids);
}

fn write(table: &mut KeyedTable, ids: &[u32]) {
    let [a, b, c, d] = table.columns_mut() else { panic!() };
    let (mut a, mut b) = (a.i64s().unwrap().writer(ids), b.i128s().unwrap().writer(ids));
    let (mut c, mut d) = (c.f64s().unwrap().writer(ids), d.byte_strings().unwrap().writer(ids));
    for id in ids {
        *a.at(*id) += i64::from(*id);
        *b.at(*id) = i128::from(*id) << 80;
        *c.at(*id) = f64::from(*id) / 2.0;
        *d.at(*id) = id.is_multiple_of(2).then(|| id.to_string().into_bytes().into());
    }
}

fn parts(snapshot: &TableSnapshot) -> Vec<SnapshotPart> {
    let part = |c: &SnapshotChunk| SnapshotPart {
        table: snapshot.name.clone(),
        bytes: c.data.encode().unwrap().into(),
    };
    snapshot.chunks.iter().map(part).collect()
}

/// All rows as text, sorted.
fn rows(table: &KeyedTable) -> Vec<String> {
    let n = table.len();
    let columns = table.keys(0..n).unwrap().into_iter().chain(table.columns().iter().map(|c| c.to_array(0..n)));
    let columns: Vec<_> = columns.collect();
    let mut rows: Vec<String> = (0..n).map(|i| columns.iter().map(|c| format!("{:?} ", c.slice(i, 1))).collect()).collect();
    rows.sort();
    rows
}

const ALL: KeyGroupRange = KeyGroupRange { start: 0, end: 128 };

#[test]
fn a_snapshot_restores_and_later_writes_do_not_reach_it() {
    let mut live = table(CHUNK_IDS as i64 + 10);
    let before = rows(&live);
    let snapshot = live.snapshot();
    assert_eq!(snapshot.chunks.len(), 2);
    write(&mut live, &[3, 4, CHUNK_IDS as u32]);
    live.intern(
        &[Arc::new(Int64Array::from(vec![-1])), Arc::new(StringViewArray::from(vec!["new"]))],
        1,
        &mut Vec::new(),
    )
    .unwrap();
    let mut restored = KeyedTable::new("t", &KEYS, &STATE).unwrap();
    restored.restore(&parts(&snapshot), ALL, 128, &[0]).unwrap();
    assert_eq!(rows(&restored), before);
    assert_ne!(rows(&live), before);
}

#[test]
fn the_version_of_a_chunk_changes_iff_its_content_did() {
    let mut table = table(2 * CHUNK_IDS as i64 + 10);
    let versions = |t: &KeyedTable| t.snapshot().chunks.iter().map(|c| (c.id, c.version)).collect::<Vec<_>>();
    let first = versions(&table);
    assert_eq!(versions(&table), first, "nothing changed");
    write(&mut table, &[CHUNK_IDS as u32 + 7]);
    let second = versions(&table);
    assert_eq!([second[0], second[2]], [first[0], first[2]]);
    assert_eq!(second[1].0, first[1].0);
    assert!(second[1].1 > first[1].1);
    // A new key alone is a change: its state is zero, but it is there.
    table
        .intern(
            &[Arc::new(Int64Array::from(vec![-1])), Arc::new(StringViewArray::from(vec!["new"]))],
            1,
            &mut Vec::new(),
        )
        .unwrap();
    let third = versions(&table);
    assert_eq!(third[..2], second[..2]);
    assert!(third[2].1 > second[2].1);
    // After clear no chunk may be taken for a former one.
    table.clear();
    assert!(table.is_empty() && table.snapshot().chunks.is_empty());
    fill(&mut table, 2 * CHUNK_IDS as i64 + 10);
    assert!(versions(&table).iter().all(|c| third.iter().all(|t| t.0 != c.0)));
}

#[test]
fn rescaling_deals_each_row_to_one_subtask() {
    let old = table(1000);
    let all = parts(&old.snapshot());
    for group_by in [vec![0], vec![1, 0], vec![]] {
        for parallelism in [1, 2, 3, 8] {
            let mut dealt = Vec::new();
            for subtask in 0..parallelism {
                let mut table = KeyedTable::new("t", &KEYS, &STATE).unwrap();
                let mine = KeyGroupRange::of(subtask, parallelism, 128);
                table.restore(&all, mine, 128, &group_by).unwrap();
                let keys = table.keys(0..table.len()).unwrap();
                let by: Vec<ArrayRef> = group_by.iter().map(|k| Arc::clone(&keys[*k])).collect();
                let mut groups = Vec::new();
                key_group::assign(&by, table.len(), 128, &mut groups).unwrap();
                assert!(groups.iter().all(|g| mine.contains(*g)));
                dealt.extend(rows(&table));
            }
            dealt.sort();
            assert_eq!(dealt, rows(&old), "{group_by:?} at {parallelism}");
        }
    }
}

#[test]
fn tables_without_keys_or_state_restore() {
    for (keys, state) in [(&[][..], &[StateType::I64][..]), (&[], &[]), (&[SqlType::BigInt], &[])] {
        let mut table = KeyedTable::new("t", keys, state).unwrap();
        assert!(table.snapshot().chunks.is_empty());
        let columns: Vec<ArrayRef> = keys.iter().map(|_| Arc::new(Int64Array::from(vec![7, 8])) as ArrayRef).collect();
        table.intern(&columns, 2, &mut Vec::new()).unwrap();
        let mut restored = KeyedTable::new("t", keys, state).unwrap();
        restored.restore(&parts(&table.snapshot()), ALL, 128, &[]).unwrap();
        assert_eq!(restored.len(), if keys.is_empty() { 1 } else { 2 });
        assert_eq!(rows(&restored), rows(&table));
    }
}

#[test]
fn parts_that_do_not_fit_are_refused() {
    let parts = parts(&table(3).snapshot());
    let restore = |keys: &[SqlType], state: &[StateType], parts: &[SnapshotPart]| {
        let mut table = KeyedTable::new("t", keys, state).unwrap();
        table.restore(parts, ALL, 128, &[0]).unwrap_err().kind
    };
    assert_eq!(restore(&KEYS[..1], &STATE, &parts), ErrorKind::Corrupt);
    assert_eq!(restore(&KEYS, &STATE[..3], &parts), ErrorKind::Corrupt);
    assert_eq!(restore(&[SqlType::Int, SqlType::STRING], &STATE, &parts), ErrorKind::Corrupt);
    assert_eq!(restore(&KEYS, &STATE, &[parts.clone(), parts.clone()].concat()), ErrorKind::Corrupt);
    let mut other = KeyedTable::new("other", &KEYS, &STATE).unwrap();
    other.restore(&parts, ALL, 128, &[0]).unwrap();
    assert!(other.is_empty(), "another table's parts are not ours");
}

#[test]
fn a_damaged_chunk_is_corrupt_at_every_byte() {
    let table = parts(&table(3).snapshot()).remove(0).bytes;
    let value = parts(&singleton("v", "value")).remove(0).bytes;
    let table_ok = |b: Bytes| chunk::decode(&b).map(|_| ());
    let value_ok = |bytes: Bytes| read_singleton("v", &[SnapshotPart { table: "v".into(), bytes }]).map(|_| ());
    let damage = |bytes: &Bytes, read: &dyn Fn(Bytes) -> Result<()>| {
        read(bytes.clone()).unwrap();
        for at in 0..bytes.len() {
            assert_eq!(read(bytes.slice(..at)).unwrap_err().kind, ErrorKind::Corrupt, "cut at {at}");
            for bit in [0, 7] {
                let mut flipped = bytes.to_vec();
                flipped[at] ^= 1 << bit;
                assert_eq!(read(flipped.into()).unwrap_err().kind, ErrorKind::Corrupt, "bit {bit} of byte {at}");
            }
        }
        let longer = [bytes.as_ref(), b"x"].concat();
        assert_eq!(read(longer.into()).unwrap_err().kind, ErrorKind::Corrupt);
    };
    damage(&table, &table_ok);
    damage(&value, &value_ok);
    assert!(
        table_ok(value.clone()).is_err() && value_ok(table.clone()).is_err(),
        "one kind is not the other"
    );
}

#[test]
fn singletons_of_all_former_subtasks_come_back() {
    let (a, b) = (singleton("fired", vec![1]), singleton("fired", vec![2]));
    assert_ne!(a.chunks[0].version, b.chunks[0].version);
    let all = [parts(&a), parts(&table(1).snapshot()), parts(&b)].concat();
    assert_eq!(read_singleton("fired", &all).unwrap(), [Bytes::from(vec![1]), Bytes::from(vec![2])]);
    assert_eq!(table_names(&all), ["fired", "t"]);
}

/// Chunks of every release must restore. `UPDATE=1` writes a golden file that is not there yet; an old one never changes.
#[test]
fn the_golden_chunk_restores() {
    let path = "src/table/golden/chunk-1.bin";
    if std::env::var_os("UPDATE").is_some() && !std::path::Path::new(path).exists() {
        std::fs::write(path, &parts(&table(3).snapshot())[0].bytes).unwrap();
    }
    let golden = Bytes::from(std::fs::read(path).unwrap());
    let batch: RecordBatch = chunk::decode(&golden).unwrap();
    let names: Vec<_> = batch.schema().fields().iter().map(|f| f.name().clone()).collect();
    assert_eq!(names, ["k0", "k1", "s0", "s1", "s2", "s3"]);
    assert_eq!(batch.column(2).as_primitive::<Int64Type>().values(), &[0, 1, 2]);
    let part = SnapshotPart {
        table: "t".into(),
        bytes: golden,
    };
    let mut restored = KeyedTable::new("t", &KEYS, &STATE).unwrap();
    restored.restore(&[part], ALL, 128, &[0, 1]).unwrap();
    assert_eq!(rows(&restored), rows(&table(3)));
}
