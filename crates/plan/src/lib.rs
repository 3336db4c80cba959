//! The compiled job: a typed, versioned, serialisable graph of operator specs.
//!
//! It has its own small expression language, so a job restores after a planner change or a DataFusion upgrade. `sql` makes a
//! [`Job`], `operators` turns it into an executable graph, a checkpoint keeps its text to judge whether a changed file may go on.

mod compatibility;
mod describe;
mod explain;
mod expr;
mod job;
mod node;
mod settings;
mod types;
mod window;

pub use compatibility::differences;
pub use describe::{
    Alignment as WatermarkAlignment, Changelog, DESCRIPTION_VERSION, Delay, Description, Distribution, Edge, Growth, Held, Operator, Port, State, Watermark,
    describe,
};
pub use explain::{dot, explain, json, mermaid, svg, text};
pub use expr::{Expr, Value};
pub use job::{Input, JOB_VERSION, Job, Node};
pub use node::{ARRIVAL, Alignment, DeadLetters, FutureSkew, NodeSpec, RecordPolicy, Rowtime, SourceSpec, TableDef};
pub use settings::{SETTINGS, Settings};
pub use types::{Column, Type};
pub use window::{AggregateCall, AggregateInput, Window, WindowAggregate, WindowTime};
