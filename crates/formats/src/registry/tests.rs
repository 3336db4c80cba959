//! A registry in memory.

use super::*;
use millstream_dataflow::Error;
use std::sync::Mutex;

/// Schemas by id, from 1 on, and how often it was asked.
#[derive(Default)]
pub(crate) struct Memory {
    /// With their subjects.
    pub(crate) schemas: Mutex<Vec<(String, RegisteredSchema)>>,
    pub(crate) asked: Mutex<u32>,
    pub(crate) down: Mutex<bool>,
}

impl Memory {
    fn answers(&self) -> Result<()> {
        *self.asked.lock().unwrap() += 1;
        if *self.down.lock().unwrap() {
            return Err(Error::unavailable("the registry does not answer"));
        }
        Ok(())
    }
    /// The id of a schema.
    pub(crate) fn keep(&self, subject: &str, schema: RegisteredSchema) -> u32 {
        let mut schemas = self.schemas.lock().unwrap();
        let entry = (subject.to_string(), schema);
        let at = schemas.iter().position(|s| *s == entry).unwrap_or(schemas.len());
        if at == schemas.len() {
            schemas.push(entry);
        }
        at as u32 + 1
    }
}

impl SchemaRegistry for Memory {
    fn schema(&self, id: u32) -> Result<Arc<RegisteredSchema>> {
        self.answers()?;
        match self.schemas.lock().unwrap().get(id.wrapping_sub(1) as usize) {
            Some((_, schema)) => Ok(Arc::new(schema.clone())),
            None => Err(Error::data("there is no such schema")),
        }
    }
    fn register(&self, subject: &str, kind: &str, text: &str) -> Result<u32> {
        self.answers()?;
        Ok(self.keep(subject, schema(kind, text, &[])))
    }
}

/// A schema, and what it refers to.
pub(crate) fn schema(kind: &str, text: &str, references: &[(&str, &str)]) -> RegisteredSchema {
    let reference = |(name, text): &(&str, &str)| SchemaReference {
        name: name.to_string(),
        text: text.to_string(),
    };
    RegisteredSchema {
        kind: kind.to_string(),
        text: text.to_string(),
        references: references.iter().map(reference).collect(),
    }
}

pub(crate) fn arc(memory: &Arc<Memory>) -> Arc<dyn SchemaRegistry> {
    Arc::<Memory>::clone(memory)
}
