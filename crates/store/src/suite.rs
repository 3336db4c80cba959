//! What every store must do: run [`all`] against an empty one.

use bytes::Bytes;
use millstream_dataflow::{Error, Put, PutMode, Result, Store, StoreKind};

/// Every check; the store must be empty.
///
/// # Errors
/// The first check that fails, or the store's own error.
pub async fn all(store: &dyn Store) -> Result<()> {
    put_and_get(store).await?;
    list(store).await?;
    match store.kind() {
        StoreKind::Local => link(store).await,
        StoreKind::Object => multipart(store).await,
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, actual: T, expected: T) -> Result<()> {
    if actual == expected {
        Ok(())
    } else {
        Err(Error::bug(format!("{what}: {actual:?} instead of {expected:?}")))
    }
}

fn bytes(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

async fn put_and_get(s: &dyn Store) -> Result<()> {
    same("absent object", s.get("a/b", None).await?, None)?;
    same("create", s.put("a/b", bytes("one"), PutMode::Create).await?, Put::Done)?;
    same("second create", s.put("a/b", bytes("two"), PutMode::Create).await?, Put::Exists)?;
    same("after the second create", s.get("a/b", None).await?, Some(bytes("one")))?;
    same("overwrite", s.put("a/b", bytes("three"), PutMode::Overwrite).await?, Put::Done)?;
    same("range", s.get("a/b", Some(1..3)).await?, Some(bytes("hr")))?;
    same("head", s.head("a/b").await?.map(|m| m.bytes), Some(5))?;
    s.delete("a/b").await?;
    s.delete("a/b").await?;
    same("deleted object", s.head("a/b").await?, None)
}

async fn list(s: &dyn Store) -> Result<()> {
    for path in ["l/2", "l/1", "l/.hidden/3", "lx/4"] {
        s.put(path, bytes("x"), PutMode::Overwrite).await?;
    }
    let paths = |listed: Vec<millstream_dataflow::ObjectMeta>| listed.into_iter().map(|m| m.path).collect::<Vec<_>>();
    same(
        "listing",
        paths(s.list("l").await?),
        vec!["l/.hidden/3".to_string(), "l/1".into(), "l/2".into()],
    )?;
    same("empty listing", paths(s.list("nothing").await?), vec![])?;
    for meta in s.list("").await? {
        s.delete(&meta.path).await?;
    }
    same("emptied store", paths(s.list("").await?), vec![])
}

async fn link(s: &dyn Store) -> Result<()> {
    same("create in a directory", s.put("d/f", bytes("x"), PutMode::Create).await?, Put::Done)?;
    same("head of a directory", s.head("d").await?, None)?;
    s.delete("d/f").await?;
    s.put(".staging/x", bytes("content"), PutMode::Create).await?;
    same("link", s.link(".staging/x", "out/x").await?, Put::Done)?;
    same("second link", s.link(".staging/x", "out/x").await?, Put::Exists)?;
    s.delete(".staging/x").await?;
    same("linked object", s.get("out/x", None).await?, Some(bytes("content")))
}

async fn multipart(s: &dyn Store) -> Result<()> {
    const PART: usize = 5 << 20;
    let upload = s.create_multipart("m/x").await?;
    let first = s.put_part("m/x", &upload, 0, Bytes::from(vec![1; PART])).await?;
    let last = s.put_part("m/x", &upload, 1, bytes("end")).await?;
    same("object before completion", s.head("m/x").await?, None)?;
    let parts = [first, last];
    same("complete", s.complete_multipart("m/x", &upload, &parts).await?, Put::Done)?;
    same("size", s.head("m/x").await?.map(|m| m.bytes), Some(PART as u64 + 3))?;
    // Told again after a lost acknowledgement, a store says that the object is there, or completes it once more.
    s.complete_multipart("m/x", &upload, &parts).await?;
    same("size after the second completion", s.head("m/x").await?.map(|m| m.bytes), Some(PART as u64 + 3))?;
    let given_up = s.create_multipart("m/y").await?;
    s.put_part("m/y", &given_up, 0, bytes("z")).await?;
    s.abort_multipart("m/y", &given_up).await?;
    same("aborted object", s.head("m/y").await?, None)
}
