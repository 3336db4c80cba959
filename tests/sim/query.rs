//! Random queries, and what they give, row at a time: each expression knows its SQL and its value for one event.

use super::job::{Event, Expected, JobCase};
use super::oracle::{DELAY_MS, Rows, time};
use super::world::Chance;
use std::collections::{BTreeMap, BTreeSet};

/// A BIGINT.
#[derive(Debug, Clone)]
enum Int {
    Id,
    V,
    Second,
    Constant(i64),
    Length(Box<Text>),
    Arithmetic(Box<Int>, char, Box<Int>),
    /// By a constant that is not zero.
    Quotient(Box<Int>, i64),
    Absolute(Box<Int>),
    Coalesce(Box<Int>, Box<Int>),
    NullIf(Box<Int>, Box<Int>),
    Case(Box<Condition>, Box<Int>, Box<Int>),
}

/// A character string.
#[derive(Debug, Clone)]
enum Text {
    K,
    Constant(&'static str),
    Upper(Box<Text>),
    Joined(Box<Text>, Box<Text>),
    NullIf(Box<Text>, Box<Text>),
    Case(Box<Condition>, Box<Text>, Box<Text>),
}

/// A BOOLEAN, with three values.
#[derive(Debug, Clone)]
enum Condition {
    Compare(Int, &'static str, Int),
    Equal(Text, Text),
    Between(Int, i64, i64),
    In(Int, Vec<i64>),
    IsNull(Int),
    TextIsNull(Text),
    Not(Box<Condition>),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    IsTrue(Box<Condition>),
}

/// How an integer becomes the number that is looked at. Quarters are exact in binary too: sums do not depend on their order.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Unit {
    Whole,
    DoubleQuarters,
    DecimalQuarters,
}

#[derive(Debug, Clone)]
enum Value {
    Int(Int, Unit),
    Text(Text),
    Condition(Condition),
}

#[derive(Debug, Clone)]
struct Aggregate {
    function: &'static str,
    /// None of COUNT(*).
    argument: Option<Int>,
    unit: Unit,
    filter: Option<Condition>,
}

/// How time is cut, ms.
#[derive(Debug, Clone, Copy)]
struct Windows {
    slide: i64,
    size: i64,
    offset: i64,
}

/// Several groupings by some of the keys at once.
#[derive(Debug, Clone)]
enum Sets {
    /// Whether each key is in it, per set.
    Listed(Vec<Vec<bool>>),
    Rollup,
    Cube,
}

#[derive(Debug, Clone)]
enum Kind {
    /// `SELECT id, values`
    Rows(Vec<Value>),
    /// `SELECT window_end, keys, aggregates`
    Groups {
        windows: Windows,
        keys: Vec<Value>,
        sets: Option<Sets>,
        aggregates: Vec<Aggregate>,
        /// HAVING COUNT(*) > n
        more_than: Option<i64>,
    },
}

/// A query over the events.
#[derive(Debug, Clone)]
pub struct RandomQuery {
    condition: Option<Condition>,
    kind: Kind,
}

const DIRECTORY: &str = "answers";

/// A job that answers a random query. Its text lives as long as the process: jobs are a handful of static ones elsewhere.
pub fn random_job(seed: u64) -> JobCase {
    let query: &'static RandomQuery = Box::leak(Box::new(RandomQuery::new(&mut Chance::new(seed))));
    let sinks: &'static [(&'static str, Expected)] = Box::leak(Box::new([(DIRECTORY, Expected::Query(query))]));
    JobCase {
        name: "random",
        sql: Box::leak(query.job().into_boxed_str()),
        sinks,
    }
}

fn int(c: &mut Chance, depth: u32) -> Int {
    let below = |c: &mut Chance| Box::new(int(c, depth - 1));
    match c.below(if depth == 0 { 5 } else { 12 }) {
        0 | 1 => Int::V,
        2 => Int::Id,
        3 => Int::Second,
        4 => Int::Constant(c.below(14) as i64 - 3),
        5 => Int::Length(Box::new(text(c, depth - 1))),
        6 => Int::Quotient(below(c), [1, 2, 3, -2][c.below(4) as usize]),
        7 => Int::Absolute(below(c)),
        8 => Int::Coalesce(below(c), below(c)),
        9 => Int::NullIf(below(c), below(c)),
        10 => Int::Case(Box::new(condition(c, depth - 1)), below(c), below(c)),
        _ => Int::Arithmetic(below(c), ['+', '-', '*'][c.below(3) as usize], below(c)),
    }
}

fn text(c: &mut Chance, depth: u32) -> Text {
    let below = |c: &mut Chance| Box::new(text(c, depth - 1));
    match c.below(if depth == 0 { 4 } else { 8 }) {
        0..=2 => Text::K,
        3 => Text::Constant(["k0", "k1", "K2", ""][c.below(4) as usize]),
        4 => Text::Upper(below(c)),
        5 => Text::Joined(below(c), below(c)),
        6 => Text::NullIf(below(c), below(c)),
        _ => Text::Case(Box::new(condition(c, depth - 1)), below(c), below(c)),
    }
}

fn condition(c: &mut Chance, depth: u32) -> Condition {
    let below = |c: &mut Chance| Box::new(condition(c, depth - 1));
    match c.below(if depth == 0 { 6 } else { 10 }) {
        0 => Condition::Compare(int(c, depth), ["=", "<>", "<", "<=", ">", ">="][c.below(6) as usize], int(c, depth)),
        1 => Condition::Equal(text(c, depth), text(c, depth)),
        2 => {
            let low = c.below(10) as i64 - 3;
            Condition::Between(int(c, depth), low, low + c.below(8) as i64)
        }
        3 => Condition::In(int(c, depth), (0..1 + c.below(4)).map(|_| c.below(12) as i64 - 2).collect()),
        4 => Condition::IsNull(int(c, depth)),
        5 => Condition::TextIsNull(text(c, depth)),
        6 => Condition::Not(below(c)),
        7 => Condition::And(below(c), below(c)),
        8 => Condition::Or(below(c), below(c)),
        _ => Condition::IsTrue(below(c)),
    }
}

fn value(c: &mut Chance) -> Value {
    match c.below(5) {
        0 | 1 => Value::Text(text(c, 2)),
        2 => Value::Condition(condition(c, 2)),
        _ => Value::Int(int(c, 2), Unit::new(c)),
    }
}

impl Int {
    fn sql(&self) -> String {
        match self {
            Int::Id => "id".into(),
            Int::V => "v".into(),
            Int::Second => "EXTRACT(SECOND FROM ts)".into(),
            Int::Constant(n) => format!("CAST({n} AS BIGINT)"),
            Int::Length(t) => format!("CAST(CHAR_LENGTH({}) AS BIGINT)", t.sql()),
            Int::Arithmetic(a, op, b) => format!("({} {op} {})", a.sql(), b.sql()),
            Int::Quotient(a, n) => format!("({} / CAST({n} AS BIGINT))", a.sql()),
            Int::Absolute(a) => format!("ABS({})", a.sql()),
            Int::Coalesce(a, b) => format!("COALESCE({}, {})", a.sql(), b.sql()),
            Int::NullIf(a, b) => format!("NULLIF({}, {})", a.sql(), b.sql()),
            Int::Case(p, a, b) => format!("CASE WHEN {} THEN {} ELSE {} END", p.sql(), a.sql(), b.sql()),
        }
    }
    fn of(&self, e: &Event) -> Option<i64> {
        Some(match self {
            Int::Id => e.id as i64,
            Int::V => e.v?,
            Int::Second => e.ts.div_euclid(1000).rem_euclid(60),
            Int::Constant(n) => *n,
            Int::Length(t) => t.of(e)?.chars().count() as i64,
            Int::Arithmetic(a, op, b) => match (a.of(e)?, op, b.of(e)?) {
                (a, '+', b) => a + b,
                (a, '-', b) => a - b,
                (a, _, b) => a * b,
            },
            Int::Quotient(a, n) => a.of(e)? / n,
            Int::Absolute(a) => a.of(e)?.abs(),
            Int::Coalesce(a, b) => return a.of(e).or_else(|| b.of(e)),
            Int::NullIf(a, b) => return a.of(e).filter(|a| Some(*a) != b.of(e)),
            Int::Case(p, a, b) => return if p.of(e) == Some(true) { a.of(e) } else { b.of(e) },
        })
    }
}

impl Text {
    fn sql(&self) -> String {
        match self {
            Text::K => "k".into(),
            Text::Constant(t) => format!("'{t}'"),
            Text::Upper(t) => format!("UPPER({})", t.sql()),
            Text::Joined(a, b) => format!("({} || {})", a.sql(), b.sql()),
            Text::NullIf(a, b) => format!("NULLIF({}, {})", a.sql(), b.sql()),
            Text::Case(p, a, b) => format!("CASE WHEN {} THEN {} ELSE {} END", p.sql(), a.sql(), b.sql()),
        }
    }
    fn of(&self, e: &Event) -> Option<String> {
        Some(match self {
            Text::K => e.k.clone(),
            Text::Constant(t) => (*t).to_string(),
            Text::Upper(t) => t.of(e)?.to_uppercase(),
            Text::Joined(a, b) => a.of(e)? + &b.of(e)?,
            Text::NullIf(a, b) => return a.of(e).filter(|a| Some(a) != b.of(e).as_ref()),
            Text::Case(p, a, b) => return if p.of(e) == Some(true) { a.of(e) } else { b.of(e) },
        })
    }
}

impl Condition {
    fn sql(&self) -> String {
        match self {
            Condition::Compare(a, op, b) => format!("({} {op} {})", a.sql(), b.sql()),
            Condition::Equal(a, b) => format!("({} = {})", a.sql(), b.sql()),
            Condition::Between(a, low, high) => format!("({} BETWEEN {low} AND {high})", a.sql()),
            Condition::In(a, list) => {
                let list: Vec<String> = list.iter().map(i64::to_string).collect();
                format!("({} IN ({}))", a.sql(), list.join(", "))
            }
            Condition::IsNull(a) => format!("({} IS NULL)", a.sql()),
            Condition::TextIsNull(a) => format!("({} IS NULL)", a.sql()),
            Condition::Not(p) => format!("(NOT {})", p.sql()),
            Condition::And(p, q) => format!("({} AND {})", p.sql(), q.sql()),
            Condition::Or(p, q) => format!("({} OR {})", p.sql(), q.sql()),
            Condition::IsTrue(p) => format!("({} IS TRUE)", p.sql()),
        }
    }
    fn of(&self, e: &Event) -> Option<bool> {
        Some(match self {
            Condition::Compare(a, op, b) => {
                let (a, b) = (a.of(e)?, b.of(e)?);
                match *op {
                    "=" => a == b,
                    "<>" => a != b,
                    "<" => a < b,
                    "<=" => a <= b,
                    ">" => a > b,
                    _ => a >= b,
                }
            }
            Condition::Equal(a, b) => a.of(e)? == b.of(e)?,
            Condition::Between(a, low, high) => (*low..=*high).contains(&a.of(e)?),
            Condition::In(a, list) => list.contains(&a.of(e)?),
            Condition::IsNull(a) => a.of(e).is_none(),
            Condition::TextIsNull(a) => a.of(e).is_none(),
            Condition::Not(p) => !p.of(e)?,
            Condition::And(p, q) => match (p.of(e), q.of(e)) {
                (Some(false), _) | (_, Some(false)) => false,
                (p, q) => p? && q?,
            },
            Condition::Or(p, q) => match (p.of(e), q.of(e)) {
                (Some(true), _) | (_, Some(true)) => true,
                (p, q) => p? || q?,
            },
            Condition::IsTrue(p) => p.of(e) == Some(true),
        })
    }
}

impl Unit {
    fn new(c: &mut Chance) -> Unit {
        [Unit::Whole, Unit::Whole, Unit::DoubleQuarters, Unit::DecimalQuarters][c.below(4) as usize]
    }
    fn sql(self, int: &Int) -> String {
        match self {
            Unit::Whole => int.sql(),
            Unit::DoubleQuarters => format!("(CAST({} AS DOUBLE) / 4.0E0)", int.sql()),
            Unit::DecimalQuarters => format!("(CAST({} AS DECIMAL(16, 0)) * 0.25)", int.sql()),
        }
    }
    fn ty(self) -> &'static str {
        match self {
            Unit::Whole => "BIGINT",
            Unit::DoubleQuarters => "DOUBLE",
            Unit::DecimalQuarters => "DECIMAL(38, 2)",
        }
    }
    /// A number of such units, as a JSON reader shows it.
    fn shown(self, n: Option<i64>) -> String {
        match self {
            Unit::Whole => shown(n),
            Unit::DoubleQuarters => shown_fraction(n.map(|n| n as f64 / 4.0)),
            Unit::DecimalQuarters => shown(n.map(|n| format!("{:.2}", n as f64 / 4.0))),
        }
    }
}

fn shown_fraction(value: Option<f64>) -> String {
    shown(value.map(serde_json::Value::from))
}

/// As [`super::oracle::rows`] shows a JSON value.
fn shown<T: ToString>(value: Option<T>) -> String {
    value.map_or("null".to_string(), |v| v.to_string())
}

impl Value {
    fn sql(&self) -> String {
        match self {
            Value::Int(i, unit) => unit.sql(i),
            Value::Text(t) => t.sql(),
            Value::Condition(p) => p.sql(),
        }
    }
    fn of(&self, e: &Event) -> String {
        match self {
            Value::Int(i, unit) => unit.shown(i.of(e)),
            Value::Text(t) => shown(t.of(e)),
            Value::Condition(p) => shown(p.of(e)),
        }
    }
    fn ty(&self) -> &'static str {
        match self {
            Value::Int(_, unit) => unit.ty(),
            Value::Text(_) => "STRING",
            Value::Condition(_) => "BOOLEAN",
        }
    }
}

impl Aggregate {
    fn new(c: &mut Chance) -> Aggregate {
        let function = ["COUNT(*)", "COUNT", "COUNT(DISTINCT", "SUM", "MIN", "MAX", "AVG"][c.below(7) as usize];
        let unit = Unit::new(c);
        Aggregate {
            function,
            argument: (function != "COUNT(*)").then(|| int(c, 2)),
            // The average of decimals has other digits than they have.
            unit: if function == "AVG" && unit == Unit::DecimalQuarters {
                Unit::Whole
            } else {
                unit
            },
            filter: c.per_mille(300).then(|| condition(c, 1)),
        }
    }
    fn sql(&self) -> String {
        let call = match (&self.argument, self.function) {
            (Some(a), "COUNT(DISTINCT") => format!("COUNT(DISTINCT {})", self.unit.sql(a)),
            (Some(a), function) => format!("{function}({})", self.unit.sql(a)),
            (None, function) => function.to_string(),
        };
        match &self.filter {
            Some(p) => format!("{call} FILTER (WHERE {})", p.sql()),
            None => call,
        }
    }
    fn ty(&self) -> &'static str {
        if self.function.starts_with("COUNT") { "BIGINT" } else { self.unit.ty() }
    }
    fn of(&self, events: &[&Event]) -> String {
        let counted = || events.iter().filter(|e| self.filter.as_ref().is_none_or(|p| p.of(e) == Some(true)));
        let Some(argument) = &self.argument else {
            return counted().count().to_string();
        };
        let values: Vec<i64> = counted().filter_map(|e| argument.of(e)).collect();
        let sum = (!values.is_empty()).then(|| values.iter().sum::<i64>());
        match self.function {
            "COUNT" => values.len().to_string(),
            "COUNT(DISTINCT" => values.into_iter().collect::<BTreeSet<_>>().len().to_string(),
            "SUM" => self.unit.shown(sum),
            "MIN" => self.unit.shown(values.into_iter().min()),
            "MAX" => self.unit.shown(values.into_iter().max()),
            _ if self.unit != Unit::Whole => shown_fraction(sum.map(|s| s as f64 / 4.0 / values.len() as f64)),
            // AVG of integers is an integer.
            _ => shown(sum.map(|s| s / values.len() as i64)),
        }
    }
}

impl Sets {
    fn new(c: &mut Chance, keys: usize) -> Sets {
        match c.below(4) {
            0 => Sets::Rollup,
            1 => Sets::Cube,
            _ => {
                let mut sets: Vec<Vec<bool>> = (0..1 + c.below(3)).map(|_| (0..keys).map(|_| c.per_mille(600)).collect()).collect();
                // A key of no set is no key.
                if (0..keys).any(|k| sets.iter().all(|s| !s[k])) {
                    sets.push(vec![true; keys]);
                }
                // The same set twice is refused.
                sets.sort();
                sets.dedup();
                Sets::Listed(sets)
            }
        }
    }
    fn sql(&self, keys: &[String]) -> String {
        match self {
            Sets::Rollup => format!("ROLLUP ({})", keys.join(", ")),
            Sets::Cube => format!("CUBE ({})", keys.join(", ")),
            Sets::Listed(sets) => {
                let of = |set: &Vec<bool>| {
                    let keys: Vec<&str> = keys.iter().zip(set).filter(|(_, is)| **is).map(|(k, _)| k.as_str()).collect();
                    format!("({})", keys.join(", "))
                };
                format!("GROUPING SETS ({})", sets.iter().map(of).collect::<Vec<_>>().join(", "))
            }
        }
    }
    fn listed(&self, keys: usize) -> Vec<Vec<bool>> {
        match self {
            Sets::Listed(sets) => sets.clone(),
            Sets::Rollup => (0..=keys).map(|n| (0..keys).map(|k| k < n).collect()).collect(),
            Sets::Cube => (0..1 << keys).map(|bits: u32| (0..keys).map(|k| bits >> k & 1 == 1).collect()).collect(),
        }
    }
}

/// Keys that differ: by which of two equal ones a column is meant nobody could tell.
fn keys(c: &mut Chance) -> Vec<Value> {
    let mut keys: Vec<Value> = Vec::new();
    for _ in 0..c.below(4) {
        let key = value(c);
        if keys.iter().all(|k| k.sql() != key.sql()) {
            keys.push(key);
        }
    }
    keys
}

impl RandomQuery {
    fn new(c: &mut Chance) -> RandomQuery {
        let condition = c.per_mille(500).then(|| condition(c, 2));
        let kind = if c.per_mille(250) {
            Kind::Rows((0..1 + c.below(4)).map(|_| value(c)).collect())
        } else {
            let keys = keys(c);
            let sets = (!keys.is_empty() && c.per_mille(400)).then(|| Sets::new(c, keys.len()));
            let slide = 1000 * (1 + c.below(15) as i64);
            Kind::Groups {
                windows: Windows {
                    slide,
                    size: slide * if c.per_mille(500) { 1 } else { 1 + c.below(6) as i64 },
                    offset: if c.per_mille(300) { c.below(10_000) as i64 } else { 0 },
                },
                keys,
                sets,
                aggregates: (0..1 + c.below(4)).map(|_| Aggregate::new(c)).collect(),
                more_than: c.per_mille(250).then(|| c.below(3) as i64),
            }
        };
        RandomQuery { condition, kind }
    }

    /// The sink and the INSERT.
    fn job(&self) -> String {
        let mut columns: Vec<(&str, String)> = Vec::new();
        let (mut from, mut rest) = ("events".to_string(), String::new());
        match &self.kind {
            Kind::Rows(values) => {
                columns.push(("BIGINT", "id".into()));
                columns.extend(values.iter().map(|v| (v.ty(), v.sql())));
            }
            Kind::Groups {
                windows,
                keys,
                sets,
                aggregates,
                more_than,
            } => {
                let interval = |ms: i64| format!("INTERVAL '{}.{:03}' SECOND(5, 3)", ms / 1000, ms % 1000);
                let Windows { slide, size, offset } = windows;
                let more = if *offset == 0 { String::new() } else { format!(", {}", interval(*offset)) };
                from = match slide == size {
                    true => format!("TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), {}{more}))", interval(*size)),
                    false => format!("TABLE(HOP(TABLE events, DESCRIPTOR(ts), {}, {}{more}))", interval(*slide), interval(*size)),
                };
                columns.push(("TIMESTAMP(3)", "window_end".into()));
                columns.extend(keys.iter().map(|v| (v.ty(), v.sql())));
                columns.extend(aggregates.iter().map(|a| (a.ty(), a.sql())));
                let keys: Vec<String> = keys.iter().map(Value::sql).collect();
                let keys = sets.as_ref().map_or(keys.clone(), |s| vec![s.sql(&keys)]);
                let all: Vec<&str> = ["window_start", "window_end"].into_iter().chain(keys.iter().map(String::as_str)).collect();
                rest = format!(" GROUP BY {}", all.join(", "));
                if let Some(n) = more_than {
                    rest += &format!(" HAVING COUNT(*) > {n}");
                }
            }
        }
        let types: Vec<String> = columns.iter().enumerate().map(|(i, (ty, _))| format!("c{i} {ty}")).collect();
        let values: Vec<String> = columns.into_iter().map(|(_, sql)| sql).collect();
        let filter = self.condition.as_ref().map_or(String::new(), |p| format!(" WHERE {}", p.sql()));
        format!(
            "CREATE TABLE answer ({}) WITH ('connector' = 'filesystem', 'path' = '{DIRECTORY}', 'format' = 'json');\nINSERT INTO answer SELECT {} FROM {from}{filter}{rest};",
            types.join(", "),
            values.join(", ")
        )
    }

    /// What must be in the sink in the end.
    pub fn expected(&self, partitions: &[&[Event]]) -> Rows {
        let taken = |e: &&Event| self.condition.as_ref().is_none_or(|p| p.of(e) == Some(true));
        let mut rows = Rows::new();
        let mut add = |values: Vec<String>| {
            let mut fields: Vec<String> = values.into_iter().enumerate().map(|(i, v)| format!("c{i}={v}")).collect();
            fields.sort();
            *rows.entry(fields.join(" ")).or_insert(0) += 1;
        };
        match &self.kind {
            Kind::Rows(values) => {
                for e in partitions.iter().copied().flatten().filter(taken) {
                    add(std::iter::once(e.id.to_string()).chain(values.iter().map(|v| v.of(e))).collect());
                }
            }
            Kind::Groups {
                windows,
                keys,
                sets,
                aggregates,
                more_than,
            } => {
                let sets = sets.as_ref().map_or(vec![vec![true; keys.len()]], |s| s.listed(keys.len()));
                // By end, number of the set, and keys: NULL where the set does not have the key.
                let mut groups: BTreeMap<(i64, usize, Vec<String>), Vec<&Event>> = BTreeMap::new();
                for events in partitions {
                    let mut watermark = i64::MIN;
                    for e in *events {
                        for end in windows.ends(e.ts).into_iter().filter(|end| end - 1 > watermark && taken(&e)) {
                            for (number, set) in sets.iter().enumerate() {
                                let values = keys.iter().zip(set).map(|(k, is)| if *is { k.of(e) } else { shown::<i64>(None) });
                                groups.entry((end, number, values.collect())).or_default().push(e);
                            }
                        }
                        watermark = watermark.max(e.ts - DELAY_MS);
                    }
                }
                for ((end, _, keys), events) in groups {
                    if more_than.is_none_or(|n| events.len() as i64 > n) {
                        let results = aggregates.iter().map(|a| a.of(&events));
                        add(std::iter::once(time(end)).chain(keys).chain(results).collect());
                    }
                }
            }
        }
        rows
    }
}

impl Windows {
    fn ends(&self, ts: i64) -> Vec<i64> {
        let last_start = ts - (ts - self.offset).rem_euclid(self.slide);
        (0..self.size / self.slide).map(|i| last_start - i * self.slide + self.size).collect()
    }
}
