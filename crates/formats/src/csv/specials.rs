//! Where the characters with a meaning stand in a line.

/// Bytes looked at together.
const BLOCK: usize = 64;

/// The characters that end a run of plain text, besides line ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Specials {
    pub(super) delimiter: u8,
    /// The delimiter again where nothing quotes.
    pub(super) quote: u8,
}

impl Specials {
    /// Calls for each place of a delimiter, quote, line feed or carriage return, in order, until one is refused; whether none was.
    #[inline(always)]
    pub(super) fn each(self, line: &[u8], mut take: impl FnMut(usize) -> bool) -> bool {
        let (mut rest, mut from) = (line, 0);
        while let Some((block, after)) = rest.split_first_chunk::<BLOCK>() {
            if !each_bit(self.look_at(block), from, &mut take) {
                return false;
            }
            (rest, from) = (after, from + BLOCK);
        }
        let bits = match line.last_chunk::<BLOCK>() {
            _ if rest.is_empty() => 0,
            // What was looked at before falls out.
            Some(block) => self.look_at(block) >> (BLOCK - rest.len()),
            None => {
                let mut block = [0; BLOCK];
                block[..rest.len()].copy_from_slice(rest);
                // The zeros behind the line may be delimiters.
                self.look_at(&block) & ((1 << rest.len()) - 1)
            }
        };
        each_bit(bits, from, &mut take)
    }

    /// A bit for each of the bytes that is one of them.
    #[cfg(target_arch = "x86_64")]
    #[inline]
    #[allow(unsafe_code, reason = "four compares for 16 bytes; benches/formats.rs shows the gain")]
    fn look_at(self, block: &[u8; BLOCK]) -> u64 {
        use std::arch::x86_64::{_mm_cmpeq_epi8, _mm_movemask_epi8, _mm_or_si128, _mm_set_epi64x, _mm_set1_epi8};
        let (parts, _) = block.as_chunks::<16>();
        parts.iter().enumerate().fold(0, |bits, (i, part)| {
            let all = u128::from_le_bytes(*part);
            // SAFETY: every x86-64 has SSE2.
            let found = unsafe {
                let part = _mm_set_epi64x((all >> 64) as i64, all as i64);
                let is = |byte: u8| _mm_cmpeq_epi8(part, _mm_set1_epi8(byte as i8));
                let fields = _mm_or_si128(is(self.delimiter), is(self.quote));
                _mm_movemask_epi8(_mm_or_si128(fields, _mm_or_si128(is(b'\n'), is(b'\r')))) as u32
            };
            bits | u64::from(found) << (16 * i)
        })
    }
    #[cfg(not(target_arch = "x86_64"))]
    #[inline]
    fn look_at(self, block: &[u8; BLOCK]) -> u64 {
        let is = |byte: u8| byte == self.delimiter || byte == self.quote || matches!(byte, b'\n' | b'\r');
        block.iter().enumerate().fold(0, |bits, (i, byte)| bits | u64::from(is(*byte)) << i)
    }
}

#[inline(always)]
fn each_bit(mut bits: u64, from: usize, take: &mut impl FnMut(usize) -> bool) -> bool {
    while bits != 0 {
        if !take(from + bits.trailing_zeros() as usize) {
            return false;
        }
        bits &= bits - 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specials_are_found_at_every_place_of_every_length() {
        let specials = Specials { delimiter: 0, quote: b'"' };
        for length in 0..200 {
            for (at, special) in (0..length).flat_map(|at| [0, b'"', b'\n', b'\r'].map(|special| (at, special))) {
                let mut line = vec![b'x'; length];
                line[at] = special;
                line[length - 1] = b'"';
                let mut found = Vec::new();
                assert!(specials.each(&line, |at| {
                    found.push(at);
                    true
                }));
                let expected: Vec<usize> = (0..length).filter(|i| line[*i] != b'x').collect();
                assert_eq!(found, expected);
                assert!(!specials.each(&line, |_| false));
            }
        }
    }
}
