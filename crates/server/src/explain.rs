//! What a file would run, explained.

use crate::catalogs::Catalogs;
use crate::runner::Runner;
use millstream_dataflow::{Error, Result};
use millstream_plan::{Job, describe, dot, json, mermaid, svg, text};
use millstream_sql::{CompileOptions, Diagnostic, Session, Sources, Step};
use std::collections::BTreeMap;
use std::path::PathBuf;
use tokio::runtime::Handle;

/// What to explain.
#[derive(Debug, Clone)]
pub struct ExplainOptions {
    /// The file, behind those that the jobs of its project share.
    pub sources: Sources,
    /// The file's stem: the job's name unless `pipeline.name` is set.
    pub name: String,
    /// Relative paths of catalogs start here.
    pub directory: PathBuf,
    /// `-D NAME=value`
    pub variables: BTreeMap<String, String>,
    /// What is set before the file.
    pub defaults: BTreeMap<String, String>,
    /// `--set key=value`: wins over SET in the file.
    pub settings: BTreeMap<String, String>,
    /// The n-th SELECT of the file, from 1, rather than its INSERTs.
    pub query: Option<usize>,
    pub form: ExplainForm,
}

/// A plan as it is shown.
#[derive(Debug)]
pub struct Explained {
    pub shown: String,
    /// Warnings and advice of lints on the file itself.
    pub findings: Vec<Diagnostic>,
}

/// How a plan is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExplainForm {
    Text,
    Json,
    Mermaid,
    Dot,
    Svg,
}

/// Plans a file and describes its job: all its INSERTs, or one of its queries. Nothing runs and nothing is changed. Must be called on a
/// tokio runtime with several threads.
///
/// # Errors
/// All errors of the files, with places in the whole text; `Sql` if it has no such job.
pub async fn explain(options: ExplainOptions) -> Result<Explained, Vec<Error>> {
    let registry = Runner::new(&options.directory, &options.name).registry;
    let catalogs = Catalogs::new(options.directory.clone(), Handle::current());
    let planned = options.clone();
    let planning = tokio::task::spawn_blocking(move || {
        let with = CompileOptions {
            registry: &registry,
            catalogs: Some(&catalogs),
            variables: &planned.variables,
            settings: &planned.settings,
            job_name: Some(&planned.name),
        };
        planned.sources.compile(Session::new(planned.defaults), &with)
    });
    let compiled = planning.await.map_err(|e| vec![Error::bug("planning ended early").source(e)])??;
    let job = chosen(compiled.steps, options.query).map_err(|e| vec![e])?;
    let description = describe(&job);
    let shown = match options.form {
        ExplainForm::Text => text(&description),
        ExplainForm::Json => json(&description).map_err(|e| vec![e])?,
        ExplainForm::Mermaid => mermaid(&description),
        ExplainForm::Dot => dot(&description),
        ExplainForm::Svg => svg(&description),
    };
    Ok(Explained {
        shown,
        findings: options.sources.of_own(compiled.findings),
    })
}

/// The INSERTs are the job of a file; without any it is its one query.
fn chosen(steps: Vec<Step>, query: Option<usize>) -> Result<Job> {
    let mut queries = Vec::new();
    let mut inserts = None;
    for step in steps {
        match step {
            Step::Query(query) => queries.push(query.plan),
            Step::Insert(job) => inserts = Some(job),
            Step::Explain(_) | Step::Statement(_) | Step::Settings(_) => {}
        }
    }
    let count = queries.len();
    let several = |n: usize| if n == 1 { "1 query".to_string() } else { format!("{n} queries") };
    match (query, inserts) {
        (Some(n), _) => match n.checked_sub(1).filter(|n| *n < count) {
            Some(n) => Ok(queries.remove(n)),
            None => Err(Error::sql(format!("the file has {}, there is no query {n}", several(count))).code("E0104")),
        },
        (None, Some(job)) => Ok(job),
        (None, None) if count == 1 => Ok(queries.remove(0)),
        (None, None) if count > 1 => {
            let e = Error::sql(format!("the file has {} and no INSERT", several(count))).code("E0104");
            Err(e.hint(format!("choose one: --query 1, up to --query {count}")))
        }
        (None, None) => {
            let e = Error::sql("the file has no job to explain").code("E0104");
            Err(e.hint("a job is the INSERTs of a file, or its SELECT"))
        }
    }
}
