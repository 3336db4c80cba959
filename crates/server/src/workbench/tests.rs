//! Sessions with real tables, in a directory of their own.

use super::*;
use millstream_dataflow::{Batch, Schema};
use millstream_formats::render::text_value;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;

/// What a session has shown.
#[derive(Default)]
struct Shown(Mutex<Vec<String>>);

impl Observer for Shown {
    fn event(&self, event: Event<'_>) -> Result<()> {
        let told = match event {
            Event::JobStarted { name, resumed, .. } => format!("{name} starts{}", if resumed.is_some() { " again" } else { "" }),
            Event::JobFinishedBefore { name, .. } => format!("{name} has finished before"),
            Event::QueryEnded { end } => format!("{end:?}"),
            Event::Explain(text) | Event::Statement(text) => text.to_string(),
            _ => return Ok(()),
        };
        self.0.lock().unwrap().push(told);
        Ok(())
    }
    fn rows(&self, schema: &Schema, batch: &Batch) -> Result<()> {
        for row in 0..batch.num_rows() {
            let cells: Vec<String> = schema.fields.iter().enumerate().map(|(i, f)| text_value(batch.column(i), row, f)).collect();
            self.0.lock().unwrap().push(cells.join(" | "));
        }
        Ok(())
    }
}

struct Talk {
    _directory: tempfile::TempDir,
    workbench: Arc<Workbench>,
    notices: UnboundedReceiver<Notice>,
}

impl Talk {
    fn new() -> Talk {
        Talk::with(WorkbenchOptions::default())
    }
    fn with(options: WorkbenchOptions) -> Talk {
        let directory = tempfile::tempdir().unwrap();
        let (told, notices) = tokio::sync::mpsc::unbounded_channel();
        let options = WorkbenchOptions {
            directory: directory.path().to_path_buf(),
            ..options
        };
        let workbench = Workbench::new(options, Arc::new(move |notice| drop(told.send(notice))));
        Talk {
            _directory: directory,
            workbench: Arc::new(workbench),
            notices,
        }
    }
    async fn run(&self, text: &str, options: TextOptions, control: &Control) -> (Vec<String>, Result<bool, Vec<Error>>) {
        let shown = Arc::new(Shown::default());
        let observer: Arc<dyn Observer> = Arc::clone(&shown) as _;
        let result = self.workbench.run(text, &Sources::from(("text", text)), options, &observer, control).await;
        let mut told = std::mem::take(&mut *shown.0.lock().unwrap());
        told.retain(|line| line != "Finished");
        (told, result)
    }
    async fn say(&self, text: &str) -> Vec<String> {
        let (shown, result) = self.run(text, TextOptions::default(), &Control::default()).await;
        assert!(!result.unwrap_or_else(|e| panic!("{text}: {e:?}")), "{text} was stopped");
        shown
    }
    async fn notice(&mut self) -> String {
        match self.notices.recv().await.unwrap() {
            Notice::Ended { name, outcome, .. } => format!("{name} {outcome:?}"),
            Notice::Failed { name, error, .. } => format!("{name} failed: {error}"),
            other => format!("{other:?}"),
        }
    }
    /// Waits until a job has a checkpoint to go on from.
    async fn committed(&self, name: &str) {
        loop {
            let job = self.workbench.jobs().into_iter().find(|j| j.name == name).unwrap();
            if job.metrics.checkpoints.completed.load(Relaxed) > 0 {
                return;
            }
            assert!(job.status.is_running(), "{name}: {:?}", job.status);
            tokio::task::yield_now().await;
        }
    }
    fn status(&self) -> Vec<String> {
        let jobs = self.workbench.jobs();
        jobs.iter().map(|j| format!("{} {:?}", j.name, j.status)).collect()
    }
}

const OUT: &str = "SET 'execution.checkpointing.interval' = '50 ms';
    CREATE TABLE o (a INT, b STRING) WITH ('connector' = 'filesystem', 'path' = 'o', 'format' = 'json');";
const ENDLESS: &str = "CREATE TABLE endless (n INT) WITH ('connector' = 'datagen', 'rows-per-second' = '1000');";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inserts_are_jobs_in_the_background() {
    let mut talk = Talk::new();
    talk.say(OUT).await;
    assert_eq!(talk.say("INSERT INTO o VALUES (1, 'x');").await, ["o starts"]);
    assert_eq!(talk.notice().await, "o Finished");
    assert_eq!(talk.say("SELECT * FROM o;").await, ["1 | x"]);
    // The same once more adds its rows once more; another one takes the name of the one that has finished.
    for text in ["INSERT INTO o VALUES (1, 'x');", "INSERT INTO o VALUES (2, 'y');"] {
        assert_eq!(talk.say(text).await, ["o starts"]);
        assert_eq!(talk.notice().await, "o Finished");
    }
    talk.workbench.wait_all().await;
    assert_eq!(talk.status(), ["o Finished"]);
    let mut rows = talk.say("SELECT * FROM o;").await;
    rows.sort();
    assert_eq!(rows, ["1 | x", "1 | x", "2 | y"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_jobs_run_and_are_stopped_one_by_one() {
    let mut talk = Talk::new();
    talk.say(&format!("{OUT}{ENDLESS}")).await;
    assert_eq!(talk.say("INSERT INTO o SELECT n, 'first' FROM endless;").await, ["o starts"]);
    assert_eq!(talk.say("INSERT INTO o SELECT n, 'second' FROM endless;").await, ["o-2 starts"]);
    assert_eq!(talk.status(), ["o Running", "o-2 Running"]);
    talk.committed("o").await;
    talk.committed("o-2").await;
    let e = talk.workbench.stop("o-3").unwrap_err();
    assert!(e.message.contains("\"o-3\" is running") && e.hint.is_some(), "{e:?}");
    talk.workbench.stop("o").unwrap();
    assert_eq!(talk.notice().await, "o Stopped");
    talk.workbench.wait_one("o").await;
    assert_eq!(talk.status(), ["o Stopped", "o-2 Running"]);
    assert!(talk.workbench.stop("o").is_err());
    // What was stopped goes on; the name of another one is not taken from it.
    assert_eq!(talk.say("INSERT INTO o SELECT n, 'third' FROM endless;").await, ["o-3 starts"]);
    assert_eq!(talk.say("INSERT INTO o SELECT n, 'first' FROM endless;").await, ["o starts again"]);
    talk.workbench.stop_all();
    talk.workbench.wait_all().await;
    assert_eq!(talk.status(), ["o-2 Stopped", "o-3 Stopped", "o Stopped"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rows_of_a_running_operator_can_be_looked_at() {
    let talk = Talk::new();
    let bounds = Bounds {
        limit: Some(3),
        ..Bounds::default()
    };
    let tap = async |what: &str, bounds: Bounds| {
        let shown = Shown::default();
        let result = talk.workbench.tap(what, bounds, &shown, &Control::default()).await;
        result.map(|missed| (shown.0.into_inner().unwrap(), missed))
    };
    let nothing = tap("o:sink", bounds).await.unwrap_err();
    assert_eq!((nothing.code, nothing.hint.as_deref()), (Some("E0609"), Some("start a job with INSERT first")));
    talk.say(&format!("{OUT}{ENDLESS}")).await;
    talk.say("INSERT INTO o SELECT n, 'first' FROM endless WHERE n IS NOT NULL;").await;
    for what in ["o:sink", "o o:sink", "o O"] {
        let (rows, _) = tap(what, bounds).await.unwrap();
        assert!(
            rows.len() == 4 && rows[..3].iter().all(|r| r.ends_with(" | first")) && rows[3] == "Limit",
            "{what}: {rows:?}"
        );
    }
    // Before the columns that the sink has.
    let (rows, _) = tap("source:endless", bounds).await.unwrap();
    assert!(rows.len() == 4 && rows[0].parse::<i32>().is_ok(), "{rows:?}");
    let near = tap("o:sinc", bounds).await.unwrap_err();
    assert_eq!(near.hint.as_deref(), Some("did you mean \"o:sink\"?"));
    // Which of two is not said.
    talk.say("INSERT INTO o SELECT n, 'second' FROM endless;").await;
    let two = tap("o:sink", bounds).await.unwrap_err();
    assert_eq!(two.hint.as_deref(), Some("say which: o o:sink, o-2 o:sink"));
    let (rows, _) = tap("o-2 o:sink", bounds).await.unwrap();
    assert!(rows[0].ends_with(" | second"), "{rows:?}");
    // It ends with its job.
    let (ended, ()) = tokio::join!(tap("o-2 o:sink", Bounds::default()), async {
        talk.committed("o-2").await;
        talk.workbench.stop("o-2").unwrap();
    });
    assert_eq!(ended.unwrap().0.last().map(String::as_str), Some("Finished"));
    talk.workbench.stop_all();
    talk.workbench.wait_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_with_a_name_of_its_own_is_that_job() {
    let mut talk = Talk::new();
    talk.say(&format!("{OUT}{ENDLESS} SET 'pipeline.name' = 'mine';")).await;
    assert_eq!(talk.say("INSERT INTO o SELECT n, 'x' FROM endless;").await, ["mine starts"]);
    let (_, result) = talk.run("INSERT INTO o VALUES (1, 'x');", TextOptions::default(), &Control::default()).await;
    assert_eq!(result.unwrap_err()[0].code, Some("E0608"));
    talk.committed("mine").await;
    talk.workbench.stop_all();
    assert_eq!(talk.notice().await, "mine Stopped");
    talk.workbench.wait_all().await;
    let (_, result) = talk.run("INSERT INTO o VALUES (1, 'x');", TextOptions::default(), &Control::default()).await;
    assert_eq!(result.unwrap_err()[0].code, Some("E0602"));
    talk.say("SET 'pipeline.name' = 'once'; SET 'table.dml-sync' = 'true';").await;
    assert_eq!(talk.say("INSERT INTO o VALUES (1, 'x');").await, ["once starts"]);
    assert_eq!(talk.status()[1], "once Finished");
    assert_eq!(talk.say("INSERT INTO o VALUES (1, 'x');").await, ["once has finished before"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_fails_is_told_of() {
    let mut talk = Talk::new();
    talk.say(OUT).await;
    let text = "INSERT INTO o SELECT 1 / x, 'x' FROM (VALUES (0)) AS t(x);";
    talk.say(text).await;
    let Some(Notice::Failed { name, error, files }) = talk.notices.recv().await else {
        panic!("it did not fail");
    };
    assert!(
        (name.as_str(), files.text()) == ("o", text) && error.to_string().contains("division by zero"),
        "{error}"
    );
    talk.workbench.wait_all().await;
    assert!(matches!(talk.workbench.jobs()[0].status, JobStatus::Failed(_)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_end_where_they_are_to() {
    let talk = Talk::new();
    let events = "CREATE TABLE e (n BIGINT, ts AS TO_TIMESTAMP_LTZ(n * 1000, 3), WATERMARK FOR ts AS ts) WITH
        ('connector' = 'datagen', 'rows-per-second' = '2000', 'fields.n.kind' = 'sequence', 'fields.n.start' = '0', 'fields.n.end' = '100000000');
        SET 'parallelism.default' = '1';";
    talk.say(&format!("{ENDLESS}{events}")).await;
    let bounded = |bounds| TextOptions {
        bounds,
        ..TextOptions::default()
    };
    let limit = bounded(Bounds {
        limit: Some(7),
        ..Bounds::default()
    });
    let (shown, result) = talk.run("SELECT n FROM endless; SELECT 1;", limit, &Control::default()).await;
    assert!(!result.unwrap());
    assert_eq!((shown.len(), shown[7].as_str(), shown[8].as_str()), (9, "Limit", "1"), "{shown:?}");
    let time = bounded(Bounds {
        time: Some(Duration::from_millis(100)),
        ..Bounds::default()
    });
    let (shown, result) = talk.run("SELECT n FROM endless;", time, &Control::default()).await;
    assert!(!result.unwrap() && shown.last().unwrap() == "Time", "{shown:?}");
    let watermark = bounded(Bounds {
        watermark: Some(120_000),
        ..Bounds::default()
    });
    let windows = "SELECT window_end, COUNT(*) FROM TUMBLE(TABLE e, DESCRIPTOR(ts), INTERVAL '1' MINUTE) GROUP BY window_start, window_end;";
    let (shown, result) = talk.run(windows, watermark, &Control::default()).await;
    assert!(!result.unwrap());
    assert!(shown.len() >= 3 && shown[1].starts_with("1970-01-01 00:02:00.000 | 60"), "{shown:?}");
    // A stop ends the text, the session goes on.
    let control = Control::default();
    let (workbench, stopping) = (Arc::clone(&talk.workbench), control.clone());
    let running = tokio::spawn(async move {
        let observer: Arc<dyn Observer> = Arc::new(Shown::default());
        workbench
            .run(
                "SELECT n FROM endless; CREATE VIEW never AS SELECT 1;",
                &Sources::default(),
                TextOptions::default(),
                &observer,
                &control,
            )
            .await
    });
    stopping.stop();
    assert!(running.await.unwrap().unwrap());
    assert_eq!(talk.say("SELECT 1;").await, ["1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_right_before_an_error_has_run() {
    let talk = Talk::new();
    let (shown, result) = talk
        .run(
            "CREATE VIEW v AS SELECT 1 AS a; SELECT a FROM v; SELECT nope FROM v;",
            TextOptions::default(),
            &Control::default(),
        )
        .await;
    assert_eq!(shown, ["1"]);
    assert_eq!(result.unwrap_err()[0].code, Some("E0202"));
    assert_eq!(talk.workbench.known().tables.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_with_a_wrong_hint_does_nothing() {
    let talk = Talk::new();
    talk.say("CREATE VIEW v AS SELECT 1 AS a; CREATE TABLE z (a INT, b INT) WITH ('connector' = 'blackhole');")
        .await;
    for (text, code) in [
        ("SELECT a FROM v /*+ FOO('x') */; SELECT 9 AS later", "E0101"),
        ("/*+ FOO('x') */ SELECT a FROM v; SELECT 9 AS later", "E0101"),
        ("SELECT a FROM v /*+ OPTIONS('on-error' 'skip') */", "E0102"),
        ("SELECT a FROM v /*+ OPTIONS('k' = '1', 'k' = '2') */", "E0506"),
        ("DROP TABLE z /*+ FOO('x') */; SELECT 9 AS later", "E0101"),
        ("DROP TABLE z /*+ OPTIONS('k' = 'v') */; SELECT 9 AS later", "E0102"),
        ("ALTER TABLE z DROP b /*+ FOO('x') */", "E0101"),
    ] {
        let (shown, result) = talk.run(text, TextOptions::default(), &Control::default()).await;
        assert_eq!((shown.len(), result.unwrap_err()[0].code), (0, Some(code)), "{text}");
    }
    let known = talk.workbench.known();
    assert_eq!((known.tables.len(), known.tables[1].columns.len()), (2, 2));
    // What comes behind it is right.
    let goes_on = TextOptions {
        on_error: OnError::Continue,
        ..TextOptions::default()
    };
    let text = "INSERT INTO z SELECT a, a FROM v /*+ FOO('x') */; DROP TABLE z /*+ FOO('x') */; SELECT 9 AS later";
    let (shown, result) = talk.run(text, goes_on, &Control::default()).await;
    assert_eq!((shown, result.unwrap_err().len()), (vec!["9".to_string()], 2));
    assert!(talk.workbench.jobs().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_waits_for_the_inserts_before_it() {
    let talk = Talk::new();
    talk.say(OUT).await;
    let text = "SET 'table.dml-sync' = 'true'; INSERT INTO o VALUES (1, 'x'); SELECT * FROM o; INSERT INTO o VALUES (2, 'y');
        EXECUTE STATEMENT SET BEGIN INSERT INTO o VALUES (3, 'z'); END; SELECT nothing FROM (VALUES (1)) AS t(a);";
    // There is no such column: the text is wrong, and what is right before it has run.
    let (shown, result) = talk.run(text, TextOptions::default(), &Control::default()).await;
    assert_eq!(shown, ["o starts", "1 | x"]);
    assert_eq!(result.unwrap_err().len(), 1);
    let mut rows = talk.say("INSERT INTO o VALUES (2, 'y'); INSERT INTO o VALUES (3, 'z'); SELECT * FROM o;").await;
    rows.sort();
    assert_eq!(rows, ["1 | x", "2 | y", "3 | z", "o starts"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_catalog_that_cannot_be_written_changes_nothing() {
    let talk = Talk::new();
    talk.say("CREATE CATALOG c WITH ('type' = 'filesystem', 'path' = 'kept'); USE CATALOG c;").await;
    // Somebody else is quicker.
    let elsewhere = talk._directory.path().join("kept/default");
    std::fs::create_dir_all(&elsewhere).unwrap();
    std::fs::write(elsewhere.join("t.sql"), "CREATE TABLE t (a INT) WITH ('connector' = 'blackhole')").unwrap();
    let text = "CREATE TABLE t (b INT) WITH ('connector' = 'blackhole');";
    let (_, result) = talk.run(text, TextOptions::default(), &Control::default()).await;
    assert_eq!(result.unwrap_err()[0].code, Some("E0531"));
    assert_eq!(talk.workbench.known().tables, []);
}
