//! The commands there are: names, what they take, what they do.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    Describe,
    Tables,
    Views,
    Functions,
    Catalogs,
    Databases,
    ShowCreate,
    Expanded,
    Timing,
    Include,
    Output,
    Edit,
    Watch,
    Copy,
    Quit,
    Help,
    Mode,
    Set,
    Jobs,
    Job,
    Stop,
    Lag,
    Watermarks,
    Checkpoints,
    Tap,
    Explain,
    Manual,
    Last,
}

pub(crate) struct Spec {
    pub(crate) command: Command,
    /// Behind `\`.
    pub(crate) names: &'static [&'static str],
    /// Behind `.`.
    pub(crate) dots: &'static [&'static str],
    pub(crate) usage: &'static str,
    pub(crate) doc: &'static str,
    /// Words it takes: at least, at most.
    pub(crate) words: (usize, usize),
}

impl Spec {
    /// Its first name.
    pub(crate) fn shown(&self) -> String {
        match (self.names.first(), self.dots.first()) {
            (Some(name), _) => format!("\\{name}"),
            (None, dot) => format!(".{}", dot.unwrap_or(&"")),
        }
    }
    /// All its names.
    pub(crate) fn all(&self) -> Vec<String> {
        let names = self.names.iter().map(|n| format!("\\{n}"));
        names.chain(self.dots.iter().map(|n| format!(".{n}"))).collect()
    }
}

const ANY: usize = usize::MAX;

const fn spec(
    command: Command,
    names: &'static [&'static str],
    dots: &'static [&'static str],
    usage: &'static str,
    words: (usize, usize),
    doc: &'static str,
) -> Spec {
    Spec {
        command,
        names,
        dots,
        usage,
        doc,
        words,
    }
}

/// In the order of the help.
pub(crate) const COMMANDS: &[Spec] = &[
    spec(
        Command::Describe,
        &["d"],
        &["describe"],
        "[NAME]",
        (0, 1),
        "the columns of a table or view; without a name all tables and views",
    ),
    spec(
        Command::Tables,
        &["dt"],
        &["tables"],
        "[PATTERN]",
        (0, 1),
        "tables; * and ? stand for any text and any character",
    ),
    spec(Command::Views, &["dv"], &["views"], "[PATTERN]", (0, 1), "views"),
    spec(
        Command::Functions,
        &["df"],
        &["functions"],
        "[PATTERN]",
        (0, 1),
        "functions with what they take",
    ),
    spec(Command::Databases, &["l"], &["databases"], "", (0, 0), "databases of the current catalog"),
    spec(Command::Catalogs, &["dc"], &["catalogs"], "", (0, 0), "catalogs"),
    spec(
        Command::ShowCreate,
        &["sc"],
        &["schema"],
        "NAME",
        (1, 1),
        "the statement that makes a table or view",
    ),
    spec(
        Command::Manual,
        &["manual"],
        &["manual"],
        "FUNCTION",
        (1, ANY),
        "what a function takes, gives and does",
    ),
    spec(
        Command::Explain,
        &["explain"],
        &["explain"],
        "[QUERY]",
        (0, ANY),
        "the plan of a query; without one of the last",
    ),
    spec(Command::Jobs, &["jobs"], &["jobs"], "", (0, 0), "the jobs of this session"),
    spec(Command::Job, &["job"], &["job"], "NAME", (1, 1), "a job, operator by operator"),
    spec(Command::Stop, &["stop"], &["stop"], "NAME", (1, 1), "stop a job after a final checkpoint"),
    spec(
        Command::Lag,
        &["lag"],
        &["lag"],
        "",
        (0, 0),
        "how many records each split of the running jobs is behind",
    ),
    spec(
        Command::Watermarks,
        &["watermarks"],
        &["watermarks"],
        "",
        (0, 0),
        "the watermark of each operator of the running jobs",
    ),
    spec(
        Command::Checkpoints,
        &["checkpoints"],
        &["checkpoints"],
        "",
        (0, 0),
        "the checkpoints of the running jobs",
    ),
    spec(
        Command::Tap,
        &["tap"],
        &["tap"],
        "[[JOB] OPERATOR]",
        (0, ANY),
        "the rows that leave an operator of a running job, as they come; without words the operators",
    ),
    spec(Command::Last, &["last"], &["last"], "", (0, 0), "show the last result again, as a table"),
    spec(
        Command::Watch,
        &["watch"],
        &["watch"],
        "[SECONDS]",
        (0, 1),
        "run the last query again and again, every 2 seconds; Ctrl-C ends it",
    ),
    spec(
        Command::Expanded,
        &["x"],
        &["expanded"],
        "[on|off]",
        (0, 1),
        "rows as records: a line for each column",
    ),
    spec(
        Command::Mode,
        &[],
        &["mode"],
        "[table|vertical|json|jsonl|csv|tsv|markdown|changelog]",
        (0, 1),
        "how results are written",
    ),
    spec(Command::Timing, &["timing"], &["timer"], "[on|off]", (0, 1), "tell how long each text took"),
    spec(
        Command::Set,
        &["set"],
        &["set"],
        "[live table|changelog|append] [pager on|off] [history all|session]",
        (0, 2),
        "how results are shown, and what Up and Ctrl-R go through; without words how it is now",
    ),
    spec(
        Command::Output,
        &["o"],
        &["output"],
        "[FILE]",
        (0, 1),
        "write results to a file; without one to the terminal again",
    ),
    spec(
        Command::Copy,
        &["copy"],
        &["copy"],
        "(QUERY) TO FILE",
        (2, ANY),
        "write a result to a file, as .csv, .tsv, .json, .jsonl, .md, .arrow or .parquet",
    ),
    spec(Command::Include, &["i", "include"], &["read"], "FILE", (1, 1), "run the statements of a file"),
    spec(
        Command::Edit,
        &["e", "edit"],
        &["edit"],
        "[FILE]",
        (0, 1),
        "write in $EDITOR: a file, or what was run last",
    ),
    spec(Command::Help, &["?", "h", "help"], &["help"], "", (0, ANY), "this list"),
    spec(Command::Quit, &["q", "quit"], &["quit", "exit"], "", (0, 0), "leave"),
];
