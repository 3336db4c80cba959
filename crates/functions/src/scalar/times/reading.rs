//! Texts as wall times for those who are no function: directories of partitions.

use super::parse::{parse, plain_timestamp};
use super::pattern::{Dialect, Item, Pattern};
use crate::scalar::rows::refused;
use millstream_dataflow::Result;

/// How texts say a wall time.
#[derive(Debug, Clone)]
pub struct TimePattern(Option<Pattern>);

impl TimePattern {
    /// - `pattern`: as in `java.time.format.DateTimeFormatter`; without one it is `yyyy-M-d[ H:m:s[.fraction]]`
    ///
    /// # Errors
    /// `Data` for a pattern that is none, or has no year.
    pub fn new(pattern: Option<&str>) -> Result<Self> {
        let Some(text) = pattern else { return Ok(TimePattern(None)) };
        let pattern = Pattern::new(text, Dialect::Time)?;
        if !pattern.items.iter().any(|i| matches!(i, Item::Field('y' | 'u', _))) {
            return Err(refused(format!("the pattern '{text}' has no year")));
        }
        Ok(TimePattern(Some(pattern)))
    }
    /// The time that a text says, epoch ms as if it was UTC.
    pub fn read(&self, text: &str) -> Option<i64> {
        let (days, nanos) = match &self.0 {
            None => plain_timestamp(text),
            Some(pattern) => parse(text, pattern),
        }?;
        days.checked_mul(super::DAY_MS)?.checked_add(nanos / 1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_by_the_pattern_and_only_as_a_whole() {
        let read = |pattern: Option<&str>, text: &str| TimePattern::new(pattern).unwrap().read(text);
        let (day, hour) = (86_400_000, 3_600_000);
        assert_eq!(read(None, "1970-1-2"), Some(day));
        assert_eq!(read(None, "1970-01-02 3:00:00"), Some(day + 3 * hour));
        assert_eq!(read(None, "1970-01-02 03"), None);
        assert_eq!(read(Some("yyyyMMdd"), "19700102"), Some(day));
        assert_eq!(read(Some("yyyyMMdd HH"), "19700102 03"), Some(day + 3 * hour));
        assert_eq!(read(Some("yyyyMMdd"), "19700102 03"), None);
        assert!(TimePattern::new(Some("MM-dd")).is_err() && TimePattern::new(Some("yyyy-b")).is_err());
    }
}
