//! In how many ways a test runs.

use std::fmt;

/// In what pieces and order the rows of a test come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Order {
    /// Rows that are handed over at once.
    pub(super) batch: usize,
    pub(super) shuffled: bool,
}

/// One way to run a test; as arguments of `millstream test` it is this one alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    pub parallelism: u32,
    pub batch: usize,
    /// A checkpoint and a restart from it after each step.
    pub restore: bool,
    /// Partitions come in an order that chance decides, in pieces of any size; as written without.
    pub seed: Option<u64>,
}

impl Default for Cell {
    fn default() -> Self {
        Cell {
            parallelism: 1,
            batch: BATCHES[0],
            restore: false,
            seed: None,
        }
    }
}

const PARALLELISMS: [u32; 2] = [1, 4];
const BATCHES: [usize; 2] = [8192, 1];

impl Cell {
    /// All ways, the plainest first.
    ///
    /// - `seed`: of those that chance decides
    pub fn matrix(seed: u64) -> Vec<Cell> {
        let mut cells = Vec::new();
        for seed in [None, Some(seed)] {
            for restore in [false, true] {
                for parallelism in PARALLELISMS {
                    for batch in BATCHES {
                        cells.push(Cell {
                            parallelism,
                            batch,
                            restore,
                            seed,
                        });
                    }
                }
            }
        }
        cells
    }
    pub(super) fn order(&self) -> Order {
        Order {
            batch: self.batch,
            shuffled: self.seed.is_some(),
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "--parallelism {} --batch-size {}", self.parallelism, self.batch)?;
        if self.restore {
            f.write_str(" --restore")?;
        }
        match self.seed {
            Some(seed) => write!(f, " --seed {seed}"),
            None => Ok(()),
        }
    }
}
