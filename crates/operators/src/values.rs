//! Inline rows as a bounded source of one split.

use arrow_array::RecordBatch;
use millstream_dataflow::{Batch, BoxFuture, Chunk, Decoded, Error, Fetch, Result, Source, Split, SplitDecoder, SplitReader};
use std::time::Duration;

pub(crate) struct ValuesSource(pub(crate) RecordBatch);

struct ValuesReader {
    /// Where each split stands: 0 before, 1 after its only chunk.
    open: Vec<Split>,
}

struct ValuesDecoder(RecordBatch);

const SPLIT: &str = "values";

impl Source for ValuesSource {
    fn discover<'a>(&'a self, known: &'a [Split]) -> BoxFuture<'a, Result<Vec<Split>>> {
        let first = Split {
            id: SPLIT.to_string(),
            position: "0".to_string(),
        };
        let split = known.first().cloned().unwrap_or(first);
        Box::pin(async move { Ok(vec![split]) })
    }
    fn reader(&self, splits: Vec<Split>) -> Result<Box<dyn SplitReader>> {
        Ok(Box::new(ValuesReader { open: splits }))
    }
    fn decoder(&self) -> Result<Box<dyn SplitDecoder>> {
        Ok(Box::new(ValuesDecoder(self.0.clone())))
    }
    fn bounded(&self) -> bool {
        true
    }
}

impl SplitReader for ValuesReader {
    fn fetch(&mut self, wait: Duration) -> Result<Fetch> {
        match self.open.pop() {
            None => {
                std::thread::sleep(wait);
                Ok(Fetch::Nothing)
            }
            Some(split) if split.position == "0" => {
                self.open.push(Split {
                    position: "1".to_string(),
                    ..split.clone()
                });
                Ok(Fetch::Chunk(Chunk {
                    split: split.id,
                    bytes: 0,
                    payload: Box::new(()),
                }))
            }
            Some(split) => Ok(Fetch::Finished(split.id)),
        }
    }
}

impl SplitDecoder for ValuesDecoder {
    fn decode(&mut self, chunk: Chunk) -> Result<Decoded> {
        if chunk.split != SPLIT {
            return Err(Error::bug("inline rows have one split"));
        }
        let records = self.0.num_rows() as u64;
        Ok(Decoded {
            batch: Batch::new(self.0.clone()),
            split: Split {
                id: chunk.split,
                position: "1".to_string(),
            },
            records,
            bad: Vec::new(),
        })
    }
}
