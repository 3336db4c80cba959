//! The `csv` format: fields by position, RFC 4180 quoting, one level of nesting.

mod column;
mod decoder;
mod dialect;
mod encoder;
mod line;
mod quoting;
mod specials;

use millstream_dataflow::option::{OptionSpec, OptionType, Options};
use millstream_dataflow::{Error, FormatSpec, Result, Schema, SqlType};
use std::collections::BTreeMap;

pub use decoder::CsvDecoder;
pub use dialect::{Dialect, RecordEnd};
pub use encoder::CsvEncoder;

const DELIMITER: OptionSpec = OptionSpec::new(
    "csv.field-delimiter",
    OptionType::Text,
    "The character between fields; `\\t` is a tab, `\\u0001` the character of that code.",
)
.default(",")
.examples(&[";", "\\t"]);
const QUOTE: OptionSpec = OptionSpec::new(
    "csv.quote-character",
    OptionType::Text,
    "The character around fields that hold delimiters, quotes or line ends.",
)
.default("\"")
.examples(&["'"]);
const NO_QUOTE: OptionSpec = OptionSpec::new("csv.disable-quote-character", OptionType::Boolean, "Whether no character quotes.").default("false");
const ESCAPE: OptionSpec = OptionSpec::new(
    "csv.escape-character",
    OptionType::Text,
    "The character before one that is meant as it is, within quotes and without; `n`, `r`, `t` and `0` behind it are a line end, carriage return, tab and NUL.",
)
.examples(&["\\"]);
const ELEMENTS: OptionSpec = OptionSpec::new(
    "csv.array-element-delimiter",
    OptionType::Text,
    "The character between the elements of an ARRAY and the fields of a ROW. Nothing quotes it: an element that holds it is read as two.",
)
.default(";")
.examples(&["|"]);
const COMMENTS: OptionSpec = OptionSpec::new("csv.allow-comments", OptionType::Boolean, "Whether lines that start with # are left out.").default("false");
const IGNORE_ERRORS: OptionSpec = OptionSpec::new(
    "csv.ignore-parse-errors",
    OptionType::Boolean,
    "Puts NULL in the place of a field of the wrong type and of fields that are missing at a line's end, and leaves out (and counts) lines with too many.",
)
.default("false");
const NULL_LITERAL: OptionSpec = OptionSpec::new(
    "csv.null-literal",
    OptionType::Text,
    "The text that stands for NULL, also as an element of an ARRAY or ROW.",
)
.examples(&["NULL"]);
const EMPTY_NULL: OptionSpec = OptionSpec::new(
    "csv.empty-string-as-null",
    OptionType::Boolean,
    "Whether a field or element without text is read as NULL. An ARRAY without text has no elements all the same.",
)
.default("false");
const TRIM: OptionSpec = OptionSpec::new(
    "csv.trim-spaces",
    OptionType::Boolean,
    "Whether white space around fields that are not quoted, and around elements, is left out when reading.",
)
.default("false");
const TRAILING_COMMA: OptionSpec = OptionSpec::new(
    "csv.allow-trailing-comma",
    OptionType::Boolean,
    "Whether a line that is read may have one more delimiter at its end.",
)
.default("true");
const UNMAPPABLE: OptionSpec = OptionSpec::new(
    "csv.ignore-trailing-unmappable",
    OptionType::Boolean,
    "Whether fields behind those of the table's columns are left out when reading.",
)
.default("false");
const FAIL_ON_MISSING: OptionSpec = OptionSpec::new(
    "csv.fail-on-missing-columns",
    OptionType::Boolean,
    "Whether a line with too few fields is bad under 'csv.ignore-parse-errors', too.",
)
.default("false");
const EXPONENTS: OptionSpec = OptionSpec::new(
    "csv.write-bigdecimal-in-scientific-notation",
    OptionType::Boolean,
    "Writes DECIMALs that are multiples of ten, or very small, with an exponent: 1E+2 instead of 100.",
)
.default("true");

pub const SPEC: FormatSpec = FormatSpec {
    name: "csv",
    doc: "Lines of fields in the order of the table's physical columns. The elements of an ARRAY and the fields of a ROW, which are scalars, are one field.",
    options: &[
        COMMENTS,
        TRAILING_COMMA,
        ELEMENTS,
        NO_QUOTE,
        EMPTY_NULL,
        ESCAPE,
        FAIL_ON_MISSING,
        DELIMITER,
        IGNORE_ERRORS,
        UNMAPPABLE,
        NULL_LITERAL,
        QUOTE,
        TRIM,
        EXPONENTS,
    ],
    changes: false,
    skips: false,
};

/// What readers and writers know of a table.
#[derive(Debug, Clone)]
struct CsvOptions {
    dialect: Dialect,
    /// Between elements; ASCII.
    elements: u8,
    comments: bool,
    ignore_errors: bool,
    fail_on_missing: bool,
    trailing_comma: bool,
    unmappable: bool,
    null_literal: Option<String>,
    empty_null: bool,
    exponents: bool,
}

impl CsvOptions {
    fn new(options: &BTreeMap<String, String>) -> Result<Self> {
        let o = Options::new(options);
        let no_quote = o.boolean(&NO_QUOTE);
        if no_quote && options.contains_key(QUOTE.name) {
            let both = format!("option '{}' does not go with '{}'", QUOTE.name, NO_QUOTE.name);
            return Err(Error::config(both).code("E0502").hint("leave one of them out"));
        }
        let quote = if no_quote { None } else { character(&o, &QUOTE)? };
        let delimiter = character(&o, &DELIMITER)?.unwrap_or(b',');
        if quote == Some(delimiter) {
            let same = format!("option '{}' and '{}' are the same character", QUOTE.name, DELIMITER.name);
            return Err(Error::config(same)
                .code("E0502")
                .hint("a field ends where a quote would begin: choose another one for either"));
        }
        Ok(CsvOptions {
            dialect: Dialect {
                delimiter,
                quote,
                // A quote that escapes is what doubled quotes are.
                escape: character(&o, &ESCAPE)?.filter(|e| Some(*e) != quote),
                trim: o.boolean(&TRIM),
            },
            elements: character(&o, &ELEMENTS)?.unwrap_or(b';'),
            comments: o.boolean(&COMMENTS),
            ignore_errors: o.boolean(&IGNORE_ERRORS),
            fail_on_missing: o.boolean(&FAIL_ON_MISSING),
            trailing_comma: o.boolean(&TRAILING_COMMA),
            unmappable: o.boolean(&UNMAPPABLE),
            null_literal: o.text(&NULL_LITERAL).map(str::to_string),
            empty_null: o.boolean(&EMPTY_NULL),
            exponents: o.boolean(&EXPONENTS),
        })
    }
}

/// The character that an option names.
fn character(options: &Options<'_>, spec: &OptionSpec) -> Result<Option<u8>> {
    let Some(text) = options.text(spec) else { return Ok(None) };
    let code = |text: &str| u8::from_str_radix(text.strip_prefix("\\u")?, 16).ok().filter(u8::is_ascii);
    match text {
        "\\t" => Ok(Some(b'\t')),
        _ if text.len() == 1 => Ok(Some(text.as_bytes()[0])),
        _ if text.len() == "\\u0001".len() && code(text).is_some() => Ok(code(text)),
        _ => Err(Error::config(format!("option '{}' has the value '{text}', expected one ASCII character", spec.name)).code("E0502")),
    }
}

/// How the lines of a table are written, if its format is this one.
///
/// # Errors
/// `Config` if an option is not one ASCII character.
pub fn dialect(format: &str, options: &BTreeMap<String, String>) -> Result<Option<Dialect>> {
    match format == SPEC.name {
        true => Ok(Some(CsvOptions::new(options)?.dialect)),
        false => Ok(None),
    }
}

fn check_types(schema: &Schema) -> Result<()> {
    for f in &schema.fields {
        let refused = |what: String| {
            let e = Error::sql(format!("column \"{}\": the csv format does not hold {what}", f.name)).code("E0302");
            Err(e.hint("make a STRING of it, or take another format, such as json"))
        };
        let parts = match &f.ty {
            SqlType::Array(element) => std::slice::from_ref(&**element),
            SqlType::Row(fields) => fields,
            ty if is_scalar(ty) => &[],
            ty => return refused(ty.to_string()),
        };
        if let Some(part) = parts.iter().find(|part| !is_scalar(&part.ty)) {
            return refused(format!("{} inside of an ARRAY or ROW", part.ty));
        }
    }
    Ok(())
}

fn is_scalar(ty: &SqlType) -> bool {
    use SqlType as T;
    !matches!(
        ty,
        T::Array(_) | T::Map(..) | T::Row(_) | T::Multiset(_) | T::IntervalYearMonth | T::IntervalDayTime
    )
}

#[cfg(test)]
mod tests;
