//! Results on standard output, in the form that was asked for.

mod markdown;
mod table;
mod vertical;

use crate::color::{Paint, paint};
use crate::display::Format;
use millstream_dataflow::{Batch, Error, Field, Result, Schema};
use millstream_formats::render::{is_null, text_value};
use millstream_formats::result::{ResultForm, ResultWriter, op_name, texts};
use std::io::Write;
use table::Table;
use vertical::Vertical;

/// Writes results one after the other.
pub(crate) struct Output {
    format: Format,
    color: bool,
    results: u64,
    open: Option<Open>,
}

/// The result that is being written.
enum Open {
    Table(Table),
    Vertical(Vertical),
    Markdown,
    Bytes(ResultWriter),
}

impl Output {
    pub(crate) fn new(format: Format, color: bool) -> Output {
        Output {
            format,
            color,
            results: 0,
            open: None,
        }
    }

    /// Appends the beginning of a result.
    ///
    /// - `bounded`: its rows end by themselves
    ///
    /// # Errors
    /// `Sql` for a column type that the form does not have, `Config` for a second result where there can be one only.
    pub(crate) fn begin(&mut self, schema: &Schema, changes: bool, bounded: bool, out: &mut Vec<u8>) -> Result<()> {
        self.results += 1;
        if self.format == Format::Parquet && self.results > 1 {
            let e = Error::config("a Parquet file holds one result, there is a second one").code("E0540");
            return Err(e.hint("write each to a file of its own, or use --format arrow: streams may follow each other"));
        }
        let names = || {
            let op = changes.then(|| op_name(schema));
            op.into_iter().chain(schema.fields.iter().map(|f| f.name.clone())).collect::<Vec<_>>()
        };
        self.open = Some(match form(self.format) {
            Some(form) => Open::Bytes(ResultWriter::new(form, schema, changes, out)?),
            None => match self.format {
                Format::Vertical => Open::Vertical(Vertical::new(names(), self.color)),
                Format::Markdown => {
                    // A blank line parts it from a table before it.
                    out.extend((self.results > 1).then_some(b'\n'));
                    out.extend(markdown::head(&names()).bytes());
                    Open::Markdown
                }
                _ => Open::Table(Table::new(names(), self.color, bounded)),
            },
        });
        Ok(())
    }

    /// Appends rows of the result.
    ///
    /// # Errors
    /// Those of the form.
    pub(crate) fn rows(&mut self, schema: &Schema, changes: bool, batch: &Batch, out: &mut Vec<u8>) -> Result<()> {
        let open = self.open.as_mut().ok_or_else(|| Error::bug("rows came outside a result"))?;
        match open {
            Open::Bytes(writer) => writer.write(batch, out)?,
            Open::Table(table) => out.extend(table.rows(&cells(schema, changes, batch)).bytes()),
            Open::Vertical(vertical) => out.extend(vertical.rows(&cells(schema, changes, batch)).bytes()),
            Open::Markdown => out.extend(markdown::rows(&cells(schema, changes, batch)).bytes()),
        }
        Ok(())
    }

    /// Appends the end of the result.
    ///
    /// # Errors
    /// Those of the form.
    pub(crate) fn end(&mut self, out: &mut Vec<u8>) -> Result<()> {
        match self.open.take() {
            Some(Open::Bytes(mut writer)) => writer.finish(out)?,
            Some(Open::Table(mut table)) => out.extend(table.end().bytes()),
            Some(Open::Vertical(vertical)) => out.extend(vertical.end().bytes()),
            Some(Open::Markdown) | None => {}
        }
        Ok(())
    }

    /// Appends the end of a result that an error has ended: of rows that there are.
    ///
    /// # Errors
    /// Those of the form.
    pub(crate) fn fail(&mut self, out: &mut Vec<u8>) -> Result<()> {
        let is_empty = match &self.open {
            Some(Open::Table(table)) => table.is_empty(),
            Some(Open::Vertical(vertical)) => vertical.is_empty(),
            Some(Open::Markdown | Open::Bytes(_)) | None => false,
        };
        if is_empty {
            self.open = None;
        }
        self.end(out)
    }

    /// A result that is a text: as it is for people, a row for programs.
    ///
    /// # Errors
    /// Those of the form.
    pub(crate) fn text(&mut self, text: &str, out: &mut Vec<u8>) -> Result<()> {
        if form(self.format).is_some() {
            return self.columns(&[("result", vec![text])], out);
        }
        match self.format {
            Format::Markdown => out.extend(format!("```\n{}\n```\n", text.trim_end()).bytes()),
            _ => out.extend(text.bytes()),
        }
        Ok(())
    }

    /// Settings: as SET would make them for people, rows for programs.
    ///
    /// # Errors
    /// Those of the form.
    pub(crate) fn settings(&mut self, list: &[(String, String)], out: &mut Vec<u8>) -> Result<()> {
        if form(self.format).is_some() || self.format == Format::Markdown {
            let column = |of: fn(&(String, String)) -> &str| list.iter().map(of).collect();
            return self.columns(&[("key", column(|(k, _)| k)), ("value", column(|(_, v)| v))], out);
        }
        out.extend(list.iter().flat_map(|(k, v)| format!("'{k}' = '{v}'\n").into_bytes()));
        Ok(())
    }

    fn columns(&mut self, columns: &[(&str, Vec<&str>)], out: &mut Vec<u8>) -> Result<()> {
        let (schema, batch) = texts(columns)?;
        self.begin(&schema, false, true, out)?;
        self.rows(&schema, false, &batch, out)?;
        self.end(out)
    }
}

/// The forms for programs.
fn form(format: Format) -> Option<ResultForm> {
    match format {
        Format::Table | Format::Vertical | Format::Markdown => None,
        Format::Json => Some(ResultForm::Json),
        Format::Jsonl => Some(ResultForm::JsonLines),
        Format::Csv => Some(ResultForm::Csv),
        Format::Tsv => Some(ResultForm::Tsv),
        Format::Arrow => Some(ResultForm::Arrow),
        Format::Parquet => Some(ResultForm::Parquet),
        Format::Changelog => Some(ResultForm::Changelog),
    }
}

/// Whether a form is no text: nothing for a terminal.
pub(crate) fn is_binary(format: Format) -> bool {
    matches!(format, Format::Arrow | Format::Parquet)
}

/// A cell for people; `None` is NULL.
type Cell = Option<String>;

fn cells(schema: &Schema, changes: bool, batch: &Batch) -> Vec<Vec<Cell>> {
    let row = |row: usize| {
        let value = |(i, f): (usize, &Field)| {
            let column = batch.column(i);
            (!is_null(column, row, f)).then(|| text_value(column, row, f))
        };
        let kind = changes.then(|| Some(batch.kind(row).short().to_string()));
        kind.into_iter().chain(schema.fields.iter().enumerate().map(value)).collect()
    };
    (0..batch.num_rows()).map(row).collect()
}

/// NULL as people see it: no text is shown so.
fn null(color: bool) -> String {
    paint(color, Paint::Dim, "<NULL>")
}

/// Control characters would act on the terminal: the pictures that Unicode has of them are shown instead, `␊` for a new line.
pub(crate) fn clean(text: &str) -> String {
    let picture = |c: char| match u32::from(c) {
        n @ 0..0x20 => char::from_u32(0x2400 + n),
        0x7f => Some('\u{2421}'),
        _ => None,
    };
    let shown = |c: char| if c.is_control() { picture(c).unwrap_or('\u{fffd}') } else { c };
    text.chars().map(shown).collect()
}

/// Writes to standard output, so that who reads it has it.
///
/// # Errors
/// `ReaderLeft` if nobody reads it any more.
pub(crate) fn print(bytes: &[u8]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(bytes).and_then(|()| out.flush());
    written.map_err(|e| match e.kind() {
        std::io::ErrorKind::BrokenPipe => Error::reader_left().source(e),
        _ => Error::config("standard output cannot be written").source(e),
    })
}
