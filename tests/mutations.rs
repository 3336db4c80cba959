//! Inputs changed at random, for [`tests::hostile`] to judge. What the files of the other tests hold is the corpus, and what the fuzzer kept
//! (`fuzz/corpus`), which is run unchanged, too. `HOSTILE=n` multiplies the rounds.

use crate::harness::{files, root};
use anyhow::{Context, Result, bail, ensure};
use libtest_mimic::{Failed, Trial};
use std::panic::{AssertUnwindSafe, catch_unwind};
use tests::hostile::{Checkpoint, Records, Sql, golden_manifests};
use tests::sim::world::Chance;

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |name: &str, f: fn(u64) -> Result<()>| {
        let rounds = std::env::var("HOSTILE").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
        Trial::test(format!("hostile::{name}"), move || f(rounds).map_err(|e| Failed::from(format!("{e:#}"))))
    };
    vec![
        trial("sql", sql),
        trial("test_files", test_files),
        trial("json", |rounds| records("json", rounds)),
        trial("csv", |rounds| records("csv", rounds)),
        trial("checkpoints", checkpoints),
    ]
}

/// Runs what must not panic.
fn calm<T>(input: impl FnOnce() -> String, f: impl FnOnce() -> T) -> Result<T> {
    catch_unwind(AssertUnwindSafe(f)).or_else(|_| bail!("it panicked over:\n{}", input()))
}

/// Cuts, doubles, changes and mixes pieces of the corpus.
fn mutated(c: &mut Chance, corpus: &[Vec<u8>]) -> Vec<u8> {
    let any = |c: &mut Chance| &corpus[c.below(corpus.len() as u64) as usize];
    let mut bytes = any(c).clone();
    for _ in 0..1 + c.below(4) {
        let at = |c: &mut Chance, bytes: &[u8]| c.below(bytes.len() as u64 + 1) as usize;
        let (a, b) = (at(c, &bytes), at(c, &bytes));
        let (from, to) = (a.min(b), a.max(b).min(a.min(b) + 40));
        match c.below(6) {
            0 => drop(bytes.drain(from..to)),
            1 => {
                let piece = bytes[from..to].to_vec();
                drop(bytes.splice(from..from, piece));
            }
            2 if from < bytes.len() => bytes[from] ^= 1 << c.below(8),
            3 => bytes.truncate(from.max(1)),
            4 => {
                let other = any(c);
                let start = at(c, other);
                let piece = other[start..(start + c.below(40) as usize).min(other.len())].to_vec();
                drop(bytes.splice(from..to, piece));
            }
            _ => {
                let odd: &[u8] = [
                    &b"\0"[..],
                    b"\"",
                    b"'",
                    b"`",
                    b"{",
                    b"[",
                    b"(",
                    b"-",
                    b"9999999999999999999999",
                    b"\xff",
                    b"\\u",
                    b"NULL",
                    b"/*",
                    b";",
                ][c.below(14) as usize];
                drop(bytes.splice(from..from, odd.to_vec()));
            }
        }
    }
    bytes
}

/// Puts words, numbers and signs in the place of others: more of it can be read than of bytes that change.
fn reworded(c: &mut Chance, corpus: &[Vec<u8>]) -> Vec<u8> {
    fn pieces(text: &[u8]) -> Vec<&[u8]> {
        text.chunk_by(|a, b| (a.is_ascii_alphanumeric() || *a == b'_') && (b.is_ascii_alphanumeric() || *b == b'_'))
            .collect()
    }
    let any = |c: &mut Chance| pieces(&corpus[c.below(corpus.len() as u64) as usize]);
    let mut text = any(c);
    for _ in 0..1 + c.below(2) {
        // Most come from the same text: names are known there.
        let other = if c.below(4) == 0 { any(c) } else { text.clone() };
        let (to, from) = (c.below(text.len() as u64) as usize, c.below(other.len() as u64) as usize);
        match c.below(3) {
            0 => text.insert(to, other[from]),
            _ => text[to] = other[from],
        }
    }
    text.concat()
}

/// What the fuzzer has found worth keeping.
pub(crate) fn saved(target: &str) -> Result<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root().join("tests/fuzz/corpus").join(target))? {
        let path = entry?.path();
        if !path.file_name().is_some_and(|n| n.as_encoded_bytes().starts_with(b".")) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found.iter().map(std::fs::read).collect::<Result<_, _>>()?)
}

fn corpus_of(folder: &str, extension: &str) -> Result<Vec<Vec<u8>>> {
    let found: Vec<Vec<u8>> = files(&root().join(folder), extension).iter().map(std::fs::read).collect::<Result<_, _>>()?;
    ensure!(!found.is_empty(), "no .{extension} in {folder}");
    Ok(found)
}

/// The statements of the corpus, each with the tables of its file before it.
pub(crate) fn statements() -> Result<Vec<Vec<u8>>> {
    let mut all: Vec<Vec<u8>> = corpus_of("tests/flink", "sql")?;
    all.extend(corpus_of("sql-examples", "sql")?);
    all.extend(corpus_of("tests/plans", "sql")?);
    for text in corpus_of("tests/sql", "slt")? {
        let text = String::from_utf8(text)?;
        let mut tables = String::new();
        for record in text.split("\n\n") {
            let mut lines = record.lines().filter(|l| !l.starts_with('#'));
            let Some(kind) = lines.next() else { continue };
            let sql: Vec<&str> = lines.take_while(|l| *l != "----").collect();
            let sql = sql.join("\n");
            if kind.starts_with("statement ok") && sql.starts_with("CREATE") {
                tables += &format!("{sql};\n");
            } else if kind.starts_with("query") || kind.starts_with("statement") {
                all.push(format!("{tables}{sql}").into_bytes());
            }
        }
    }
    Ok(all)
}

/// Broken statements, each with its tables before it.
pub(crate) fn broken_statements() -> Result<Vec<Vec<u8>>> {
    let mut all = Vec::new();
    for text in corpus_of("tests/sql/broken", "txt")? {
        let (text, mut tables) = (String::from_utf8(text)?.replace(['«', '»'], ""), String::new());
        for block in text.split("\n\n") {
            match block.split_once("\n->") {
                Some((sql, _)) => all.push(format!("{tables}{sql}").into_bytes()),
                None => tables += &format!("{block}\n"),
            }
        }
    }
    Ok(all)
}

fn sql(rounds: u64) -> Result<()> {
    let (mut corpus, broken, sql, mut chance) = (statements()?, broken_statements()?, Sql::new()?, Chance::new(1));
    let saved = saved("sql")?;
    let mut taken = 0;
    for text in &saved {
        let text = String::from_utf8_lossy(text).into_owned();
        calm(|| text.clone(), || sql.check(&text))?.with_context(|| text.clone())?;
    }
    corpus.extend(saved);
    for round in 0..4_000 * rounds {
        let change = if round % 2 == 0 { mutated } else { reworded };
        // One in four begins with what is broken already.
        let corpus = if round / 2 % 4 == 3 { &broken } else { &corpus };
        let text = String::from_utf8_lossy(&change(&mut chance, corpus)).into_owned();
        taken += calm(|| text.clone(), || sql.check(&text))?.with_context(|| text.clone())?;
    }
    // Else the changes are too many for anything behind the parser to be seen.
    ensure!(taken > 100, "only {taken} plans were made");
    Ok(())
}

/// Files of tests that declare everything themselves.
fn test_files(rounds: u64) -> Result<()> {
    let (mut corpus, sql, mut chance) = (corpus_of("tests/sql/test_files", "sql")?, Sql::new()?, Chance::new(1));
    corpus.retain(|text| String::from_utf8_lossy(text).contains("TEST '"));
    let mut bound = 0;
    for round in 0..400 * rounds {
        let change = if round % 2 == 0 { mutated } else { reworded };
        let text = String::from_utf8_lossy(&change(&mut chance, &corpus)).into_owned();
        bound += calm(|| text.clone(), || sql.check_tests(&text))?.with_context(|| text.clone())?;
    }
    ensure!(bound > 50, "only {bound} tests could run");
    Ok(())
}

fn records(format: &str, rounds: u64) -> Result<()> {
    let seed: Vec<&str> = match format {
        "json" => vec![
            r#"{"a":1,"b":-9223372036854775808,"c":"ä\u00e4\"\\","d":12.34,"e":1e-7,"f":true,"g":"2026-01-31","h":"23:59:59.999","i":"2026-01-31 23:59:59.123456","j":"2026-01-31 23:59:59.123Z","k":"AAEC","l":[1,null,2],"m":{"x":1.5,"y":null},"n":{"x":1,"y":[{"z":"q"},null]},"o":-128,"p":3.5}"#,
            r#"[{"a":1},{"a":2,"n":null,"more":{"deep":[[[]]]}}]"#,
            r#"{"p":"NaN","o":"7","a":"12","c":17,"zz":[1,2,{"q":"\ud83d\ude00"}]}"#,
        ],
        _ => vec![
            "1,2,three,4.50,5.5e3,true,2026-01-31,23:59:59.999,2026-01-31 23:59:59.123456,2026-01-31 23:59:59.123Z",
            "-1,,\"quoted, \"\"text\"\"\",0.00,NaN,FALSE,1969-12-31,00:00:00,0001-01-01 00:00:00,9999-12-31 23:59:59Z",
        ],
    };
    let mut corpus: Vec<Vec<u8>> = seed.into_iter().map(|s| s.as_bytes().to_vec()).collect();
    for data in corpus_of("tests/sql/data", format)? {
        corpus.extend(data.split(|b| *b == b'\n').filter(|l| !l.is_empty() && l.len() < 4096).map(<[u8]>::to_vec));
    }
    corpus.extend(saved(format)?);
    let mut chance = Chance::new(2);
    for ignores in [false, true] {
        let mut records = Records::new(format, ignores)?;
        let mut refused = 0;
        let mut check = |records: &mut Records, record: &[u8]| -> Result<()> {
            let shown = || String::from_utf8_lossy(record).into_owned();
            refused += u64::from(!calm(shown, || records.check(record))?.with_context(shown)?);
            Ok(())
        };
        for record in &corpus {
            check(&mut records, record)?;
        }
        for i in 0..15_000 * rounds {
            let record = mutated(&mut chance, &corpus);
            check(&mut records, &record)?;
            if i % 100 == 99 {
                let shown = || String::from_utf8_lossy(&record).into_owned();
                calm(shown, || records.finish())?.with_context(shown)?;
            }
        }
        ensure!(refused > 100, "the records are too harmless");
    }
    Ok(())
}

/// Whatever is changed in a manifest, it is not read as another one.
fn checkpoints(rounds: u64) -> Result<()> {
    let (mut corpus, checkpoint) = (golden_manifests()?, Checkpoint::new()?);
    corpus.extend(saved("checkpoint")?);
    let mut chance = Chance::new(3);
    let check = |bytes: &[u8]| {
        let shown = || String::from_utf8_lossy(bytes).into_owned();
        calm(shown, || checkpoint.check(bytes))?.with_context(shown)
    };
    corpus.iter().try_for_each(|bytes| check(bytes))?;
    for _ in 0..20_000 * rounds {
        check(&mutated(&mut chance, &corpus))?;
    }
    Ok(())
}
