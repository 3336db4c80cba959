//! The rows that changes come to.

use crate::repl::grid::Cell;
use millstream_dataflow::RowKind;
use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) cells: Vec<Cell>,
    /// When an update came last, and which cells it changed.
    pub(crate) changed: Option<(Duration, Vec<bool>)>,
}

/// Rows whose old content is taken back, waiting for the new one.
const WAITING_MAX: usize = 64;

/// A row is found by all its values: a changelog takes back what it gave before. An update stands where the row stood.
#[derive(Debug)]
pub(crate) struct Fold {
    rows: BTreeMap<u64, Row>,
    /// The rows by the hash of their values.
    by_hash: HashMap<u64, Vec<u64>>,
    next: u64,
    /// Rows that are there but not kept: the oldest.
    cut: u64,
    max: usize,
    waiting: Vec<u64>,
}

impl Fold {
    pub(crate) fn new(max: usize) -> Fold {
        Fold {
            rows: BTreeMap::new(),
            by_hash: HashMap::new(),
            next: 0,
            cut: 0,
            max,
            waiting: Vec::new(),
        }
    }
    pub(crate) fn len(&self) -> usize {
        self.rows.len() - self.waiting.len()
    }
    pub(crate) fn cut(&self) -> u64 {
        self.cut
    }
    /// In the order in which they came.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|(id, _)| !self.waiting.contains(id)).map(|(_, row)| row)
    }
    /// Rows came that are not kept.
    pub(crate) fn leave_out(&mut self, rows: u64) {
        if rows > 0 {
            self.cut += rows + self.rows.len() as u64;
            self.rows.clear();
            self.by_hash.clear();
            self.waiting.clear();
        }
    }

    pub(crate) fn apply(&mut self, kind: RowKind, cells: Vec<Cell>, now: Duration) {
        match kind {
            RowKind::Insert => self.add(cells),
            RowKind::UpdateBefore => match self.find(&cells) {
                Some(id) => {
                    if self.waiting.len() == WAITING_MAX {
                        let oldest = self.waiting.remove(0);
                        self.remove(oldest);
                    }
                    self.waiting.push(id);
                }
                None => self.cut = self.cut.saturating_sub(1),
            },
            RowKind::UpdateAfter => match self.successor_of(&cells) {
                Some(id) => self.update(id, cells, now),
                None => self.add(cells),
            },
            RowKind::Delete => match self.find(&cells) {
                Some(id) => self.remove(id),
                None => self.cut = self.cut.saturating_sub(1),
            },
        }
    }
    /// No new content comes any more for what was taken back.
    pub(crate) fn settle(&mut self) {
        for id in std::mem::take(&mut self.waiting) {
            self.remove(id);
        }
    }

    fn add(&mut self, cells: Vec<Cell>) {
        if self.rows.len() == self.max
            && let Some(oldest) = self.rows.keys().next().copied()
        {
            self.remove(oldest);
            self.cut += u64::from(!self.forget_waiting(oldest));
        }
        let id = self.next;
        self.next += 1;
        self.by_hash.entry(hash(&cells)).or_default().push(id);
        self.rows.insert(id, Row { cells, changed: None });
    }
    fn forget_waiting(&mut self, id: u64) -> bool {
        let before = self.waiting.len();
        self.waiting.retain(|w| *w != id);
        self.waiting.len() < before
    }
    /// The newest row with these values that is not taken back already.
    fn find(&self, cells: &[Cell]) -> Option<u64> {
        let ids = self.by_hash.get(&hash(cells))?;
        ids.iter()
            .rev()
            .find(|id| !self.waiting.contains(id) && self.rows.get(id).is_some_and(|r| r.cells == cells))
            .copied()
    }
    /// Of the rows taken back the one that an update looks most like.
    fn successor_of(&mut self, cells: &[Cell]) -> Option<u64> {
        let alike = |id: &u64| self.rows.get(id).map_or(0, |r| r.cells.iter().zip(cells).filter(|(a, b)| a == b).count());
        let best = self.waiting.iter().enumerate().max_by_key(|(i, id)| (alike(id), std::cmp::Reverse(*i)));
        let at = best.map(|(i, _)| i)?;
        Some(self.waiting.remove(at))
    }
    fn update(&mut self, id: u64, cells: Vec<Cell>, now: Duration) {
        let Some(row) = self.rows.get_mut(&id) else { return };
        let changed = row.cells.iter().zip(&cells).map(|(a, b)| a != b).collect();
        let old = hash(&row.cells);
        let new = hash(&cells);
        *row = Row {
            cells,
            changed: Some((now, changed)),
        };
        self.unlink(old, id);
        self.by_hash.entry(new).or_default().push(id);
    }
    fn remove(&mut self, id: u64) {
        if let Some(row) = self.rows.remove(&id) {
            self.unlink(hash(&row.cells), id);
        }
    }
    fn unlink(&mut self, hash: u64, id: u64) {
        if let Some(ids) = self.by_hash.get_mut(&hash) {
            ids.retain(|i| *i != id);
            if ids.is_empty() {
                self.by_hash.remove(&hash);
            }
        }
    }
}

fn hash(cells: &[Cell]) -> u64 {
    let mut hasher = DefaultHasher::new();
    cells.hash(&mut hasher);
    hasher.finish()
}
