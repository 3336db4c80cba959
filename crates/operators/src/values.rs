//! Inline rows as a bounded source of one split.

use arrow_array::RecordBatch;
use millstream_dataflow::{Batch, BoxFuture, Chunk, Decoded, Error, Fetch, Places, Result, Source, Split, SplitDecoder, SplitReader};
use std::time::Duration;

pub(crate) struct ValuesSource(pub(crate) RecordBatch);

struct ValuesReader {
    /// The one split, and whether its only chunk was given.
    open: Option<(String, bool)>,
}

struct ValuesDecoder(RecordBatch);

const SPLIT: &str = "values";
/// Positions before and after the only chunk: a persisted text.
const BEGIN: &str = "v1 0";
const END: &str = "v1 1";

impl Source for ValuesSource {
    fn discover<'a>(&'a self, known: &'a [Split]) -> BoxFuture<'a, Result<Vec<Split>>> {
        let first = Split {
            id: SPLIT.to_string(),
            position: BEGIN.to_string(),
        };
        let splits = if known.is_empty() { vec![first] } else { known.to_vec() };
        Box::pin(async move { Ok(splits) })
    }
    fn reader(&self, splits: Vec<Split>) -> Result<Box<dyn SplitReader>> {
        let of = |s: Split| match (s.id.as_str(), s.position.as_str()) {
            (SPLIT, BEGIN) => Ok((s.id, false)),
            (SPLIT, END) => Ok((s.id, true)),
            (id, position) => Err(Error::corrupt(format!("\"{id}\" at \"{position}\" is no place in inline rows"))),
        };
        let open = splits.into_iter().map(of).collect::<Result<Vec<_>>>()?.pop();
        Ok(Box::new(ValuesReader { open }))
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
        match self.open.take() {
            None => {
                std::thread::sleep(wait);
                Ok(Fetch::Nothing)
            }
            Some((split, false)) => {
                self.open = Some((split.clone(), true));
                Ok(Fetch::Chunk(Chunk {
                    split,
                    bytes: 0,
                    payload: Box::new(()),
                }))
            }
            Some((split, true)) => Ok(Fetch::Finished(split)),
        }
    }
    fn left(&self) -> Option<u64> {
        Some(self.open.iter().filter(|(_, given)| !given).count() as u64)
    }
}

impl SplitDecoder for ValuesDecoder {
    fn decode(&mut self, chunk: Chunk) -> Result<Decoded> {
        if chunk.split != SPLIT {
            return Err(Error::bug("inline rows have one split"));
        }
        let records = self.0.num_rows() as u64;
        Ok(Decoded {
            tombstones: 0,
            batch: Batch::new(self.0.clone()),
            split: Split {
                id: chunk.split,
                position: END.to_string(),
            },
            records,
            bad: Vec::new(),
            places: Places::consecutive("row", 1, self.0.num_rows()),
            raw: None,
        })
    }
}

#[cfg(test)]
mod tests;
