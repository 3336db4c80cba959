//! The marker that cuts the stream into epochs.

/// Number of a checkpoint within a job's incarnation, contiguous from 1.
pub type Epoch = u64;

/// Flows with the data from the sources to the sinks and never overtakes it
/// (Chandy and Lamport, "Distributed Snapshots", TOCS 1985; aligned, as in Carbone et al., VLDB 2017).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Barrier {
    /// The epoch that ends here.
    pub epoch: Epoch,
}
