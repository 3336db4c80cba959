//! A look at the rows that pass an operator of a running job.

use super::{JobInfo, Workbench};
use crate::observer::{Event, Observer, QueryEnd};
use crate::runner::{Bounds, Output};
use millstream_dataflow::option::nearest;
use millstream_dataflow::{Error, Result};
use millstream_runtime::metrics::NodeMetrics;
use millstream_runtime::{Control, Tapped};
use std::sync::Arc;
use std::time::Duration;

/// How often it is looked whether a job has started.
const START_LOOK: Duration = Duration::from_millis(10);

impl Workbench {
    /// Shows the rows that leave an operator of a running job, or go into a sink, until the job ends, a bound is reached or a stop is asked
    /// for. The job is not held back. Gives the number of rows that came too fast to be shown.
    ///
    /// - `what`: the operator's id or name, with the job's in front of it where that is needed
    ///
    /// # Errors
    /// `Config` if there is no such operator, or more than one; those of the observer.
    pub async fn tap(&self, what: &str, bounds: Bounds, observer: &dyn Observer, control: &Control) -> Result<u64> {
        let (job, output) = self.operator(what)?;
        let Some(node) = self.started(&job, &output.id, control).await? else {
            return Ok(0);
        };
        let mut tapped = node.tap.open();
        observer.event(Event::TapOpened {
            schema: &output.schema,
            metrics: &job.metrics,
            changes: output.changes,
        })?;
        let mut left = bounds.limit.unwrap_or(u64::MAX);
        let showing = async {
            let ended = self.jobs.ended(&job.name);
            let mut ended = std::pin::pin!(ended);
            loop {
                let batch = tokio::select! {
                    biased;
                    batch = tapped.next() => batch,
                    () = &mut ended => match Tapped::ready(&mut tapped) {
                        None => return Ok::<_, Error>(QueryEnd::Finished),
                        batch => batch,
                    },
                };
                let Some(batch) = batch else { return Ok(QueryEnd::Finished) };
                let shown = (batch.num_rows() as u64).min(left);
                observer.rows(&output.schema, &batch.slice(0, shown as usize))?;
                left -= shown;
                if left == 0 {
                    return Ok(QueryEnd::Limit);
                }
            }
        };
        let end = tokio::select! {
            end = showing => end?,
            end = self.runner.bound(bounds, &job.metrics, &node.id, control) => end,
        };
        observer.event(Event::QueryEnded { end })?;
        Ok(tapped.missed())
    }

    /// The operator as it runs, once its job has started; nothing if it ends before, or a stop is asked for.
    async fn started(&self, job: &JobInfo, id: &str, control: &Control) -> Result<Option<Arc<NodeMetrics>>> {
        let node = || job.metrics.nodes().into_iter().find(|n| n.id == id);
        let starting = async {
            let ended = self.jobs.ended(&job.name);
            let mut ended = std::pin::pin!(ended);
            loop {
                tokio::select! {
                    () = &mut ended => return Ok(node()),
                    () = self.runner.rim.timer.sleep(START_LOOK) => {}
                }
                if let Some(node) = node() {
                    return Ok(Some(node));
                }
            }
        };
        match node() {
            Some(node) => Ok(Some(node)),
            None => Ok(control.unless_stopped(starting).await?.flatten()),
        }
    }

    /// What is given by the running operator of this name or id.
    fn operator(&self, what: &str) -> Result<(JobInfo, Output)> {
        let running: Vec<JobInfo> = self.jobs().into_iter().filter(|j| j.status.is_running()).collect();
        let all: Vec<(&JobInfo, &Output)> = running.iter().flat_map(|job| job.outputs.iter().map(move |o| (job, o))).collect();
        let fits = |(job, output): &&(&JobInfo, &Output)| {
            let of_job = what.strip_prefix(job.name.as_str()).and_then(|rest| rest.strip_prefix(char::is_whitespace));
            let names = [Some(what), of_job.map(str::trim_start)];
            names
                .into_iter()
                .flatten()
                .any(|name| output.id == name || output.name.eq_ignore_ascii_case(name))
        };
        let found: Vec<_> = all.iter().filter(fits).collect();
        let label = |(job, output): &(&JobInfo, &Output)| match running.len() {
            1 => output.id.clone(),
            _ => format!("{} {}", job.name, output.id),
        };
        let labels: Vec<String> = all.iter().map(label).collect();
        match found.as_slice() {
            [(job, output)] => Ok(((*job).clone(), (*output).clone())),
            [] => {
                let e = Error::config(format!("no operator \"{what}\" is running")).code("E0609");
                let names = labels.iter().map(String::as_str).chain(all.iter().map(|(_, o)| o.name.as_str()));
                Err(match nearest(what, names) {
                    Some(near) => e.hint(format!("did you mean \"{near}\"?")),
                    None if labels.is_empty() => e.hint("start a job with INSERT first"),
                    None => e.hint(format!("there is {}", labels.join(", "))),
                })
            }
            several => {
                let labels: Vec<String> = several.iter().map(|one| label(one)).collect();
                let e = Error::config(format!("{} operators are called \"{what}\"", several.len())).code("E0609");
                Err(e.hint(format!("say which: {}", labels.join(", "))))
            }
        }
    }
}
