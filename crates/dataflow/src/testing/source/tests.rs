//! A source of numbers, with a defect on demand: the suite must find each.

use super::*;
use crate::testing::report::caught;
use crate::testing::{columns, rows};
use crate::{Batch, BoxFuture, Chunk, Decoded, Places, SplitDecoder, SplitReader};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Defect {
    None,
    ReplayShiftsByOne,
    ReplayStopsEarly,
    ForgetsPositions,
    ForgetsUnknownSplits,
    ReadsUnknownSplits,
    TakesAnyPosition,
    DecoderRemembers,
    CutsMatter,
    FinishesTwice,
    NeverFinishes,
    LosesTheLastRow,
}

const SPLITS: usize = 3;
const ROWS: u64 = 20;

struct Numbers {
    defect: Defect,
    chunk: u64,
}

struct Reader {
    defect: Defect,
    chunk: u64,
    open: Vec<(String, u64)>,
    finished: Option<String>,
}

struct Decoder(Defect, u64);

fn parse(text: &str) -> Option<u64> {
    text.strip_prefix("v1 ")?.parse().ok()
}

impl Source for Numbers {
    fn discover<'a>(&'a self, known: &'a [Split]) -> BoxFuture<'a, Result<Vec<Split>>> {
        let id = |i: usize| format!("part-{i}");
        let position = |id: &str| match known.iter().find(|k| k.id == id) {
            Some(k) if self.defect != Defect::ForgetsPositions => k.position.clone(),
            _ => "v1 0".to_string(),
        };
        let mut splits: Vec<Split> = (0..SPLITS)
            .map(|i| Split {
                position: position(&id(i)),
                id: id(i),
            })
            .collect();
        let unknown = known.iter().find(|k| !splits.iter().any(|s| s.id == k.id)).cloned();
        Box::pin(async move {
            match (unknown, self.defect) {
                (None, _) | (_, Defect::ForgetsUnknownSplits) => {}
                (Some(split), Defect::ReadsUnknownSplits) => splits.push(split),
                (Some(split), _) => return Err(Error::corrupt(format!("there is no {}", split.id))),
            }
            Ok(splits)
        })
    }
    fn reader(&self, splits: Vec<Split>) -> Result<Box<dyn SplitReader>> {
        let open = splits.into_iter().map(|s| match parse(&s.position) {
            Some(next) => Ok((s.id, next + u64::from(self.defect == Defect::ReplayShiftsByOne && next > 0))),
            None if self.defect == Defect::TakesAnyPosition => Ok((s.id, 0)),
            None => Err(Error::corrupt("no position")),
        });
        Ok(Box::new(Reader {
            defect: self.defect,
            chunk: self.chunk,
            open: open.collect::<Result<_>>()?,
            finished: None,
        }))
    }
    fn decoder(&self) -> Result<Box<dyn SplitDecoder>> {
        Ok(Box::new(Decoder(self.defect, 0)))
    }
    fn bounded(&self) -> bool {
        true
    }
}

impl SplitReader for Reader {
    fn fetch(&mut self, _: Duration) -> Result<Fetch> {
        if let Some(id) = self.finished.take().filter(|_| self.defect == Defect::FinishesTwice) {
            return Ok(Fetch::Finished(id));
        }
        let end = match self.defect {
            Defect::ReplayStopsEarly if self.open.len() == 1 => ROWS - 1,
            Defect::LosesTheLastRow => ROWS - 1,
            _ => ROWS,
        };
        let Some((id, next)) = self.open.last_mut() else { return Ok(Fetch::Nothing) };
        if *next >= end {
            if self.defect == Defect::NeverFinishes {
                return Ok(Fetch::Nothing);
            }
            self.finished = Some(id.clone());
            self.open.pop();
            return Ok(Fetch::Finished(self.finished.clone().unwrap_or_default()));
        }
        let range = (*next, (*next + self.chunk).min(end));
        *next = range.1;
        Ok(Fetch::Chunk(Chunk {
            split: id.clone(),
            bytes: 8,
            payload: Box::new(range),
        }))
    }
}

impl SplitDecoder for Decoder {
    fn decode(&mut self, chunk: Chunk) -> Result<Decoded> {
        let (from, to) = *chunk.payload.downcast::<(u64, u64)>().unwrap();
        let add = match self.0 {
            Defect::DecoderRemembers => std::mem::replace(&mut self.1, to),
            Defect::CutsMatter => to - from,
            _ => 0,
        };
        let lines = (from..to).map(|n| format!("{} | {}", chunk.split, n + add));
        Ok(Decoded {
            tombstones: 0,
            batch: Batch::new(rows(&columns("s STRING, n BIGINT"), lines)),
            split: Split {
                id: chunk.split,
                position: format!("v1 {to}"),
            },
            records: to - from,
            bad: Vec::new(),
            places: Places::default(),
            raw: None,
        })
    }
}

fn run(defect: Defect) -> String {
    let open = |chunk: u64| move || Ok(Arc::new(Numbers { defect, chunk }) as Arc<dyn Source>);
    let (large, small) = (open(7), open(1));
    caught(|| {
        source_suite(&SourceCase {
            open: &[&large, &small],
            rows: SPLITS * ROWS as usize,
        });
    })
}

#[test]
fn a_sound_source_passes() {
    assert_eq!(run(Defect::None), "");
}

#[test]
fn each_planted_defect_is_found() {
    for (defect, told) in [
        (Defect::ReplayShiftsByOne, "replay of"),
        (Defect::ReplayStopsEarly, "rows"),
        (Defect::ForgetsPositions, "came back at"),
        (Defect::ForgetsUnknownSplits, "forgotten"),
        (Defect::ReadsUnknownSplits, "was read without an error"),
        (Defect::TakesAnyPosition, "was taken"),
        (Defect::DecoderRemembers, "a new decoder for each chunk"),
        (Defect::CutsMatter, "opened by way 2, read again from the start"),
        (Defect::FinishesTwice, "finished twice"),
        (Defect::NeverFinishes, "did not end"),
        (Defect::LosesTheLastRow, "57 rows"),
    ] {
        let message = run(defect);
        assert!(message.contains(told), "{defect:?}: {message}");
    }
}
