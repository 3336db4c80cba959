//! The world as the connectors' tests have it.

use super::{ConnectorContext, Machine};
use millstream_dataflow::testing::columns;
use millstream_dataflow::{Clock, ColumnKind, TableColumn, TableSpec};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// The wall clock stands; each look at the other one takes a millisecond.
#[derive(Debug, Default)]
struct StandingClock(AtomicU64);

impl Clock for StandingClock {
    fn now_ms(&self) -> i64 {
        1_704_067_200_000
    }
    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// What I/O is spawned on: one thread for tasks and one for files, so both are done in order.
pub(crate) fn handle() -> tokio::runtime::Handle {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(1)
            .enable_all()
            .build()
            .unwrap()
    });
    runtime.handle().clone()
}

/// Waits until what was spawned so far is done.
pub(crate) fn settle() {
    let runtime = handle();
    runtime.block_on(async {
        runtime.spawn(async {}).await.unwrap();
        runtime.spawn_blocking(|| ()).await.unwrap();
    });
}

/// Names that count up.
fn unique() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{:016x}", NEXT.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn context() -> ConnectorContext {
    context_in(Path::new("."))
}

pub(crate) fn context_in(directory: &Path) -> ConnectorContext {
    ConnectorContext {
        clock: Arc::new(StandingClock::default()),
        handle: handle(),
        host: Arc::new(Machine::new(handle(), Arc::new(unique))),
        job: "job".into(),
        directory: PathBuf::from(directory),
        state: Some(directory.join("state").to_string_lossy().into_owned()),
    }
}

/// A table of these columns, all of them in its records.
pub(crate) fn table(text: &str, options: &[(&str, &str)]) -> TableSpec {
    let fields = columns(text).fields;
    let column = |f: &millstream_dataflow::Field| TableColumn {
        field: f.clone(),
        kind: ColumnKind::Physical,
    };
    TableSpec {
        name: "t".into(),
        columns: fields.iter().map(column).collect(),
        all_physical: fields,
        partition_keys: vec![],
        primary_key: vec![],
        options: options.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect(),
        keep_records: false,
        tests: Vec::new(),
    }
}
