//! A page of Markdown as its blocks of code and the lines between them.

use anyhow::{Result, ensure};

/// A block between fences.
pub(crate) struct Block {
    /// What stands behind the opening fence.
    pub(crate) label: String,
    /// The number of its fence's line.
    pub(crate) line: usize,
    /// Whether only blank lines are between it and the block before.
    pub(crate) follows: bool,
    pub(crate) lines: Vec<String>,
    /// The lines before it, with its fence.
    before: Vec<String>,
}

impl Block {
    /// Puts what is shown now in its place. How long something took may differ.
    pub(crate) fn show(&mut self, shown: String) {
        let shown: Vec<String> = shown.lines().map(str::to_string).collect();
        let same = |lines: &[String]| lines.iter().map(|l| without_times(l)).collect::<Vec<_>>();
        if same(&shown) != same(&self.lines) {
            self.lines = shown;
        }
    }
}

/// A line without the seconds behind an opening bracket: `ok a.test.sql: a row (0.3 s, 16 ways)`.
fn without_times(line: &str) -> String {
    let mut pieces = line.split('(');
    let mut kept = pieces.next().unwrap_or_default().to_string();
    for piece in pieces {
        kept.push('(');
        let number = piece.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(piece.len());
        kept += match number > 0 && piece[number..].starts_with(" s") {
            true => &piece[number..],
            false => piece,
        };
    }
    kept
}

pub(crate) struct Page {
    pub(crate) blocks: Vec<Block>,
    behind: Vec<String>,
}

impl Page {
    pub(crate) fn read(text: &str) -> Result<Page> {
        let mut page = Page {
            blocks: Vec::new(),
            behind: Vec::new(),
        };
        let mut open: Option<Block> = None;
        for (i, line) in text.lines().enumerate() {
            match open.take() {
                Some(block) if line == "```" => {
                    page.blocks.push(block);
                    page.behind.push(line.to_string());
                }
                Some(mut block) => {
                    block.lines.push(line.to_string());
                    open = Some(block);
                }
                None => {
                    page.behind.push(line.to_string());
                    if let Some(label) = line.strip_prefix("```") {
                        let before = std::mem::take(&mut page.behind);
                        open = Some(Block {
                            label: label.to_string(),
                            line: i + 1,
                            // The closing fence of the one before is the first of these lines, its own the last.
                            follows: !page.blocks.is_empty() && before[1..before.len() - 1].iter().all(|l| l.trim().is_empty()),
                            lines: Vec::new(),
                            before,
                        });
                    }
                }
            }
        }
        ensure!(open.is_none(), "a block has no end");
        Ok(page)
    }

    pub(crate) fn text(&self) -> String {
        let lines = self.blocks.iter().flat_map(|b| b.before.iter().chain(&b.lines)).chain(&self.behind);
        lines.map(|l| format!("{l}\n")).collect()
    }

    /// The lines outside of blocks.
    pub(crate) fn prose(&self) -> impl Iterator<Item = &str> {
        self.blocks.iter().flat_map(|b| &b.before).chain(&self.behind).map(String::as_str)
    }
}
