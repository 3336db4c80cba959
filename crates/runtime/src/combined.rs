//! Event time where several inputs meet.

/// What a consumer of several inputs may rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Combined {
    /// No row before it comes any more, epoch ms.
    pub(crate) watermark: i64,
    /// No input delivers at the moment.
    pub(crate) idle: bool,
}

impl Combined {
    /// From the inputs' watermarks and whether they are idle: the minimum over the active ones. Once none is active, none of them holds
    /// another back, so what was held back is given: the maximum over all (as Flink's `StatusWatermarkValve` does).
    pub(crate) fn of(inputs: impl Iterator<Item = (i64, bool)> + Clone) -> Option<Combined> {
        let active = inputs.clone().filter(|(_, idle)| !idle).map(|(time, _)| time).min();
        match active {
            Some(watermark) => Some(Combined { watermark, idle: false }),
            None => inputs.map(|(time, _)| time).max().map(|watermark| Combined { watermark, idle: true }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_active_input_counts_and_all_once_none_is_active() {
        let of = |inputs: &[(i64, bool)]| Combined::of(inputs.iter().copied()).map(|c| (c.watermark, c.idle));
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[(5, false), (3, false)]), Some((3, false)));
        assert_eq!(of(&[(5, false), (3, true)]), Some((5, false)));
        assert_eq!(of(&[(5, true), (3, true)]), Some((5, true)));
    }
}
