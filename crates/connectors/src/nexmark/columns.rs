//! Events into columns: only the fields that are wanted are made.

use super::event::{Auction, Bid, Event, Generator, HOT_CHANNELS, Person};
use crate::random::Random;
use arrow_array::builder::StringViewBuilder;
use arrow_array::{ArrayRef, Int32Array, Int64Array, RecordBatch, RecordBatchOptions, StructArray, TimestampMillisecondArray};
use arrow_buffer::NullBuffer;
use arrow_schema::DataType;
use millstream_dataflow::{Error, Field, Result, Schema, SqlType};
use std::sync::Arc;

const PERSON: &[(&str, Kind)] = &[
    ("id", Kind::Int),
    ("name", Kind::Text),
    ("emailAddress", Kind::Text),
    ("creditCard", Kind::Text),
    ("city", Kind::Text),
    ("state", Kind::Text),
    ("dateTime", Kind::Time),
    ("extra", Kind::Text),
];
const AUCTION: &[(&str, Kind)] = &[
    ("id", Kind::Int),
    ("itemName", Kind::Text),
    ("description", Kind::Text),
    ("initialBid", Kind::Int),
    ("reserve", Kind::Int),
    ("dateTime", Kind::Time),
    ("expires", Kind::Time),
    ("seller", Kind::Int),
    ("category", Kind::Int),
    ("extra", Kind::Text),
];
const BID: &[(&str, Kind)] = &[
    ("auction", Kind::Int),
    ("bidder", Kind::Int),
    ("price", Kind::Int),
    ("channel", Kind::Text),
    ("url", Kind::Text),
    ("dateTime", Kind::Time),
    ("extra", Kind::Text),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Int,
    Text,
    Time,
}

#[derive(Debug, Clone)]
enum Wanted {
    EventType,
    /// 0 person, 1 auction, 2 bid, and which of its fields.
    Row(usize, Vec<usize>),
}

/// The columns of a table over the generator.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    wanted: Vec<Wanted>,
    schema: Schema,
}

impl Columns {
    pub(super) fn new(schema: &Schema) -> Result<Columns> {
        let wanted = schema.fields.iter().map(wanted).collect::<Result<_>>()?;
        Ok(Columns {
            wanted,
            schema: schema.clone(),
        })
    }

    pub(super) fn batch(&self, generator: &Generator, numbers: impl Iterator<Item = u64>) -> Result<RecordBatch> {
        let events: Vec<(u64, Event)> = numbers.map(|n| (n, generator.event(n))).collect();
        let columns = self
            .wanted
            .iter()
            .zip(&self.schema.fields)
            .map(|(w, f)| column(w, f, &events, generator))
            .collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(events.len()));
        RecordBatch::try_new_with_options(self.schema.to_arrow(), columns, &options).map_err(|e| Error::bug("generated columns do not fit the table").source(e))
    }
}

fn wanted(field: &Field) -> Result<Wanted> {
    let (index, fields) = match field.name.as_str() {
        "event_type" if field.ty == SqlType::Int => return Ok(Wanted::EventType),
        "person" => (0, PERSON),
        "auction" => (1, AUCTION),
        "bid" => (2, BID),
        _ => {
            let e = Error::config(format!("the nexmark connector has no column \"{}\" of type {}", field.name, field.ty)).code("E0512");
            return Err(e.hint("it has: event_type INT, person ROW<…>, auction ROW<…>, bid ROW<…>"));
        }
    };
    let names = || fields.iter().map(|(n, _)| *n).collect::<Vec<_>>().join(", ");
    let SqlType::Row(row) = &field.ty else {
        return Err(Error::config(format!("column \"{}\" must be a ROW of some of: {}", field.name, names())).code("E0512"));
    };
    let place = |f: &Field| -> Result<usize> {
        let found = fields.iter().position(|(n, kind)| {
            *n == f.name
                && match kind {
                    Kind::Int => f.ty == SqlType::BigInt,
                    Kind::Text => matches!(f.ty, SqlType::VarChar(_)),
                    Kind::Time => f.ty == SqlType::Timestamp(3),
                }
        });
        found.ok_or_else(|| {
            Error::config(format!("\"{}\" has no field \"{}\" of type {}", field.name, f.name, f.ty))
                .code("E0512")
                .hint(format!("it has: {} (BIGINT, VARCHAR or TIMESTAMP(3))", names()))
        })
    };
    Ok(Wanted::Row(index, row.iter().map(place).collect::<Result<_>>()?))
}

fn kind_of(event: &Event) -> usize {
    match event {
        Event::Person(_) => 0,
        Event::Auction(_) => 1,
        Event::Bid(_) => 2,
    }
}

fn column(wanted: &Wanted, field: &Field, events: &[(u64, Event)], generator: &Generator) -> Result<ArrayRef> {
    let Wanted::Row(index, fields) = wanted else {
        return Ok(Arc::new(Int32Array::from_iter_values(events.iter().map(|(_, e)| kind_of(e) as i32))));
    };
    let all = [PERSON, AUCTION, BID][*index];
    let children = fields.iter().map(|f| {
        let name = all[*f].0;
        let mine = events.iter().map(|(n, e)| (kind_of(e) == *index).then_some((*n, e)));
        match all[*f].1 {
            Kind::Int => Arc::new(mine.map(|e| e.map(|(_, e)| int(e, name))).collect::<Int64Array>()) as ArrayRef,
            Kind::Time => Arc::new(mine.map(|e| e.map(|(n, e)| time(e, n, name, generator))).collect::<TimestampMillisecondArray>()),
            Kind::Text => {
                let mut out = StringViewBuilder::with_capacity(events.len());
                let mut value = String::new();
                for e in mine {
                    match e {
                        None => out.append_null(),
                        Some((_, e)) => {
                            value.clear();
                            text(e, name, &mut value);
                            out.append_value(&value);
                        }
                    }
                }
                Arc::new(out.finish())
            }
        }
    });
    let children: Vec<ArrayRef> = children.collect();
    let DataType::Struct(types) = field.ty.to_arrow() else {
        return Err(Error::bug("a ROW is not carried by a struct"));
    };
    let nulls = NullBuffer::from(events.iter().map(|(_, e)| kind_of(e) == *index).collect::<Vec<bool>>());
    Ok(Arc::new(StructArray::try_new_with_length(types, children, Some(nulls), events.len())?))
}

fn int(event: &Event, name: &str) -> i64 {
    match (event, name) {
        (Event::Person(p), _) => p.id,
        (Event::Auction(a), "id") => a.id,
        (Event::Auction(a), "initialBid") => a.initial_bid,
        (Event::Auction(a), "reserve") => a.reserve,
        (Event::Auction(a), "seller") => a.seller,
        (Event::Auction(a), _) => a.category,
        (Event::Bid(b), "auction") => b.auction,
        (Event::Bid(b), "bidder") => b.bidder,
        (Event::Bid(b), _) => b.price,
    }
}

fn time(event: &Event, number: u64, name: &str, generator: &Generator) -> i64 {
    match (event, name) {
        (Event::Auction(a), "expires") => a.expires,
        _ => generator.time_ms(number),
    }
}

fn text(event: &Event, name: &str, out: &mut String) {
    match event {
        Event::Person(p) => person_text(p, name, out),
        Event::Auction(a) => auction_text(a, name, out),
        Event::Bid(b) => bid_text(b, name, out),
    }
}

const FIRST_NAMES: [&str; 11] = ["Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate", "Julie", "Sarah", "Deiter", "Walter"];
const LAST_NAMES: [&str; 9] = ["Shultz", "Abrams", "Spencer", "White", "Bartels", "Walton", "Smith", "Jones", "Noris"];
const CITIES: [&str; 10] = [
    "Phoenix",
    "Los Angeles",
    "San Francisco",
    "Boise",
    "Portland",
    "Bend",
    "Redmond",
    "Seattle",
    "Kent",
    "Cheyenne",
];
const STATES: [&str; 6] = ["AZ", "CA", "ID", "OR", "WA", "WY"];

/// Each field draws from numbers of its own, so that leaving one out does not change another.
fn own(random: &Random, field: u64) -> Random {
    let mut r = random.clone();
    for _ in 0..=field {
        r.next();
    }
    r
}

fn person_text(p: &Person, name: &str, out: &mut String) {
    match name {
        "name" => {
            let mut r = own(&p.random, 1);
            *out += FIRST_NAMES[r.below(FIRST_NAMES.len() as u64) as usize];
            out.push(' ');
            *out += LAST_NAMES[r.below(LAST_NAMES.len() as u64) as usize];
        }
        "emailAddress" => {
            let mut r = own(&p.random, 2);
            r.letters(7, out);
            out.push('@');
            r.letters(5, out);
            *out += ".com";
        }
        "creditCard" => {
            let mut r = own(&p.random, 3);
            for i in 0..4 {
                *out += &format!("{}{:04}", if i > 0 { " " } else { "" }, r.below(10_000));
            }
        }
        "city" => *out += CITIES[own(&p.random, 4).below(CITIES.len() as u64) as usize],
        "state" => *out += STATES[own(&p.random, 5).below(STATES.len() as u64) as usize],
        _ => own(&p.random, 6).letters(100, out),
    }
}

fn auction_text(a: &Auction, name: &str, out: &mut String) {
    match name {
        "itemName" => own(&a.random, 1).letters(20, out),
        "description" => own(&a.random, 2).letters(100, out),
        _ => own(&a.random, 3).letters(200, out),
    }
}

fn bid_text(b: &Bid, name: &str, out: &mut String) {
    match (name, b.channel) {
        ("channel", Ok(hot)) => *out += HOT_CHANNELS[hot].0,
        ("channel", Err(n)) => *out += &format!("channel-{n}"),
        ("url", Ok(hot)) => *out += HOT_CHANNELS[hot].1,
        ("url", Err(n)) => {
            *out += "https://www.nexmark.com/";
            own(&b.random, 1).letters(5, out);
            *out += &format!("/item.htm?query=1&channel_id={n}");
        }
        _ => {
            let mut r = own(&b.random, 2);
            let length = 30 + r.below(41) as usize;
            r.letters(length, out);
        }
    }
}
