//! A whole job.

use crate::{Column, NodeSpec};
use millstream_dataflow::option::holds_secret;
use millstream_dataflow::{Error, Exchange, Output, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Stands for a secret in the text of a plan.
pub(crate) const HIDDEN: &str = "…";

/// Version of the serialised form.
pub const JOB_VERSION: u32 = 1;

/// All INSERTs (or the one SELECT) of a job file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// [`JOB_VERSION`] of the writer.
    pub version: u32,
    /// The job's name.
    pub name: String,
    /// In topological order; inputs name earlier nodes by index.
    pub nodes: Vec<Node>,
    /// What was SET, by key.
    pub settings: BTreeMap<String, String>,
}

/// A node and where its rows come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Stable across versions of the file: (sink path, n-th INSERT into it, role), or the table and its options for a source.
    pub id: String,
    /// For people.
    pub name: String,
    /// What it does.
    pub spec: NodeSpec,
    /// Where its rows come from.
    pub inputs: Vec<Input>,
    /// Output columns.
    pub columns: Vec<Column>,
    /// A fixed number of subtasks.
    pub parallelism: Option<u32>,
}

/// An incoming edge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Index of the sending node.
    pub node: usize,
    /// Its output port.
    #[serde(default, skip_serializing_if = "is_main")]
    pub port: usize,
    /// How rows are distributed.
    #[serde(with = "exchange_form")]
    pub exchange: Exchange,
}

impl Input {
    /// The ordinary output of a node.
    pub fn main(node: usize, exchange: Exchange) -> Input {
        Input {
            node,
            port: Output::MAIN,
            exchange,
        }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde wants it")]
fn is_main(port: &usize) -> bool {
    *port == Output::MAIN
}

impl Job {
    /// The text a checkpoint keeps. Option values that are secrets are replaced by `…`.
    ///
    /// # Errors
    /// `Bug` if it cannot be serialised.
    pub fn to_text(&self) -> Result<String> {
        let mut job = self.clone();
        for node in &mut job.nodes {
            let table = match &mut node.spec {
                NodeSpec::Source(s) => &mut s.table,
                NodeSpec::Sink(t) => t,
                _ => continue,
            };
            for (key, value) in &mut table.options {
                if holds_secret(key, value) {
                    *value = HIDDEN.to_string();
                }
            }
        }
        serde_json::to_string_pretty(&job).map_err(|e| Error::bug("the plan could not be serialised").source(e))
    }
    /// Reads what [`Job::to_text`] wrote, in this or an earlier release.
    ///
    /// # Errors
    /// `Corrupt` if it is damaged or from a newer release.
    pub fn from_text(text: &str) -> Result<Job> {
        let job: Job = serde_json::from_str(text).map_err(|e| Error::corrupt("the stored plan cannot be read").source(e))?;
        if job.version > JOB_VERSION {
            return Err(Error::corrupt(format!(
                "the stored plan has version {}, this release reads up to {JOB_VERSION}",
                job.version
            )));
        }
        Ok(job)
    }
}

mod exchange_form {
    use millstream_dataflow::Exchange;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Form {
        Forward,
        Hash(Vec<usize>),
        Singleton,
        Rebalance,
    }
    pub(super) fn serialize<S: Serializer>(e: &Exchange, s: S) -> Result<S::Ok, S::Error> {
        match e {
            Exchange::Forward => Form::Forward,
            Exchange::Hash(columns) => Form::Hash(columns.clone()),
            Exchange::Singleton => Form::Singleton,
            Exchange::Rebalance => Form::Rebalance,
        }
        .serialize(s)
    }
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Exchange, D::Error> {
        Ok(match Form::deserialize(d)? {
            Form::Forward => Exchange::Forward,
            Form::Hash(columns) => Exchange::Hash(columns),
            Form::Singleton => Exchange::Singleton,
            Form::Rebalance => Exchange::Rebalance,
        })
    }
}

#[cfg(test)]
mod tests;
