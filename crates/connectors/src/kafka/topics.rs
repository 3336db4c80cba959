//! Which topics a table reads: those listed, or those whose names match.

use super::client::{Client, TableConsumer};
use super::{TOPIC, TOPIC_PATTERN};
use crate::pattern::whole;
use millstream_dataflow::option::Options;
use millstream_dataflow::{ColumnKind, Error, Result, TableSpec};
use regex::Regex;

#[derive(Debug, Clone)]
pub(super) enum Topics {
    Listed(Vec<String>),
    Matching(Regex),
}

/// That it is known of each row which topic it goes to.
///
/// # Errors
/// `Config` for a pattern, and for several topics of which no column says which.
pub fn check_sink(table: &TableSpec) -> Result<()> {
    let Topics::Listed(topics) = Topics::new(&Options::new(&table.options))? else {
        return Err(Error::config("option 'topic-pattern' is for reading")
            .code("E0502")
            .hint("name the topics to write to: 'topic' = 'a;b', and each row's in the metadata column 'topic'"));
    };
    let says_where = table.columns.iter().any(|c| c.kind == ColumnKind::Metadata("topic".to_string()));
    if topics.len() > 1 && !says_where {
        return Err(Error::config("option 'topic' names several topics, and no row says which")
            .code("E0503")
            .hint("name one, or add the column topic STRING METADATA"));
    }
    Ok(())
}

impl Topics {
    /// # Errors
    /// `Config` unless exactly one of the two options says something that can be understood.
    pub(super) fn new(o: &Options<'_>) -> Result<Topics> {
        match (o.text(&TOPIC), o.text(&TOPIC_PATTERN)) {
            (Some(list), None) => {
                let topics: Vec<String> = list.split(';').map(str::trim).filter(|t| !t.is_empty()).map(str::to_string).collect();
                if topics.is_empty() {
                    return Err(Error::config("option 'topic' names no topic").code("E0502"));
                }
                Ok(Topics::Listed(topics))
            }
            (None, Some(pattern)) => whole(TOPIC_PATTERN.name, pattern).map(Topics::Matching),
            (Some(_), Some(_)) => Err(Error::config("of the options 'topic' and 'topic-pattern' there can be one").code("E0502")),
            (None, None) => Err(Error::config("the option 'topic' is missing, or 'topic-pattern'")
                .code("E0503")
                .hint("add 'topic' = 'clicks'")),
        }
    }
    /// The topics listed; none where they are matched.
    pub(super) fn listed(&self) -> &[String] {
        match self {
            Topics::Listed(topics) => topics,
            Topics::Matching(_) => &[],
        }
    }
    /// The topics that there are now, sorted where they are matched. Blocks.
    pub(super) fn names(&self, client: &Client, consumer: &TableConsumer) -> Result<Vec<String>> {
        match self {
            Topics::Listed(topics) => Ok(topics.clone()),
            Topics::Matching(pattern) => {
                let metadata = client.metadata(consumer, None)?;
                // A broker's own topics are nobody's data.
                let names = metadata
                    .topics()
                    .iter()
                    .map(|t| t.name())
                    .filter(|n| !n.starts_with("__") && pattern.is_match(n));
                let mut names: Vec<String> = names.map(str::to_string).collect();
                names.sort();
                Ok(names)
            }
        }
    }
    /// As the user wrote it.
    pub(super) fn text(&self) -> String {
        match self {
            Topics::Listed(topics) => topics.join("; "),
            Topics::Matching(pattern) => {
                let text = pattern.as_str();
                text.strip_prefix("^(?:").and_then(|t| t.strip_suffix(")$")).unwrap_or(text).to_string()
            }
        }
    }
}
