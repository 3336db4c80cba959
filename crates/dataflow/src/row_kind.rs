//! What a changelog row does to the table it belongs to.

/// The four kinds of changelog row, in Flink's terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum RowKind {
    /// `+I`: a new row.
    Insert,
    /// `-U`: the old content of a row that changes.
    UpdateBefore,
    /// `+U`: the new content of a row that changed.
    UpdateAfter,
    /// `-D`: a row that goes away.
    Delete,
}

impl RowKind {
    /// Flink's short form.
    pub fn short(self) -> &'static str {
        match self {
            RowKind::Insert => "+I",
            RowKind::UpdateBefore => "-U",
            RowKind::UpdateAfter => "+U",
            RowKind::Delete => "-D",
        }
    }
}
