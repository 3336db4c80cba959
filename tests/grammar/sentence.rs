//! Sentences of a grammar.

use super::LEAVES;
use super::ebnf::{Part, Rule};
use anyhow::{Context, Result};
use std::collections::BTreeMap;

/// Rules within rules up to which parts that may be left out are taken.
const DEPTH: usize = 12;
/// Rules within rules at most.
const DEPTH_MAX: usize = 200;

/// A sentence that is always the same for a seed.
pub(super) fn generate(part: &Part, rules: &BTreeMap<&str, &Rule>, seed: u64) -> Result<String> {
    let mut writer = Writer {
        rules,
        state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d,
        out: String::new(),
        texts: 0,
    };
    writer.write(part, 0)?;
    Ok(writer.out)
}

struct Writer<'a> {
    rules: &'a BTreeMap<&'a str, &'a Rule>,
    state: u64,
    out: String,
    texts: usize,
}

impl Writer<'_> {
    /// splitmix64
    fn below(&mut self, n: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }
    fn word(&mut self, word: &str) {
        self.out.push(' ');
        self.out.push_str(word);
    }
    fn write(&mut self, part: &Part, depth: usize) -> Result<()> {
        match part {
            Part::Word(word) => self.word(word),
            Part::Name(name) => match self.rules.get(name.as_str()) {
                Some(rule) => {
                    anyhow::ensure!(depth < DEPTH_MAX, "{name} does not end");
                    self.write(&rule.body, depth + 1)?;
                }
                None => self.leaf(name)?,
            },
            Part::All(parts) => parts.iter().try_for_each(|p| self.write(p, depth))?,
            Part::One(parts) => {
                // The first choice is the one that ends soonest.
                let n = if depth >= DEPTH { 0 } else { self.below(parts.len()) };
                self.write(&parts[n], depth)?;
            }
            Part::Maybe(part) => {
                if depth < DEPTH && self.below(2) == 0 {
                    self.write(part, depth)?;
                }
            }
            Part::Many(part) => {
                while depth < DEPTH && self.below(3) == 0 {
                    self.write(part, depth)?;
                }
            }
        }
        Ok(())
    }
    fn leaf(&mut self, name: &str) -> Result<()> {
        let (_, texts) = LEAVES.iter().find(|(leaf, _)| *leaf == name).with_context(|| format!("{name} is no rule"))?;
        let text = texts[self.below(texts.len())];
        // Keys of options differ.
        self.texts += 1;
        match name {
            "text" => self.word(&format!("{}{}'", &text[..text.len() - 1], self.texts)),
            _ => self.word(text),
        }
        Ok(())
    }
}
