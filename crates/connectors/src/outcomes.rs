//! What became of the records of a chunk.

use arrow_array::ArrayRef;
use arrow_array::builder::BinaryViewBuilder;
use millstream_dataflow::{BadRecord, Places, Rejected};
use std::sync::Arc;

/// Filled record by record while a chunk is decoded.
pub(crate) struct Outcomes {
    places: Places,
    bad: Vec<Rejected>,
    /// The bytes of each row's record, if they are wanted.
    raw: Option<BinaryViewBuilder>,
}

impl Outcomes {
    pub(crate) fn new(places: Places, keep_records: bool) -> Self {
        Outcomes {
            places,
            bad: Vec::new(),
            raw: keep_records.then(BinaryViewBuilder::new),
        }
    }
    /// Notes a record, which may be none, and gives the number of its rows.
    #[inline]
    pub(crate) fn add(&mut self, number: u64, record: Option<&[u8]>, outcome: Result<usize, BadRecord>) -> usize {
        match outcome {
            Ok(rows) => {
                self.places.push(number, rows);
                if let Some(raw) = &mut self.raw {
                    (0..rows).for_each(|_| raw.append_option(record));
                }
                rows
            }
            Err(why) => {
                self.bad.push(Rejected {
                    number,
                    record: record.filter(|_| self.raw.is_some()).map(<[u8]>::to_vec),
                    event_time: None,
                    why,
                });
                0
            }
        }
    }
    /// Bad records, the places of rows, and the bytes of each row's record.
    pub(crate) fn finish(self) -> (Vec<Rejected>, Places, Option<ArrayRef>) {
        (self.bad, self.places, self.raw.map(|mut raw| Arc::new(raw.finish()) as ArrayRef))
    }
}
