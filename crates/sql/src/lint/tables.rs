//! Lints of declarations.

use crate::diagnostic::{Diagnostic, Severity};
use crate::parse::{ColumnDefKind, CreateTable, TableOption};
use millstream_dataflow::option::{holds_secret, parse_duration};
use millstream_dataflow::{Span, SqlType};
use sqlparser::ast::{BinaryOperator, Expr};

/// Connectors whose records others write, each with a time of its own making.
const FROM_OUTSIDE: [&str; 2] = ["kafka", "http"];

/// The lints of a table that is declared without errors.
pub(crate) fn table(create: &CreateTable) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    findings.extend(create.options.iter().filter_map(open_secret));
    findings.extend(create.partition_keys.iter().filter_map(|(name, span)| many_partitions(create, name, *span)));
    findings.extend(no_idle_timeout(create));
    findings.extend(no_allowance(create));
    findings.extend(ahead(create));
    findings.extend(may_be_null(create));
    findings.extend(no_skew_limit(create));
    findings.extend(unprotected(create));
    findings
}

fn option<'a>(create: &'a CreateTable, key: &str) -> Option<&'a TableOption> {
    create.options.iter().find(|o| o.key == key)
}

/// A password in the file.
fn open_secret(option: &TableOption) -> Option<Diagnostic> {
    // An empty value is none.
    (holds_secret(&option.key, &option.value) && option.variables.is_none() && !option.value.is_empty()).then(|| {
        let message = format!("the value of '{}' is a secret, and stands in the file", option.key);
        Diagnostic::new(Severity::Warning, "W0501", option.span, message).help(format!(
            "write a variable, '{}' = '${{SECRET}}', and give it a value with -D SECRET=…",
            option.key
        ))
    })
}

/// Directories by a column with a value of its own in almost every row.
fn many_partitions(create: &CreateTable, name: &str, span: Span) -> Option<Diagnostic> {
    let column = create.columns.iter().find(|c| c.name == name)?;
    let ColumnDefKind::Physical(ty) = &column.kind else { return None };
    let has_many_values = matches!(
        ty.ty,
        SqlType::Timestamp(_) | SqlType::TimestampLtz(_) | SqlType::Time(_) | SqlType::Float | SqlType::Double
    );
    has_many_values.then(|| {
        let message = format!(
            "rows are partitioned by \"{name}\", which is {}: every value gets a directory of its own",
            ty.ty
        );
        Diagnostic::new(Severity::Warning, "W0502", span, message).help("partition by a coarser column, such as DATE_FORMAT(ts, 'yyyy-MM-dd') AS day")
    })
}

/// A partition without records that holds back all windows for ever.
fn no_idle_timeout(create: &CreateTable) -> Option<Diagnostic> {
    create.watermark.as_ref()?;
    let timeout = option(create, "scan.watermark.idle-timeout")?;
    parse_duration(&timeout.value).filter(|d| d.is_zero())?;
    let message = "partitions of this table are never idle: one without records holds back all windows";
    let finding = Diagnostic::new(Severity::Warning, "W0402", timeout.span, message);
    Some(finding.help("leave the option out (30 s), or set it to what a partition may be quiet for"))
}

/// The same, for all tables.
pub(crate) fn never_idle(key: &str, value: &str, span: Span) -> Option<Diagnostic> {
    parse_duration(value).filter(|d| key == "table.exec.source.idle-timeout" && d.is_zero())?;
    let message = "partitions are never idle: one without records holds back all windows";
    let finding = Diagnostic::new(Severity::Warning, "W0402", span, message);
    Some(finding.help("leave it out (30 s), or set it to what a partition may be quiet for"))
}

/// What is for a listener with encryption or passwords, while the plain one is spoken to.
fn unprotected(create: &CreateTable) -> Option<Diagnostic> {
    let of_others = |o: &&TableOption| ["properties.sasl.", "properties.ssl."].iter().any(|p| o.key.starts_with(p));
    let given = create.options.iter().find(of_others)?;
    if option(create, "properties.security.protocol").is_some() {
        return None;
    }
    let message = format!("'{}' has no effect without 'properties.security.protocol'", given.key);
    let finding = Diagnostic::new(Severity::Warning, "W0505", given.span, message);
    Some(finding.help("add it: 'SASL_SSL', 'SASL_PLAINTEXT' or 'SSL', as the broker's listener is; it is PLAINTEXT unless it is set"))
}

/// An event time that is computed from what may be none.
fn may_be_null(create: &CreateTable) -> Option<Diagnostic> {
    let watermark = create.watermark.as_ref()?;
    let column = create.columns.iter().find(|c| c.name == watermark.column)?;
    let ColumnDefKind::Computed(expr) = &column.kind else { return None };
    let is_guarded = create.options.iter().any(|o| o.key == "on-error");
    let text = expr.to_string().to_uppercase();
    let made = ["TO_TIMESTAMP(", "TRY_CAST("]
        .iter()
        .find(|f| text.contains(*f) && !text.contains("COALESCE(") && !is_guarded)?;
    let message = format!(
        "\"{}\" is NULL where {}…) makes no time of its text: such a record stops the job",
        column.name, made
    );
    let finding = Diagnostic::new(Severity::Advice, "W0405", column.span, message);
    Some(finding.help("say what becomes of it: 'on-error' = 'skip', 'route' or 'fail'"))
}

/// A watermark that leaves no time for rows out of order.
fn no_allowance(create: &CreateTable) -> Option<Diagnostic> {
    let watermark = create.watermark.as_ref()?;
    let Expr::Identifier(column) = &watermark.expr else { return None };
    if column.value != watermark.column {
        return None;
    }
    let message = format!(
        "the watermark is \"{}\" itself: a row that comes after a later one can be too late",
        column.value
    );
    let finding = Diagnostic::new(Severity::Advice, "W0401", watermark.column_span, message);
    Some(finding.help(format!("allow for some disorder: WATERMARK FOR {0} AS {0} - INTERVAL '5' SECOND", column.value)))
}

/// A watermark that is past every row it comes with.
fn ahead(create: &CreateTable) -> Option<Diagnostic> {
    let watermark = create.watermark.as_ref()?;
    let Expr::BinaryOp { left, op, right } = &watermark.expr else { return None };
    let is_column = matches!(left.as_ref(), Expr::Identifier(column) if column.value == watermark.column);
    if !is_column || *op != BinaryOperator::Plus || !matches!(right.as_ref(), Expr::Interval(_)) {
        return None;
    }
    let column = &watermark.column;
    let message = format!("the watermark is ahead of \"{column}\": rows in order are late, too");
    let finding = Diagnostic::new(Severity::Warning, "W0406", watermark.column_span, message);
    Some(finding.help(format!("subtract how far rows are out of order: WATERMARK FOR {column} AS {column} - …")))
}

/// One producer with a wrong clock that makes everybody else's rows late.
fn no_skew_limit(create: &CreateTable) -> Option<Diagnostic> {
    let watermark = create.watermark.as_ref()?;
    let connector = option(create, "connector")?;
    let is_limited = option(create, "scan.watermark.max-future-skew").is_some();
    (FROM_OUTSIDE.contains(&connector.value.as_str()) && !is_limited).then(|| {
        let message = "one record with a time far in the future would make all others late";
        Diagnostic::new(Severity::Advice, "W0403", watermark.column_span, message)
            .help("set 'scan.watermark.max-future-skew' = '1 h': such a record is a bad record then, and 'on-error' says what becomes of it")
    })
}
