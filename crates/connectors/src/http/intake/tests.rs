use super::*;
use crate::context::tests::handle;
use crate::http::endpoint::digest;
use crate::http::journal::path_of;
use crate::http::keys::Key;
use bytes::Bytes;
use millstream_store::{Fault, FaultStore, MemoryStore};
use std::sync::atomic::Ordering::Relaxed;

/// The wall clock stands.
#[derive(Debug, Default)]
struct Still(AtomicU64);

impl Clock for Still {
    fn now_ms(&self) -> i64 {
        1_704_067_200_000
    }
    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.0.fetch_add(1, Relaxed))
    }
}

/// A process with the journal, if it can open it.
fn process(store: &Arc<dyn Store>) -> Result<Arc<Intake>> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let intake = Intake::new("t".into(), Arc::new(Still::default()), Keys::new(100, Duration::from_secs(60)), 1 << 20);
    let owner = format!("owner-{}", NEXT.fetch_add(1, Relaxed));
    handle().block_on(intake.open(store, owner, &handle()))?;
    Ok(intake)
}

fn entry(key: Option<&str>, body: &str) -> Entry {
    Entry {
        received_ms: 1_704_067_200_000,
        remote: "here".into(),
        records: 1,
        key: key.map(|text| Key {
            text: text.into(),
            digest: digest(body.as_bytes()),
        }),
        body: Bytes::copy_from_slice(body.as_bytes()),
    }
}

fn submit(intake: &Intake, key: Option<&str>, body: &str) -> Verdict {
    handle().block_on(intake.submit(entry(key, body), Held::new(&intake.pending)))
}

/// The bodies from an object on, and the object behind them.
fn read(intake: &Intake, mut object: u64) -> Result<(Vec<String>, u64)> {
    let mut bodies = Vec::new();
    while intake.wait_for(object, Duration::ZERO)? {
        let group = handle().block_on(intake.read(object))?;
        bodies.extend(group.entries.iter().map(|e| String::from_utf8_lossy(&e.body).into_owned()));
        object += 1;
    }
    Ok((bodies, object))
}

const ACCEPTED: Verdict = Verdict::Accepted { records: 1 };

/// A client sends six requests, each until it is accepted; a job reads and makes a checkpoint after every second one; the process fails at
/// one call of its store, and another takes its place if it is gone.
fn whatever_fails(call: usize, fault: Fault) -> bool {
    let memory: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let planted = FaultStore::new(Arc::clone(&memory));
    planted.plant(call, fault);
    let first: Arc<dyn Store> = Arc::new(planted.clone());
    let mut running = process(&first);
    // What the last checkpoint holds: the position, and the output up to there.
    let (mut position, mut output) = (0, Vec::new());
    for n in 0..6 {
        let text = format!("k{n}");
        for attempt in 0.. {
            assert!(attempt < 5, "call {call}, {fault:?}: request {n} is never taken");
            let intake = match &running {
                Ok(intake) => Arc::clone(intake),
                Err(_) => {
                    running = process(&memory);
                    continue;
                }
            };
            if submit(&intake, Some(&text), &text) == ACCEPTED {
                break;
            }
            // Is it worth to wait for? The third time nobody does.
            if attempt > 1 {
                intake.close_now();
                running = process(&memory);
            }
        }
        if n % 2 == 1
            && let Ok(intake) = &running
            && let Ok((bodies, next)) = read(intake, position)
        {
            output.extend(bodies);
            position = next;
            // If it fails, the next one does it.
            let _ = handle().block_on(intake.release(position));
        }
    }
    let last = process(&memory).unwrap();
    output.extend(read(&last, position).unwrap().0);
    output.sort_unstable();
    assert_eq!(output, ["k0", "k1", "k2", "k3", "k4", "k5"], "call {call}, {fault:?}: {:#?}", planted.calls());
    // All are known, though most of their objects are gone.
    for n in 0..6 {
        let text = format!("k{n}");
        assert_eq!(submit(&last, Some(&text), &text), ACCEPTED);
        assert_eq!(submit(&last, Some(&text), "another"), Verdict::OtherBody);
    }
    assert!(read(&last, position).unwrap().0.len() <= 6);
    planted.calls().len() > call
}

#[test]
fn whatever_call_of_the_store_fails_each_request_is_there_once() {
    for fault in [Fault::Before, Fault::After, Fault::Crash, Fault::CrashAfter, Fault::Full] {
        let calls = (0..).take_while(|call| whatever_fails(*call, fault)).count();
        assert!(calls > 15, "{fault:?}: only {calls} calls were tried");
    }
}

#[test]
fn a_lost_acknowledgement_is_found_out() {
    let memory: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let planted = FaultStore::new(Arc::clone(&memory));
    let store: Arc<dyn Store> = Arc::new(planted.clone());
    let intake = process(&store).unwrap();
    // Written, and seen to be.
    planted.plant(planted.calls().len(), Fault::After);
    assert_eq!(submit(&intake, None, "a"), ACCEPTED);
    // Written, and not seen to be: the client is told to come again, and its key is then known.
    planted.plant(planted.calls().len(), Fault::After);
    planted.plant(planted.calls().len() + 1, Fault::Before);
    assert_eq!(submit(&intake, Some("k"), "b"), Verdict::NotStored);
    assert_eq!(read(&intake, 0).unwrap().0, ["a"]);
    assert_eq!(submit(&intake, Some("k"), "b"), ACCEPTED);
    assert_eq!(read(&intake, 0).unwrap().0, ["a", "b"]);
    // The same, with another body now.
    planted.plant(planted.calls().len(), Fault::After);
    planted.plant(planted.calls().len() + 1, Fault::Before);
    assert_eq!(submit(&intake, Some("l"), "c"), Verdict::NotStored);
    assert_eq!(submit(&intake, Some("l"), "d"), Verdict::OtherBody);
    // Not written.
    planted.plant(planted.calls().len(), Fault::Before);
    assert_eq!(submit(&intake, Some("m"), "e"), Verdict::NotStored);
    assert_eq!(submit(&intake, Some("m"), "e"), ACCEPTED);
    assert_eq!(read(&intake, 0).unwrap().0, ["a", "b", "c", "e"]);
}

#[test]
fn who_comes_later_has_the_journal() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let first = process(&store).unwrap();
    assert_eq!(submit(&first, Some("a"), "a"), ACCEPTED);
    let second = process(&store).unwrap();
    assert_eq!(submit(&second, Some("b"), "b"), ACCEPTED);
    assert_eq!(submit(&first, Some("c"), "c"), Verdict::NotRunning);
    assert_eq!(submit(&first, None, "d"), Verdict::NotRunning);
    let e = first.wait_for(0, Duration::ZERO).unwrap_err();
    assert_eq!((e.kind, e.code), (ErrorKind::Fenced, Some("E0527")));
    // What the first had acknowledged is known to the second.
    assert_eq!(submit(&second, Some("a"), "a"), ACCEPTED);
    assert_eq!(read(&second, 0).unwrap().0, ["a", "b"]);
}

#[test]
fn two_that_are_sent_at_once_with_one_key_are_one() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let intake = process(&store).unwrap();
    let all = (0..50).map(|n| {
        let body = if n == 49 { "another" } else { "a" };
        let intake = Arc::clone(&intake);
        async move { intake.submit(entry(Some("k"), body), Held::new(&intake.pending)).await }
    });
    let verdicts = handle().block_on(futures::future::join_all(all));
    assert!(verdicts[..49].iter().all(|v| *v == ACCEPTED), "{verdicts:?}");
    assert_eq!(verdicts[49], Verdict::OtherBody);
    assert_eq!(read(&intake, 0).unwrap().0, ["a"]);
}

#[test]
fn requests_that_queue_share_an_object() {
    let memory = Arc::new(MemoryStore::new());
    let store: Arc<dyn Store> = memory;
    let intake = process(&store).unwrap();
    let body = "x".repeat(GROUP_BYTES / 8);
    let all = (0..20).map(|_| intake.submit(entry(None, &body), Held::new(&intake.pending)));
    let verdicts = handle().block_on(futures::future::join_all(all));
    assert!(verdicts.iter().all(|v| *v == ACCEPTED));
    let objects = handle().block_on(store.list("")).unwrap();
    assert!(objects.len() < 8, "{objects:?}");
    assert!(objects.iter().all(|o| o.bytes < GROUP_BYTES as u64 + 4096));
}

#[test]
fn what_waits_is_counted_until_it_is_covered() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let intake = process(&store).unwrap();
    let mut held = Held::new(&intake.pending);
    assert!(held.add(1 << 19) && !held.add(1 << 19));
    drop(held);
    assert_eq!(submit(&intake, None, &"x".repeat(1 << 19)), ACCEPTED);
    assert!(!intake.pending.has_space(1 << 19));
    // Over restarts, too.
    let again = process(&store).unwrap();
    assert!(!again.pending.has_space(1 << 19));
    let (_, next) = read(&again, 0).unwrap();
    handle().block_on(again.release(next)).unwrap();
    assert!(again.pending.has_space(1 << 20));
    assert_eq!(process(&store).unwrap().low(), next);
}

#[test]
fn lists_of_keys_become_one() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let intake = process(&store).unwrap();
    for n in 0..2 * LISTS_MAX {
        assert_eq!(submit(&intake, Some(&format!("k{n}")), "x"), ACCEPTED);
        let next = intake.state().next;
        handle().block_on(intake.release(next)).unwrap();
        let listed = handle().block_on(store.list("")).unwrap();
        assert!(listed.len() <= LISTS_MAX + 1, "{listed:?}");
    }
    let again = process(&store).unwrap();
    for n in 0..2 * LISTS_MAX {
        assert_eq!(submit(&again, Some(&format!("k{n}")), "x"), ACCEPTED);
    }
    let first = again.state().low;
    assert!(read(&again, first).unwrap().0.is_empty());
}

#[test]
fn a_damaged_or_missing_object_is_told() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let intake = process(&store).unwrap();
    for body in ["a", "b", "c"] {
        submit(&intake, None, body);
    }
    let path = path_of(2);
    let put = |bytes: Bytes| handle().block_on(store.put(&path, bytes, millstream_dataflow::PutMode::Overwrite)).unwrap();
    let whole = handle().block_on(store.get(&path, None)).unwrap().unwrap();
    put(whole.slice(..whole.len() - 1));
    for e in [process(&store).err().unwrap(), read(&intake, 0).unwrap_err()] {
        assert_eq!((e.kind, e.code), (ErrorKind::Corrupt, Some("E0601")));
        assert!(
            e.to_string().contains("damaged") && e.detail.as_deref().is_some_and(|d| d.contains(&path)),
            "{e}"
        );
    }
    handle().block_on(store.delete(&path)).unwrap();
    for e in [process(&store).err().unwrap(), read(&intake, 0).unwrap_err()] {
        assert_eq!((e.kind, e.message.as_str()), (ErrorKind::Corrupt, "object 2 of the journal is gone"));
    }
}

#[test]
fn closing_decides_what_was_taken() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let intake = process(&store).unwrap();
    let open = intake.submit(entry(None, "a"), Held::new(&intake.pending));
    let (verdict, ()) = handle().block_on(futures::future::join(open, intake.close()));
    assert_eq!(verdict, ACCEPTED);
    assert_eq!(submit(&intake, None, "b"), Verdict::NotRunning);
    assert_eq!(read(&process(&store).unwrap(), 0).unwrap().0, ["a"]);
}
