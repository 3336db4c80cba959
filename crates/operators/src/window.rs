//! Windows over slices (design §6): a slice is as long as the slide, so a window is a whole number of slices.
//!
//! A row is late for a window iff its stamp is at or past the window's end − 1 ms. So a row counts from its first admissible window
//! on: `from`. State is kept per (slice end, from): usually `from` is the slice's first window; rows that are late for some of
//! their windows form small patch slices with a later `from`, which are merged when windows fire.

mod aggregate;
mod assign;
mod bounds;
mod calls;
mod cut;
mod emission;
mod fire;
mod local;
mod slice;
mod sliding;

pub(crate) use aggregate::WindowAggregateOperator;
pub(crate) use assign::WindowAssign;
pub(crate) use local::LocalAggregate;

#[cfg(test)]
mod tests;
