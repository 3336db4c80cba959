//! What functions there are, for whoever looks one up.

use millstream_functions::scalar::GROUPS;

/// A function: what it takes and gives, and what that does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FunctionText {
    /// Upper case, as it is called.
    pub name: &'static str,
    /// A heading: `Character strings`.
    pub group: &'static str,
    pub usage: &'static str,
    pub doc: &'static str,
    /// A call, and what it gives.
    pub example: Option<(&'static str, &'static str)>,
}

const fn text(name: &'static str, group: &'static str, usage: &'static str, doc: &'static str) -> FunctionText {
    FunctionText {
        name,
        group,
        usage,
        doc,
        example: None,
    }
}

const AGGREGATE: &str = "Aggregates";
const AGGREGATES: &[FunctionText] = &[
    text(
        "AVG",
        AGGREGATE,
        "AVG([DISTINCT] number) [FILTER (WHERE condition)]",
        "The mean; of whole numbers a whole number, cut off. NULLs do not count.",
    ),
    text("COUNT", AGGREGATE, "COUNT(*) [FILTER (WHERE condition)]", "All rows."),
    text(
        "COUNT",
        AGGREGATE,
        "COUNT([DISTINCT] value) [FILTER (WHERE condition)]",
        "Rows whose value is not NULL.",
    ),
    text(
        "MAX",
        AGGREGATE,
        "MAX(value) [FILTER (WHERE condition)]",
        "The greatest value; NULLs do not count, NULL if there is nothing else.",
    ),
    text(
        "MIN",
        AGGREGATE,
        "MIN(value) [FILTER (WHERE condition)]",
        "The least value; NULLs do not count, NULL if there is nothing else.",
    ),
    text(
        "SUM",
        AGGREGATE,
        "SUM([DISTINCT] number) [FILTER (WHERE condition)]",
        "The sum. NULLs do not count; NULL if there is nothing else.",
    ),
];
const WINDOW: &str = "Windows";
const WINDOWS: &[FunctionText] = &[
    text(
        "TUMBLE",
        WINDOW,
        "TABLE(TUMBLE(TABLE t, DESCRIPTOR(time), size [, offset]))",
        "Windows of one size, one after the other. Adds window_start, window_end and window_time.",
    ),
    text(
        "HOP",
        WINDOW,
        "TABLE(HOP(TABLE t, DESCRIPTOR(time), slide, size [, offset]))",
        "Windows of one size, one beginning each slide. Adds window_start, window_end and window_time.",
    ),
];
const CAST: &str = "Casts";
const CASTS: &[FunctionText] = &[
    text(
        "CASE",
        "Conditions",
        "CASE WHEN condition THEN value … [ELSE value] END",
        "The value of the first condition that is TRUE; without one that of ELSE, or NULL. Also `CASE a WHEN b THEN value … END`.",
    ),
    text("CAST", CAST, "CAST(value AS type)", "An error where the value has no such form."),
    text("TRY_CAST", CAST, "TRY_CAST(value AS type)", "NULL where the value has no such form."),
];

/// All functions, group by group.
pub fn functions() -> Vec<FunctionText> {
    let mut all: Vec<FunctionText> = [WINDOWS, AGGREGATES, CASTS].concat();
    for group in GROUPS {
        for function in group.functions.iter().copied().flatten() {
            all.push(FunctionText {
                name: called(function.usage),
                group: group.name,
                usage: function.usage,
                doc: function.doc,
                example: Some(function.example),
            });
        }
    }
    all
}

/// The name in a usage: its first word in capitals, `LIKE` in `text [NOT] LIKE pattern`; or the operator between the operands.
fn called(usage: &'static str) -> &'static str {
    let words = || usage.split(|c: char| !c.is_alphanumeric() && c != '_');
    let capitals =
        |w: &&str| !w.is_empty() && w.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_') && w.starts_with(char::is_alphabetic);
    let name = words().filter(capitals).find(|w| *w != "NOT").or_else(|| words().find(capitals));
    name.or_else(|| usage.split(' ').find(|w| !w.chars().any(char::is_alphanumeric)))
        .unwrap_or(usage)
}

#[cfg(test)]
mod tests {
    use super::functions;
    use millstream_functions::aggregate::NAMES;

    #[test]
    fn every_function_has_a_name() {
        let all = functions();
        let named = |name: &str| all.iter().filter(|f| f.name == name).map(|f| f.usage).collect::<Vec<_>>();
        assert_eq!(named("LOWER"), ["LOWER(text)"]);
        assert_eq!(named("COUNT").len(), 2);
        assert_eq!(named("="), ["a = b"]);
        assert_eq!(named("AND"), ["a AND b"]);
        assert!(named("LIKE").contains(&"text LIKE pattern"));
        // Every aggregate there is has its text.
        for name in NAMES {
            assert!(!named(&name.to_uppercase()).is_empty(), "{name}");
        }
        for f in &all {
            assert!(!f.name.is_empty() && (f.name == f.usage || !f.name.contains(' ')), "{}: {}", f.usage, f.name);
        }
    }
}
