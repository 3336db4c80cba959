//! Random numbers for generators.

/// SplitMix64 (Steele et al., OOPSLA 2014): cheap enough to be started anew for each row.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Random(seed)
    }
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    /// In `0..n`.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(n)) >> 64) as u64
    }
    /// In `0..=1`.
    pub(crate) fn unit(&mut self) -> f64 {
        self.next() as f64 / u64::MAX as f64
    }
    /// Lower-case letters.
    pub(crate) fn letters(&mut self, count: usize, out: &mut String) {
        let mut left = count;
        while left > 0 {
            let mut word = self.next();
            for _ in 0..left.min(12) {
                out.push((b'a' + (word % 26) as u8) as char);
                word /= 26;
            }
            left -= left.min(12);
        }
    }
}
