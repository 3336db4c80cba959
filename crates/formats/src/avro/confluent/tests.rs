use super::*;
use crate::avro::tests::{hex, refuses};
use millstream_dataflow::testing::{MessageCase, columns, message_suite, rows, texts};
use std::sync::Mutex;

/// Schemas by id, from 1 on, and how often it was asked.
#[derive(Default)]
struct Memory {
    schemas: Mutex<Vec<(String, String)>>,
    asked: Mutex<u32>,
    down: Mutex<bool>,
}

impl Memory {
    fn answers(&self) -> Result<()> {
        *self.asked.lock().unwrap() += 1;
        if *self.down.lock().unwrap() {
            return Err(Error::unavailable("the registry does not answer"));
        }
        Ok(())
    }
}

impl SchemaRegistry for Memory {
    fn schema(&self, id: u32) -> Result<Arc<str>> {
        self.answers()?;
        match self.schemas.lock().unwrap().get(id.wrapping_sub(1) as usize) {
            Some((_, text)) => Ok(text.as_str().into()),
            None => Err(Error::data("there is no such schema")),
        }
    }
    fn register(&self, subject: &str, schema: &str) -> Result<u32> {
        self.answers()?;
        let mut schemas = self.schemas.lock().unwrap();
        let entry = (subject.to_string(), schema.to_string());
        let at = schemas.iter().position(|s| *s == entry).unwrap_or(schemas.len());
        if at == schemas.len() {
            schemas.push(entry);
        }
        Ok(at as u32 + 1)
    }
}

fn none() -> BTreeMap<String, String> {
    BTreeMap::new()
}

fn arc(memory: &Arc<Memory>) -> Arc<dyn SchemaRegistry> {
    Arc::<Memory>::clone(memory)
}

#[test]
fn messages_keep_what_a_format_must() {
    let memory = Arc::new(Memory::default());
    message_suite(&MessageCase {
        encoder: &|schema| Ok(Box::new(ConfluentEncoder::new(schema, "t-value", &none(), arc(&memory))?)),
        decoder: &|_, wanted| Ok(Box::new(ConfluentDecoder::new(wanted, &none(), arc(&memory))?)),
        refuses: &|ty| refuses(ty, true),
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
        let mut encoder = ConfluentEncoder::new(&columns(table), "t-value", &none(), arc(&memory)).unwrap();
        for _ in 0..2 {
            encoder.encode(&Batch::new(rows(&columns(table), [row])), &mut out).unwrap();
        }
    }
    assert_eq!(*memory.asked.lock().unwrap(), 3);
    assert_eq!(out.iter().next().unwrap(), hex("00 00000001 0202 020261"));
    let subjects: Vec<String> = memory.schemas.lock().unwrap().iter().map(|s| s.0.clone()).collect();
    assert_eq!(subjects, ["t-value"; 3]);

    let table = columns("id BIGINT, name STRING");
    let mut decoder = ConfluentDecoder::new(&table, &none(), arc(&memory)).unwrap();
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
    memory.register("s", "\"int\"").unwrap();
    let table = columns("id BIGINT");
    let mut decoder = ConfluentDecoder::new(&table, &none(), arc(&memory)).unwrap();
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
    ConfluentEncoder::new(&table, "s", &none(), arc(&memory))
        .unwrap()
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
    let mut encoder = ConfluentEncoder::new(&table, "s", &none(), arc(&memory)).unwrap();
    let mut out = Records::default();
    assert!(encoder.encode(&batch, &mut out).unwrap_err().is_transient());
    assert_eq!(out, Records::default());
    *memory.down.lock().unwrap() = false;
    encoder.encode(&batch, &mut out).unwrap();

    let mut decoder = ConfluentDecoder::new(&table, &none(), arc(&memory)).unwrap();
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
