//! Reads a type from its text form.

use super::SqlType;
use crate::{Error, Field, Result};
use std::str::FromStr;

impl FromStr for SqlType {
    type Err = Error;
    /// Reads what `Display` writes and the common SQL spellings (`STRING`, `TIMESTAMP_LTZ(3)`, `DECIMAL`, `ROW(a INT)`).
    fn from_str(text: &str) -> Result<SqlType> {
        let field = Field::parse_type("", text)?;
        Ok(field.ty)
    }
}

impl Field {
    /// Reads a type text with its nullability: `BIGINT NOT NULL`.
    ///
    /// # Errors
    /// `Sql`, naming the text and the place in it.
    pub fn parse_type(name: &str, text: &str) -> Result<Field> {
        Field::read_type(name, text).map_err(|e| Error::sql(format!("expected {} at character {} of type \"{text}\"", e.expected, e.at + 1)))
    }
    /// The same, for whoever knows where the text comes from.
    ///
    /// # Errors
    /// What is wrong, and where in the text.
    pub fn read_type(name: &str, text: &str) -> Result<Field, NoType> {
        let mut p = Parser { text, at: 0 };
        let field = p.field(name)?;
        p.skip_space();
        if p.at < text.len() {
            return Err(p.error("end of the type"));
        }
        Ok(field)
    }
}

/// Why a text is no type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoType {
    /// The byte of the text where it is wrong; its length at the end.
    pub at: usize,
    /// What would be right there.
    pub expected: String,
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn error(&self, expected: &str) -> NoType {
        NoType {
            at: self.at,
            expected: expected.to_string(),
        }
    }
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }
    fn skip_space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }
    fn eat(&mut self, symbol: char) -> bool {
        self.skip_space();
        let found = self.rest().starts_with(symbol);
        if found {
            self.at += symbol.len_utf8();
        }
        found
    }
    fn peek_word(&mut self) -> String {
        self.skip_space();
        self.rest().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    }
    fn word(&mut self) -> String {
        let word = self.peek_word();
        self.at += word.len();
        word.to_ascii_uppercase()
    }
    fn eat_words(&mut self, words: &[&str]) -> bool {
        let start = self.at;
        for w in words {
            if self.word() != *w {
                self.at = start;
                return false;
            }
        }
        true
    }
    fn name(&mut self) -> Result<String, NoType> {
        self.skip_space();
        if !self.rest().starts_with('`') {
            let word = self.peek_word();
            self.at += word.len();
            return if word.is_empty() { Err(self.error("a field name")) } else { Ok(word) };
        }
        let mut name = String::new();
        let mut chars = self.rest()[1..].char_indices().peekable();
        while let Some((i, c)) = chars.next() {
            if c != '`' {
                name.push(c);
            } else if chars.peek().is_some_and(|(_, c)| *c == '`') {
                name.push('`');
                chars.next();
            } else {
                self.at += i + 2;
                return Ok(name);
            }
        }
        Err(self.error("a closing back-quote"))
    }
    /// What a field of a ROW is for, in quotes: it may be told, and is not kept.
    fn description(&mut self) -> Result<(), NoType> {
        while self.eat('\'') {
            let end = self.rest().find('\'').ok_or_else(|| self.error("a closing quote"))?;
            self.at += end + 1;
        }
        Ok(())
    }
    fn number(&mut self) -> Result<u32, NoType> {
        let word = self.word();
        word.parse().map_err(|_| self.error("a number"))
    }
    /// `(n)` if it is there.
    fn length(&mut self) -> Result<Option<u32>, NoType> {
        if !self.eat('(') {
            return Ok(None);
        }
        let n = self.number()?;
        if self.eat(')') { Ok(Some(n)) } else { Err(self.error("\")\"")) }
    }
    /// The length of a string.
    fn size(&mut self) -> Result<Option<u32>, NoType> {
        match self.length()? {
            Some(n) if n == 0 || n > i32::MAX as u32 => Err(self.error("a length of 1 to 2147483647")),
            length => Ok(length),
        }
    }
    fn precision(&mut self, default: u8) -> Result<u8, NoType> {
        match self.length()? {
            None => Ok(default),
            Some(p) if p <= 9 => Ok(p as u8),
            Some(_) => Err(self.error("a precision of 0 to 9")),
        }
    }
    fn close(&mut self, close: char) -> Result<(), NoType> {
        if self.eat(close) { Ok(()) } else { Err(self.error(&format!("\"{close}\""))) }
    }
    fn field(&mut self, name: &str) -> Result<Field, NoType> {
        let mut ty = self.ty()?;
        loop {
            // Postfix forms: `INT ARRAY`, `INT MULTISET`.
            let nullable = !self.eat_words(&["NOT", "NULL"]);
            if nullable {
                self.eat_words(&["NULL"]);
            }
            if self.eat_words(&["ARRAY"]) {
                ty = SqlType::Array(Box::new(Field::new("element", ty, nullable)));
            } else if self.eat_words(&["MULTISET"]) {
                ty = SqlType::Multiset(Box::new(Field::new("element", ty, nullable)));
            } else {
                return Ok(Field::new(name, ty, nullable));
            }
        }
    }
    fn ty(&mut self) -> Result<SqlType, NoType> {
        let start = self.at;
        let word = self.word();
        Ok(match word.as_str() {
            "BOOLEAN" => SqlType::Boolean,
            "TINYINT" => SqlType::TinyInt,
            "SMALLINT" => SqlType::SmallInt,
            "INT" | "INTEGER" => SqlType::Int,
            "BIGINT" => SqlType::BigInt,
            "FLOAT" => SqlType::Float,
            "DOUBLE" => {
                self.eat_words(&["PRECISION"]);
                SqlType::Double
            }
            "DECIMAL" | "DEC" | "NUMERIC" => {
                let (mut p, mut s) = (10, 0);
                if self.eat('(') {
                    p = self.number()?;
                    if self.eat(',') {
                        s = self.number()?;
                    }
                    self.close(')')?;
                }
                if p == 0 || p > 38 || s > p {
                    return Err(self.error("DECIMAL(p, s) with 1 ≤ p ≤ 38 and s ≤ p"));
                }
                SqlType::Decimal(p as u8, s as u8)
            }
            "CHAR" | "CHARACTER" if self.eat_words(&["VARYING"]) => SqlType::VarChar(self.size()?.unwrap_or(1)),
            "CHAR" | "CHARACTER" => SqlType::Char(self.size()?.unwrap_or(1)),
            "VARCHAR" => SqlType::VarChar(self.size()?.unwrap_or(i32::MAX as u32)),
            "STRING" => SqlType::STRING,
            "BINARY" => SqlType::Binary(self.size()?.unwrap_or(1)),
            "VARBINARY" => SqlType::VarBinary(self.size()?.unwrap_or(i32::MAX as u32)),
            "BYTES" => SqlType::BYTES,
            "DATE" => SqlType::Date,
            "TIME" => {
                let p = self.precision(0)?;
                self.eat_words(&["WITHOUT", "TIME", "ZONE"]);
                SqlType::Time(p)
            }
            "TIMESTAMP_LTZ" => SqlType::TimestampLtz(self.precision(6)?),
            "TIMESTAMP" => {
                let p = self.precision(6)?;
                if self.eat_words(&["WITH", "LOCAL", "TIME", "ZONE"]) {
                    SqlType::TimestampLtz(p)
                } else {
                    self.eat_words(&["WITHOUT", "TIME", "ZONE"]);
                    SqlType::Timestamp(p)
                }
            }
            "INTERVAL" => {
                let first = self.word();
                self.length()?;
                if self.eat_words(&["TO"]) {
                    self.word();
                    self.length()?;
                }
                match first.as_str() {
                    "YEAR" | "MONTH" => SqlType::IntervalYearMonth,
                    "DAY" | "HOUR" | "MINUTE" | "SECOND" => SqlType::IntervalDayTime,
                    _ => return Err(self.error("an interval field")),
                }
            }
            "ARRAY" | "MULTISET" => {
                self.close('<')?;
                let element = Box::new(self.field("element")?);
                self.close('>')?;
                if word == "ARRAY" {
                    SqlType::Array(element)
                } else {
                    SqlType::Multiset(element)
                }
            }
            "MAP" => {
                self.close('<')?;
                let key = self.field("key")?;
                self.close(',')?;
                let value = self.field("value")?;
                self.close('>')?;
                SqlType::Map(Box::new(key), Box::new(value))
            }
            "ROW" => {
                let close = if self.eat('<') {
                    '>'
                } else if self.eat('(') {
                    ')'
                } else {
                    return Err(self.error("\"<\""));
                };
                let mut fields: Vec<Field> = Vec::new();
                loop {
                    let name = self.name()?;
                    if fields.iter().any(|f| f.name == name) {
                        return Err(self.error("another name for a field"));
                    }
                    fields.push(self.field(&name)?);
                    self.description()?;
                    if !self.eat(',') {
                        break;
                    }
                }
                self.close(close)?;
                SqlType::Row(fields)
            }
            "NULL" => SqlType::Null,
            _ => {
                self.at = start;
                return Err(self.error("a type name"));
            }
        })
    }
}
