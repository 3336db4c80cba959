//! Where rows came from.

/// Where the rows of a decoded chunk stand in their split, for messages about single rows. Rows of consecutive numbers take no space.
#[derive(Debug, Default)]
pub struct Places {
    /// What comes before the number: `topic t, partition 3, offset`.
    prefix: String,
    /// Topic and partition, if the split is one of Kafka's.
    partition: Option<(String, i32)>,
    /// The part of the split that numbers begin anew in.
    part: Option<String>,
    runs: Vec<Run>,
    rows: usize,
}

#[derive(Debug)]
struct Run {
    first_row: usize,
    number: u64,
    /// How far a row's number is from that of the row before: 0 for rows of one record, else 1.
    step: u64,
}

impl Places {
    /// - `prefix`: stands before each number, as in `file a.json, byte`
    pub fn new(prefix: impl Into<String>) -> Self {
        Places {
            prefix: prefix.into(),
            ..Places::default()
        }
    }
    /// Rows of a partition of a topic, whose numbers are offsets.
    pub fn of_partition(topic: &str, partition: i32) -> Self {
        Places {
            prefix: format!("topic {topic}, partition {partition}, offset"),
            partition: Some((topic.to_string(), partition)),
            ..Places::default()
        }
    }
    /// The same in a part of the split, in which numbers begin anew: `row group 3`.
    pub fn within(mut self, part: impl Into<String>) -> Self {
        self.part = Some(part.into());
        self
    }
    /// The part of the split, if there are any.
    pub fn part(&self) -> Option<&str> {
        self.part.as_deref()
    }
    /// Topic and partition, if the split is one of Kafka's.
    pub fn partition(&self) -> Option<(&str, i32)> {
        self.partition.as_ref().map(|(topic, partition)| (topic.as_str(), *partition))
    }
    /// Rows with the numbers `first..first + rows`.
    pub fn consecutive(prefix: impl Into<String>, first: u64, rows: usize) -> Self {
        let mut places = Places::new(prefix);
        places.runs.push(Run {
            first_row: 0,
            number: first,
            step: 1,
        });
        places.rows = rows;
        places
    }
    /// The next record is at `number` and gave so many rows.
    #[inline]
    pub fn push(&mut self, number: u64, rows: usize) {
        let goes_on = |r: &Run| r.step == 1 && r.number + (self.rows - r.first_row) as u64 == number;
        if rows != 1 || !self.runs.last().is_some_and(goes_on) {
            self.runs.push(Run {
                first_row: self.rows,
                number,
                step: u64::from(rows == 1),
            });
        }
        self.rows += rows;
    }
    /// The number of a row's record.
    pub fn number(&self, row: usize) -> u64 {
        let run = self.runs.partition_point(|r| r.first_row <= row).checked_sub(1).map(|i| &self.runs[i]);
        run.map_or(0, |r| r.number + (row - r.first_row) as u64 * r.step)
    }
    /// The place of a record, for people.
    pub fn of(&self, number: u64) -> String {
        format!("{} {number}", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_find_their_record() {
        let mut places = Places::new("offset");
        for (number, rows) in [(7, 1), (8, 1), (10, 1), (11, 3), (12, 0), (13, 1), (14, 1)] {
            places.push(number, rows);
        }
        let of: Vec<String> = (0..8).map(|row| places.of(places.number(row))).collect();
        assert_eq!(
            of.join(", "),
            "offset 7, offset 8, offset 10, offset 11, offset 11, offset 11, offset 13, offset 14"
        );
        assert_eq!(places.runs.len(), 5);
        assert_eq!(Places::consecutive("row", 5, 3).number(2), 7);
        assert_eq!(Places::of_partition("t", 1).of(3), "topic t, partition 1, offset 3");
    }
}
