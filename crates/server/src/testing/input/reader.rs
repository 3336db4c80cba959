//! Hands over what a test has given, in the order of its cell.

use super::{Entry, Input, partition_of, position};
use crate::testing::cell::Order;
use millstream_dataflow::{Chunk, Fetch, Result, Split, SplitReader};
use millstream_runtime::simulation::World;
use std::time::Duration;

pub(super) struct Reader {
    input: Input,
    table: String,
    order: Order,
    world: World,
    open: Vec<Open>,
}

struct Open {
    id: String,
    partition: usize,
    next: usize,
    /// When it was last told that an idle partition has no more: after so many deliveries.
    told: Option<u64>,
}

/// Entries of one kind, which is not that of watermarks.
pub(super) struct Run {
    pub(super) partition: u32,
    /// Number of the first.
    pub(super) first: usize,
    pub(super) entries: Vec<Entry>,
}

impl Reader {
    pub(super) fn new(input: Input, table: String, splits: Vec<Split>, order: Order, world: World) -> Result<Self> {
        let open = splits.into_iter().map(|s| {
            Ok(Open {
                partition: partition_of(&s.id)? as usize,
                next: position(&s.position)?,
                id: s.id,
                told: None,
            })
        });
        Ok(Reader {
            open: open.collect::<Result<_>>()?,
            input,
            table,
            order,
            world,
        })
    }
}

impl SplitReader for Reader {
    fn fetch(&mut self, _wait: Duration) -> Result<Fetch> {
        let mut state = self.input.state();
        let (finished, deliveries) = (state.finished, state.deliveries);
        let Some(table) = state.tables.get(&self.table) else {
            return Ok(Fetch::Nothing);
        };
        let partition = |open: &Open| &table.partitions[open.partition];
        // Those with something to hand over, and the number of what comes first.
        let mut waiting: Vec<(u64, usize)> = Vec::new();
        for (at, open) in self.open.iter().enumerate() {
            waiting.extend(partition(open).entries.get(open.next).map(|given| (given.number, at)));
        }
        waiting.sort_unstable();
        let Some(first) = waiting.first().copied() else {
            if finished {
                return Ok(self.open.pop().map_or(Fetch::Nothing, |open| Fetch::Finished(open.id)));
            }
            let is_told = |open: &&mut Open| partition(open).idle && open.told != Some(deliveries);
            let idle = self.open.iter_mut().filter(is_told).map(|open| {
                open.told = Some(deliveries);
                open.id.clone()
            });
            let idle: Vec<String> = idle.collect();
            return Ok(if idle.is_empty() { Fetch::Nothing } else { Fetch::EndOfData(idle) });
        };
        let (at, up_to, rows_max) = match self.order.shuffled {
            false => (first.1, waiting.get(1).map_or(u64::MAX, |w| w.0), self.order.batch),
            true => {
                let chosen = waiting[self.world.below(waiting.len() as u64) as usize];
                (chosen.1, u64::MAX, 1 + self.world.below(self.order.batch as u64) as usize)
            }
        };
        let open = &mut self.open[at];
        let entries = &table.partitions[open.partition].entries;
        let found = match &entries[open.next].entry {
            Entry::Watermark(time) => {
                open.next += 1;
                let reached = Split {
                    id: open.id.clone(),
                    position: format!("v1 {}", open.next),
                };
                Fetch::Watermark(reached, *time)
            }
            of_kind => {
                let same = std::mem::discriminant(of_kind);
                let run = entries[open.next..].iter().take(rows_max);
                let run = run.take_while(|given| std::mem::discriminant(&given.entry) == same && given.number < up_to);
                let run = Run {
                    partition: open.partition as u32,
                    first: open.next,
                    entries: run.map(|given| given.entry.clone()).collect(),
                };
                open.next += run.entries.len();
                Fetch::Chunk(Chunk {
                    split: open.id.clone(),
                    bytes: 0,
                    payload: Box::new(run),
                })
            }
        };
        open.told = None;
        state.deliveries += 1;
        Ok(found)
    }
}
