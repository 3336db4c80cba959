//! A test file's text to its tests: the same tokens as in job files, with statements of their own.

use super::script::{Cursor, STATEMENTS, TEXT_BYTES_MAX, no_statement, whole};
use super::statement::{ObjectPath, TableOption};
use super::test_statement::*;
use super::token::{cut, is_word, span_of, tokenize_partly};
use super::{ddl, depth, unicode};
use crate::catalogue::entries;
use millstream_dataflow::option::nearest;
use millstream_dataflow::{Error, Result, Span};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, TokenWithSpan};
use std::collections::BTreeSet;

/// Partitions of one table.
const PARTITIONS_MAX: u32 = 1_000;

/// What begins a test, and its steps.
pub(crate) const STEPS: [&str; 9] = ["TEST", "GIVEN", "ADVANCE", "IDLE", "CHECKPOINT", "RESTART", "CRASH", "FINISH", "EXPECT"];

/// The tests of a text, or all its errors: one per broken statement. Ordinary statements are only told apart.
pub fn parse_tests(text: &str) -> Result<TestFile, Vec<Error>> {
    let (file, errors) = parse_each_test(text);
    if errors.is_empty() { Ok(file) } else { Err(errors) }
}

/// The tests of a text that nothing is wrong with as far as can be told without their job, and what is wrong with the others.
pub fn parse_each_test(text: &str) -> (TestFile, Vec<Error>) {
    let mut file = TestFile::default();
    if text.len() > TEXT_BYTES_MAX {
        let e = Error::sql(format!("the text has {} bytes, at most {TEXT_BYTES_MAX} are taken", text.len()));
        return (file, vec![e.code("E0103")]);
    }
    let mut errors = Vec::new();
    let (tokens, unended) = tokenize_partly(text);
    let (mut all, last, _) = cut(tokens);
    all.retain(|tokens| !tokens.is_empty());
    // Tests of which more than some steps is not known, by their number.
    let mut unknown = BTreeSet::new();
    // What is cut off is known as a test's head at most.
    let mut head_is_cut = None;
    match unended {
        None if last.is_empty() => {}
        None => all.push(last),
        Some(e) => {
            errors.push(e);
            head_is_cut = is_word(last.first(), "TEST").then(|| whole(&last));
        }
    }
    for tokens in all {
        let span = whole(&tokens);
        let is = |words: &[&str]| words.iter().any(|w| is_word(tokens.first(), w));
        let (begins, declares) = (is(&["TEST"]), !is(&STEPS));
        let before = file.tests.len();
        if let Err(e) = depth::check(&tokens).and_then(|()| statement(&mut file, unicode::read(tokens)?, span)) {
            if begins && file.tests.len() == before {
                // Steps behind it are not those of the test before.
                file.tests.push(Test::nameless(span));
                unknown.insert(before + 1);
            } else if declares && e.code != Some("E0102") {
                unknown.insert(before);
            }
            errors.push(e);
        }
    }
    if let Some(span) = head_is_cut {
        file.tests.push(Test::nameless(span));
        unknown.insert(file.tests.len());
    }
    for test in &file.tests {
        errors.extend(order(test));
    }
    for (number, test) in file.tests.iter().enumerate() {
        let same = |other: &&Test| other.name == test.name && !unknown.contains(&(number + 1));
        let first = file.tests[..number].iter().find(same);
        errors.extend(first.map(|first| {
            let e = Error::sql(format!("there are two tests '{}'", test.name)).code("E0801").span(test.span);
            e.hint("call them differently").label(first.span, "the first")
        }));
    }
    errors.sort_by_key(|e| e.span.map(|s| s.start));
    // What stands before all tests is part of each.
    let starts: Vec<_> = file.tests.iter().map(|test| test.span.start).collect();
    let test_of = |e: &Error| e.span.map_or(0, |span| starts.partition_point(|start| *start <= span.start));
    let broken: BTreeSet<usize> = errors.iter().map(test_of).collect();
    if broken.contains(&0) {
        file.tests.clear();
    }
    for (test, number) in std::mem::take(&mut file.tests).into_iter().zip(1..) {
        match (broken.contains(&number), unknown.contains(&number)) {
            (false, _) => file.tests.push(test),
            (true, false) => file.half.push(test),
            (true, true) => {}
        }
    }
    (file, errors)
}

/// What comes where it has no meaning.
fn order(test: &Test) -> Vec<Error> {
    let mut errors = Vec::new();
    let finish = test
        .steps
        .iter()
        .position(|s| matches!(s.kind, TestStepKind::Finish))
        .unwrap_or(test.steps.len());
    for step in test.steps.iter().skip(finish + 1) {
        use TestStepKind as K;
        if matches!(
            step.kind,
            K::Given(_) | K::AdvanceWatermark { .. } | K::AdvanceTimeBy(_) | K::AdvanceTimeTo(_) | K::Idle { .. } | K::Checkpoint | K::Finish
        ) {
            errors.push(Error::sql("nothing comes in after FINISH").code("E0801").span(step.span));
        }
    }
    if let (Some((_, job)), Some(own)) = (&test.job, test.statements.first()) {
        let e = Error::sql("a test FOR a job file declares nothing of its own").code("E0801").span(*own);
        errors.push(e.hint(format!("leave out FOR in line {}, or put the statement into the job file", job.start.line)));
    }
    errors
}

fn statement(file: &mut TestFile, tokens: Vec<TokenWithSpan>, span: Span) -> Result<()> {
    let first = tokens.first();
    let is = |word: &str| is_word(first, word);
    if is("TEST") {
        let mut c = Cursor::new(tokens, span);
        let test = head(&mut c)?;
        file.tests.push(test);
        // The first step may follow without a semicolon.
        return if c.parser_at() == Token::EOF { Ok(()) } else { step(file, &mut c, span) };
    }
    let is_now = is("SET") && is_word(tokens.get(1), "now");
    if STEPS.iter().any(|w| is(w)) || is_now {
        return step(file, &mut Cursor::new(tokens, span), span);
    }
    if let Some(Token::Word(word)) = first.map(|t| &t.token) {
        let word = word.value.to_uppercase();
        // A word for a statement that is not supported yet is told by whoever compiles it.
        let is_step = !file.tests.last().is_none_or(|test| test.steps.is_empty());
        if !STATEMENTS.contains(&word.as_str()) && (is_step || nearest(&word, STEPS).is_some()) {
            return Err(no_statement(
                &format!("\"{word}\""),
                &word,
                STEPS.iter().chain(STATEMENTS.iter().filter(|_| !is_step)).copied(),
                first.map_or(span, |t| span_of(t.span)),
            ));
        }
    }
    let Some(test) = file.tests.last_mut() else {
        file.shared.push(span);
        return Ok(());
    };
    let before_steps = |what: &str, instead: &str| match test.steps.first() {
        None => Ok(()),
        Some(step) => {
            let e = Error::sql(format!("{what} stands before the steps of a test")).code("E0801").span(span);
            Err(e.hint(format!("the first step is in line {}{instead}", step.span.start.line)))
        }
    };
    if !is("SET") || tokens.len() == 1 {
        let (what, instead) = match (is("INSERT"), is("SELECT")) {
            (true, _) => ("an INSERT of the job", "; GIVEN brings rows into a table"),
            (_, true) => ("a query", "; EXPECT looks at the rows of a table"),
            _ => ("a statement that declares something", ""),
        };
        before_steps(what, instead)?;
        test.statements.push(span);
        return Ok(());
    }
    before_steps("SET", "")?;
    let mut c = Cursor::new(tokens, span);
    c.need_words(&["SET"])?;
    let key_span = c.here();
    let key = c.text("a quoted key, as in SET 'parallelism.default' = '2', or now")?;
    c.need(Token::Eq)?;
    let value_span = c.here();
    let value = c.text("a quoted value")?;
    c.done()?;
    test.settings.push(TableOption {
        key,
        value,
        span,
        key_span,
        value_span,
        variables: None,
    });
    Ok(())
}

/// `TEST 'name' [FOR 'job.sql'] [WITH (…)]`
fn head(c: &mut Cursor) -> Result<Test> {
    let start = c.here();
    c.need_words(&["TEST"])?;
    let name = c.text("the test's name in quotes")?;
    let mut span = Span {
        start: start.start,
        end: c.last().end,
    };
    let mut job = None;
    if c.words(&["FOR"]) {
        let at = c.here();
        job = Some((c.text("the path of a job file in quotes")?, at));
        span.end = at.end;
    }
    let variables = if c.words(&["WITH"]) { ddl::options(c)? } else { Vec::new() };
    if let Some(e) = c.slips.pop() {
        return Err(e);
    }
    Ok(Test {
        name,
        job,
        variables,
        ..Test::nameless(span)
    })
}

/// A test's head, step or SET.
pub(crate) struct ShownStep {
    /// As it is shown for debugging.
    pub(crate) text: String,
    /// Where names stand in it beside those of expressions.
    pub(crate) names: Vec<Span>,
    /// A statement of its own.
    pub(crate) statement: Option<Span>,
}

/// None if it is not right.
pub(crate) fn shown_step(tokens: Vec<TokenWithSpan>, span: Span) -> Option<ShownStep> {
    let mut c = Cursor::new(unicode::read(tokens).ok()?, span);
    let (mut text, mut statement) = (String::new(), None);
    if c.at_word("TEST") {
        head(&mut c).ok()?;
    }
    if c.words(&["SET"]) {
        let now = c.here();
        if c.words(&["now"]) {
            c.names.push(now);
        }
        c.need(Token::Eq).ok()?;
        text = format!("{:?}", cell(&mut c).ok()?.expr);
    } else if c.parser_at() != Token::EOF {
        let kind = step_kind(&mut c).ok()?;
        if let TestStepKind::ExpectError(expect) = &kind {
            statement = Some(expect.statement);
        }
        text = format!("{kind:?}");
    }
    c.done().ok()?;
    Some(ShownStep {
        text,
        names: c.names,
        statement,
    })
}

fn step(file: &mut TestFile, c: &mut Cursor, statement: Span) -> Result<()> {
    let start = c.here().start;
    let span = Span { start, end: statement.end };
    let Some(test) = file.tests.last_mut() else {
        let e = Error::sql("a step stands in a test").code("E0801").span(span);
        return Err(e.hint("begin with TEST 'what it shows' FOR 'job.sql';"));
    };
    if c.words(&["SET"]) {
        c.words(&["now"]);
        c.need(Token::Eq)?;
        test.now = Some(cell(c)?);
        if !test.steps.is_empty() {
            let e = Error::sql("SET now stands before the steps of a test").code("E0801").span(span);
            return Err(e.hint("ADVANCE PROCESSING TIME moves the clock later"));
        }
        return c.done();
    }
    let kind = step_kind(c)?;
    c.done()?;
    test.steps.push(TestStep { span, kind });
    Ok(())
}

fn step_kind(c: &mut Cursor) -> Result<TestStepKind> {
    if c.words(&["GIVEN"]) {
        return given(c).map(TestStepKind::Given);
    }
    if c.words(&["ADVANCE", "WATERMARK"]) {
        let table = c.path("a table name")?;
        let partition = partition(c)?;
        c.need_words(&["TO"])?;
        return Ok(TestStepKind::AdvanceWatermark {
            table,
            partition,
            to: cell(c)?,
        });
    }
    if c.words(&["ADVANCE", "PROCESSING", "TIME"]) {
        if c.words(&["BY"]) {
            return cell(c).map(TestStepKind::AdvanceTimeBy);
        }
        if c.words(&["TO"]) {
            return cell(c).map(TestStepKind::AdvanceTimeTo);
        }
        return Err(c.expected("BY INTERVAL '5' SECOND, or TO '2026-01-01 00:00:00'"));
    }
    if c.words(&["ADVANCE"]) {
        let e = c.expected("WATERMARK or PROCESSING TIME");
        return Err(if c.at_word("TIME") {
            e.meant("PROCESSING TIME", "PROCESSING TIME")
        } else {
            e
        });
    }
    if c.words(&["IDLE"]) {
        let table = if c.at_word("PARTITION") {
            None
        } else {
            Some(c.path("a table name or PARTITION")?)
        };
        let partition = partition(c)?.ok_or_else(|| c.expected("PARTITION and its number"))?;
        return Ok(TestStepKind::Idle { table, partition });
    }
    if c.words(&["CHECKPOINT"]) {
        return Ok(TestStepKind::Checkpoint);
    }
    if c.words(&["RESTART"]) {
        return c.need_words(&["FROM", "CHECKPOINT"]).map(|()| TestStepKind::Restart);
    }
    if c.words(&["CRASH"]) {
        return Ok(TestStepKind::Crash);
    }
    if c.words(&["FINISH"]) {
        return Ok(TestStepKind::Finish);
    }
    if c.words(&["EXPECT"]) {
        return expect(c);
    }
    Err(c.expected("a step: GIVEN, ADVANCE, IDLE, CHECKPOINT, RESTART FROM CHECKPOINT, CRASH, FINISH or EXPECT"))
}

fn given(c: &mut Cursor) -> Result<Given> {
    let changes = keyword(c, "CHANGES");
    let table = c.path("a table name")?;
    let partition = partition(c)?.unwrap_or(0);
    let columns = columns(c)?;
    let rows = if c.words(&["VALUES"]) {
        GivenRows::Values(rows(c)?)
    } else if c.at_word("FROM") || c.at_word("RAW") {
        if changes {
            return Err(c.expected("VALUES"));
        }
        if let Some((_, span)) = columns.first() {
            let e = Error::sql("a list of columns goes with VALUES only").code("E0801").span(*span);
            return Err(e.hint("records have the columns that the table's format tells"));
        }
        if c.words(&["FROM"]) {
            let span = c.here();
            GivenRows::File(c.text("the path of a file in quotes")?, span)
        } else {
            c.words(&["RAW"]);
            let mut records = Vec::new();
            loop {
                let span = c.here();
                records.push((c.text("a record in quotes")?, span));
                if !c.symbol(Token::Comma) {
                    break GivenRows::Raw(records);
                }
            }
        }
    } else {
        return Err(c.expected("VALUES, FROM or RAW"));
    };
    Ok(Given {
        table,
        partition,
        changes,
        columns,
        rows,
    })
}

fn expect(c: &mut Cursor) -> Result<TestStepKind> {
    if c.words(&["NO", "MORE", "ROWS"]) {
        if c.parser_at() == Token::EOF {
            return Ok(TestStepKind::ExpectNoMore(None));
        }
        c.need_words(&["IN"])?;
        return c.path("a table name").map(|table| TestStepKind::ExpectNoMore(Some(table)));
    }
    if c.at_word("NO") && c.nth_word(1, "ROWS") && !matches!(c.nth_token(2), Token::Number(..)) {
        c.words(&["NO"]);
        return Err(c.expected("MORE ROWS").meant("NO MORE ROWS", "MORE ROWS"));
    }
    if c.at_word("STATE") && matches!(c.nth_token(1), Token::LtEq | Token::Lt | Token::Eq | Token::Gt | Token::GtEq) {
        c.words(&["STATE"]);
        c.need(Token::LtEq)?;
        let bytes = c.sql(Parser::parse_literal_uint)?;
        return c.need_words(&["BYTES"]).map(|()| TestStepKind::ExpectState(bytes));
    }
    if c.at_word("FAILURE") && (c.nth_token(1) == Token::EOF || takes_code(c)) {
        c.words(&["FAILURE"]);
        let code = (c.parser_at() != Token::EOF).then(|| code(c, 'E')).transpose()?;
        return Ok(TestStepKind::ExpectFailure(code));
    }
    for (word, letter) in [("ERROR", 'E'), ("WARNING", 'W')] {
        if c.at_word(word) && takes_code(c) {
            c.words(&[word]);
            return expect_error(c, letter).map(TestStepKind::ExpectError);
        }
    }
    let named = [
        ("CHANGES", Looked::Changes),
        ("TABLE", Looked::Table),
        ("LATE", Looked::Late),
        ("REJECTED", Looked::Rejected),
    ];
    let looked = named.into_iter().find(|(word, _)| keyword(c, word)).map_or(Looked::Rows, |(_, looked)| looked);
    let table = c.path("a table name")?;
    let columns = columns(c)?;
    let span = c.here();
    let rows = if c.words(&["VALUES"]) {
        ExpectRows::Values(rows(c)?)
    } else if c.words(&["ROWS"]) {
        let count = c.sql(Parser::parse_literal_uint)?;
        let end = c.last().end;
        if c.at_word("ORDERED") || c.at_word("TOLERANCE") || c.at_word("WITHIN") {
            let e = Error::sql("a number of rows says nothing of their order and values").code("E0801");
            return Err(e.span(c.here()).hint("write VALUES, or leave this out"));
        }
        ExpectRows::Count(count, Span { start: span.start, end })
    } else {
        return Err(c.expected("VALUES, or ROWS and their number"));
    };
    let (mut ordered, mut tolerance) = (false, None);
    loop {
        let at = c.here();
        if c.words(&["ORDERED"]) {
            ordered = true;
            continue;
        }
        if tolerance.is_some() && (c.at_word("TOLERANCE") || c.at_word("WITHIN")) {
            let e = Error::sql("there are two tolerances").code("E0801").span(at);
            return Err(e.hint("leave one of them"));
        }
        if c.words(&["TOLERANCE"]) {
            tolerance = Some(Tolerance::Absolute(number(c)?));
        } else if c.words(&["WITHIN"]) {
            tolerance = Some(Tolerance::Percent(number(c)?));
            c.need_words(&["PERCENT"])?;
        } else {
            break;
        }
    }
    Ok(TestStepKind::Expect(Expect {
        looked,
        table,
        columns,
        rows,
        ordered,
        tolerance,
    }))
}

fn expect_error(c: &mut Cursor, letter: char) -> Result<ExpectError> {
    let code = code(c, letter)?;
    let mut at = None;
    if c.words(&["AT"]) {
        let line = c.sql(Parser::parse_literal_uint)?;
        c.need(Token::Colon)?;
        at = Some((line, c.sql(Parser::parse_literal_uint)?));
    }
    c.need_words(&["IN"])?;
    c.need(Token::LParen)?;
    let start = c.here().start;
    let (mut open, mut end) = (1, start);
    while open > 0 {
        let here = c.here();
        match c.parser_at() {
            Token::LParen => open += 1,
            Token::RParen => open -= 1,
            Token::EOF => return Err(c.expected("\")\"")),
            _ => {}
        }
        if open > 0 {
            end = here.end;
        }
        c.parser.next_token();
    }
    Ok(ExpectError {
        code,
        at,
        statement: Span { start, end },
    })
}

/// Whether the word at hand is no table: what follows is a code, or something in the place of one.
fn takes_code(c: &Cursor) -> bool {
    match c.nth_token(1) {
        Token::SingleQuotedString(_) | Token::DoubleQuotedString(_) => true,
        Token::Word(w) => !["VALUES", "ROWS"].iter().any(|word| w.value.eq_ignore_ascii_case(word)),
        _ => false,
    }
}

/// The code of an error or a warning, as it is told.
///
/// - `letter`: what it begins with
fn code(c: &mut Cursor, letter: char) -> Result<String> {
    let at = c.here();
    let code = c.text("a code in quotes")?;
    let known = || entries().iter().map(|e| e.code).filter(|known| known.starts_with(letter));
    let is = |known: &&str| known.eq_ignore_ascii_case(&code);
    if let Some(known) = known().find(is) {
        return Ok(known.to_string());
    }
    let what = if letter == 'W' { "warning" } else { "error" };
    let e = Error::sql(format!("there is no {what} code '{code}'")).code("E0801").span(at);
    if let Some(other) = entries().iter().map(|e| e.code).find(is) {
        let expects = if letter == 'W' { "error: EXPECT ERROR" } else { "warning: EXPECT WARNING" };
        return Err(e.hint(format!("{other} is the code of {} {expects} takes it", if letter == 'W' { "an" } else { "a" })));
    }
    Err(match nearest(&code, known()) {
        Some(near) => e.meant(format!("'{near}'"), format!("'{near}'")),
        None => e.hint("docs/errors.md lists them"),
    })
}

/// Takes a word that says what is meant, unless it is the table's name.
fn keyword(c: &mut Cursor, word: &str) -> bool {
    let names_table = match c.nth_token(1) {
        Token::Word(w) => w.quote_style.is_some() || !["VALUES", "ROWS", "FROM", "RAW", "PARTITION"].contains(&w.value.to_uppercase().as_str()),
        _ => false,
    };
    names_table && c.words(&[word])
}

fn partition(c: &mut Cursor) -> Result<Option<u32>> {
    if !c.words(&["PARTITION"]) {
        return Ok(None);
    }
    let span = c.here();
    if !matches!(c.parser_at(), Token::Number(..)) {
        return Err(c.expected("the number of a partition"));
    }
    let number = c.sql(Parser::parse_literal_uint)?;
    match u32::try_from(number) {
        Ok(number) if number < PARTITIONS_MAX => Ok(Some(number)),
        _ => Err(Error::sql(format!("partitions are numbered from 0 to {}", PARTITIONS_MAX - 1))
            .code("E0801")
            .span(span)),
    }
}

fn columns(c: &mut Cursor) -> Result<Vec<(String, Span)>> {
    let mut columns: Vec<(String, Span)> = Vec::new();
    if !c.symbol(Token::LParen) {
        return Ok(columns);
    }
    loop {
        if matches!(c.parser_at(), Token::Number(..) | Token::SingleQuotedString(_)) {
            return Err(c.expected("a column name").hint("VALUES stands before rows"));
        }
        let (name, span) = c.name("a column name")?;
        if columns.iter().any(|(n, _)| *n == name) {
            return Err(Error::sql(format!("column \"{name}\" is listed twice")).code("E0209").span(span));
        }
        columns.push((name, span));
        if !c.symbol(Token::Comma) {
            break;
        }
    }
    c.need(Token::RParen).map(|()| columns)
}

fn rows(c: &mut Cursor) -> Result<CellRows> {
    let start = c.here().start;
    let mut rows = Vec::new();
    loop {
        c.need(Token::LParen)?;
        let mut row = vec![cell(c)?];
        while c.symbol(Token::Comma) {
            row.push(cell(c)?);
        }
        c.need(Token::RParen)?;
        rows.push(row);
        let end = c.last().end;
        if !c.symbol(Token::Comma) {
            return Ok(CellRows {
                rows,
                span: Span { start, end },
            });
        }
    }
}

fn cell(c: &mut Cursor) -> Result<Cell> {
    let start = c.here().start;
    let expr = c.sql(Parser::parse_expr)?;
    Ok(Cell {
        expr,
        span: Span { start, end: c.last().end },
    })
}

fn number(c: &mut Cursor) -> Result<f64> {
    let (span, token) = (c.here(), c.parser_at());
    let Token::Number(text, _) = &token else { return Err(c.expected("a number")) };
    c.parser.next_token();
    let wrong = || Error::sql(format!("the number {text} is out of range")).code("E0301").span(span);
    text.parse().ok().filter(|n: &f64| n.is_finite()).ok_or_else(wrong)
}

impl Test {
    /// One whose head is none.
    fn nameless(span: Span) -> Test {
        Test {
            name: String::new(),
            span,
            job: None,
            variables: Vec::new(),
            statements: Vec::new(),
            settings: Vec::new(),
            now: None,
            steps: Vec::new(),
        }
    }
    /// How many partitions a table has in the test: those that are mentioned, from 0.
    pub fn partitions(&self, of: impl Fn(&ObjectPath) -> bool) -> u32 {
        let mentioned = self.steps.iter().filter_map(|step| match &step.kind {
            TestStepKind::Given(given) if of(&given.table) => Some(given.partition),
            TestStepKind::AdvanceWatermark { table, partition, .. } if of(table) => *partition,
            TestStepKind::Idle { table: Some(table), partition } if of(table) => Some(*partition),
            TestStepKind::Idle { table: None, partition } => Some(*partition),
            _ => None,
        });
        mentioned.max().unwrap_or(0) + 1
    }
}

#[cfg(test)]
mod tests;
