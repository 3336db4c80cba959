use super::*;
use crate::avro::tests::{hex, refuses};
use crate::registry::tests::{Memory, arc, schema};
use millstream_dataflow::testing::{MessageCase, columns, message_suite, rows, texts};
use millstream_dataflow::{Batch, RecordEncoder, Records};

fn none() -> BTreeMap<String, String> {
    BTreeMap::new()
}

fn decode(table: &Schema, memory: &Arc<Memory>) -> Box<dyn Decoder> {
    decoder(table, &none(), arc(memory)).unwrap()
}

fn encode(table: &Schema, memory: &Arc<Memory>) -> RegistryEncoder {
    encoder(table, "t-value", &none(), arc(memory)).unwrap()
}

#[test]
fn messages_keep_what_a_format_must() {
    let memory = Arc::new(Memory::default());
    message_suite(&MessageCase {
        encoder: &|schema| crate::registry_encoder(SPEC.name, schema, "t-value", &none(), arc(&memory)),
        decoder: &|_, wanted| crate::registry_decoder(SPEC.name, wanted, &none(), arc(&memory)),
        refuses: &|ty| refuses(ty, true),
        plain_lists: false,
        name: "_Name2",
        single: false,
    });
}

#[test]
fn records_of_several_schemas_become_rows_of_one_table() {
    let memory = Arc::new(Memory::default());
    let mut out = Records::default();
    for (table, row) in [
        ("id INT, name STRING", "1 | a"),
        ("name STRING, extra DOUBLE, id INT NOT NULL", "b | 0.5 | 2"),
        ("id INT", "3"),
    ] {
        let mut encoder = encode(&columns(table), &memory);
        for _ in 0..2 {
            encoder.encode(&Batch::new(rows(&columns(table), [row])), &mut out).unwrap();
        }
    }
    assert_eq!(*memory.asked.lock().unwrap(), 3);
    assert_eq!(out.iter().next().unwrap(), hex("00 00000001 0202 020261"));
    let subjects: Vec<String> = memory.schemas.lock().unwrap().iter().map(|s| s.0.clone()).collect();
    assert_eq!(subjects, ["t-value"; 3]);

    let table = columns("id BIGINT, name STRING");
    let mut decoder = decode(&table, &memory);
    out.iter().for_each(|r| assert_eq!(decoder.decode(r), Ok(1)));
    assert_eq!(
        texts(&Batch::new(decoder.finish().unwrap())),
        ["1 | a", "1 | a", "2 | b", "2 | b", "3 | NULL", "3 | NULL"]
    );
    assert_eq!(*memory.asked.lock().unwrap(), 6, "each schema is asked for once");
}

#[test]
fn a_record_without_a_fitting_schema_is_bad_and_the_registry_is_asked_again_later() {
    let memory = Arc::new(Memory::default());
    memory.keep("s", schema(KIND, "\"int\"", &[]));
    let table = columns("id BIGINT");
    let mut decoder = decode(&table, &memory);
    let mut told = |record: &str| {
        let e = decoder.decode(&hex(record)).unwrap_err();
        format!("{}: {}", e.reason, e.message)
    };
    assert_eq!(told("00 000000"), "malformed: the record does not start with a 0 and the id of its schema");
    assert_eq!(told("01 00000001 00"), "malformed: the record does not start with a 0 and the id of its schema");
    assert_eq!(told("00 00000001 00"), "schema: schema 1: the records are no Avro records but int");
    let asked = *memory.asked.lock().unwrap();
    assert_eq!(told("00 00000002 0202"), "schema: schema 2: there is no such schema");
    assert_eq!(told("00 00000002 0202"), "schema: schema 2: there is no such schema");
    assert_eq!(*memory.asked.lock().unwrap(), asked + 1);
    assert_eq!(decoder.finish().unwrap().num_rows(), 0);
    encode(&table, &memory)
        .encode(&Batch::new(rows(&table, ["1"])), &mut Records::default())
        .unwrap();
    assert_eq!(decoder.decode(&hex("00 00000002 0202")), Ok(1));
}

#[test]
fn a_registry_that_does_not_answer_fails_the_batch_and_no_record() {
    let memory = Arc::new(Memory::default());
    let table = columns("id BIGINT");
    let batch = Batch::new(rows(&table, ["1"]));
    *memory.down.lock().unwrap() = true;
    let mut encoder = encode(&table, &memory);
    let mut out = Records::default();
    assert!(encoder.encode(&batch, &mut out).unwrap_err().is_transient());
    assert_eq!(out, Records::default());
    *memory.down.lock().unwrap() = false;
    encoder.encode(&batch, &mut out).unwrap();

    let mut decoder = decode(&table, &memory);
    let record = out.bytes.as_slice();
    let unlike = hex("00 00000002 0202");
    assert_eq!(decoder.decode(record), Ok(1));
    *memory.down.lock().unwrap() = true;
    for record in [record, &unlike, record, b"bad"] {
        assert!(decoder.decode(record).unwrap_or(0) <= 1);
    }
    assert!(decoder.finish().unwrap_err().is_transient());
    assert_eq!(decoder.rows(), 0);
    *memory.down.lock().unwrap() = false;
    assert_eq!(decoder.decode(record), Ok(1));
    assert_eq!(decoder.finish().unwrap().num_rows(), 1);
}

#[test]
fn a_schema_may_refer_to_named_types_of_others() {
    let memory = Arc::new(Memory::default());
    let city = r#"{"type":"record","name":"City","namespace":"com.example","fields":[{"name":"name","type":"string"}]}"#;
    let address = r#"{"type":"record","name":"com.example.Address","fields":[{"name":"zip","type":"int"},{"name":"city","type":"City"}]}"#;
    let order = r#"{"type":"record","name":"Order","namespace":"com.shop","fields":[{"name":"at","type":["null","com.example.Address"]},{"name":"home","type":"com.example.City"}]}"#;
    let references = [("com.example.City", city), ("com.example.Address", address)];
    memory.keep("s", schema(KIND, order, &references));
    memory.keep("s", schema(KIND, order, &references[1..]));
    memory.keep("s", schema(KIND, order, &[("com.example.City", city), ("com.example.Address", "{")]));
    memory.keep("s", schema("JSON", "{}", &[]));
    let mut decoder = decode(&columns("home ROW<name STRING>, at ROW<city ROW<name STRING>, zip INT>"), &memory);
    assert_eq!(decoder.decode(&hex("00 00000001 02 0e 0461 62 0278")), Ok(1));
    let mut told = |id: u32| decoder.decode(&[&[0], &id.to_be_bytes()[..]].concat()).unwrap_err().message;
    assert_eq!(told(2), "schema 2: a schema that it refers to: there is no type com.example.City");
    assert!(told(3).starts_with("schema 3: a schema that it refers to: the schema is no JSON: "));
    assert_eq!(told(4), "schema 4: it is of the kind JSON and not AVRO");
    assert_eq!(texts(&Batch::new(decoder.finish().unwrap())), ["(x) | ((ab), 7)"]);
}
