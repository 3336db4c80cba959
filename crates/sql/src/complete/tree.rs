//! The pieces of a statement as a tree of brackets, with the cursor in it.

use crate::edit::{Kind, Piece};

#[derive(Debug)]
pub(super) enum Node<'a> {
    Leaf(Piece<'a>),
    /// What stands between `(` and `)` or `[` and `]`; the end may be missing.
    Group(Vec<Node<'a>>),
    Cursor,
}

/// Words that end an open bracket in front of them: `COUNT(| FROM t`.
const ENDS: [&str; 8] = ["FROM", "WHERE", "GROUP", "HAVING", "LIMIT", "UNION", "EXCEPT", "INTERSECT"];
/// Functions that take such words between their brackets.
const TAKES: [&str; 6] = ["EXTRACT", "TRIM", "SUBSTRING", "OVERLAY", "FILTER", "WITH"];

/// The tree of significant pieces; the cursor stands before the `cursor`th.
pub(super) fn tree<'a>(pieces: &[Piece<'a>], cursor: usize) -> Vec<Node<'a>> {
    let mut reader = Reader { pieces, cursor, next: 0 };
    let mut nodes = Vec::new();
    // Brackets that close nothing are left out.
    loop {
        nodes.extend(reader.nodes(None, 0));
        if reader.next >= pieces.len() {
            return nodes;
        }
        reader.next += 1;
    }
}

/// Brackets within brackets that are looked into.
const DEPTH_MAX: usize = 200;

struct Reader<'a, 'p> {
    pieces: &'p [Piece<'a>],
    cursor: usize,
    next: usize,
}

impl<'a> Reader<'a, '_> {
    /// The nodes up to a closing bracket, which is not taken.
    ///
    /// - `opener`: the word before the opening one
    fn nodes(&mut self, opener: Option<Piece<'a>>, depth: usize) -> Vec<Node<'a>> {
        let mut nodes: Vec<Node<'a>> = Vec::new();
        let mut holds_cursor = false;
        loop {
            if self.next == self.cursor {
                nodes.push(Node::Cursor);
                self.cursor = usize::MAX;
                holds_cursor = true;
            }
            let Some(piece) = self.pieces.get(self.next).copied() else { return nodes };
            if piece.is(")") || piece.is("]") {
                return nodes;
            }
            let query = matches!(nodes.iter().find_map(leaf), Some(first) if begins_query(&first));
            let takes = opener.is_some_and(|o| TAKES.iter().any(|w| o.is(w)));
            if depth > 0 && holds_cursor && !query && !takes && ENDS.iter().any(|w| piece.is(w)) {
                return nodes;
            }
            self.next += 1;
            if (piece.is("(") || piece.is("[")) && depth < DEPTH_MAX {
                let opener = nodes.last().and_then(leaf);
                let inside = self.nodes(opener, depth + 1);
                holds_cursor |= inside.iter().any(has_cursor);
                nodes.push(Node::Group(inside));
                if self.pieces.get(self.next).is_some_and(|p| p.is(")") || p.is("]")) {
                    self.next += 1;
                }
            } else {
                nodes.push(Node::Leaf(piece));
            }
        }
    }
}

pub(super) fn leaf<'a>(node: &Node<'a>) -> Option<Piece<'a>> {
    match node {
        Node::Leaf(piece) => Some(*piece),
        Node::Group(_) | Node::Cursor => None,
    }
}

/// Whether a node is this word or sign.
pub(super) fn is(node: Option<&Node<'_>>, word: &str) -> bool {
    matches!(node, Some(Node::Leaf(piece)) if piece.is(word))
}

pub(super) fn has_cursor(node: &Node<'_>) -> bool {
    match node {
        Node::Leaf(_) => false,
        Node::Group(inside) => inside.iter().any(has_cursor),
        Node::Cursor => true,
    }
}

fn begins_query(piece: &Piece<'_>) -> bool {
    ["SELECT", "WITH", "VALUES"].iter().any(|w| piece.is(w))
}

/// Whether nodes are those of a query.
pub(super) fn is_query(nodes: &[Node<'_>]) -> bool {
    match nodes.iter().find(|n| !matches!(n, Node::Cursor)) {
        Some(Node::Leaf(piece)) => begins_query(piece),
        Some(Node::Group(inside)) => is_query(inside),
        _ => false,
    }
}

/// The name at a place, of a word or in quotes.
pub(super) fn name(node: Option<&Node<'_>>) -> Option<String> {
    match node {
        Some(Node::Leaf(piece)) if matches!(piece.kind, Kind::Word | Kind::Quoted) => piece.name(),
        _ => None,
    }
}

/// Whether the nodes end in these words.
pub(super) fn ends_in(nodes: &[Node<'_>], words: &[&str]) -> bool {
    nodes.len() >= words.len() && nodes[nodes.len() - words.len()..].iter().zip(words).all(|(n, w)| is(Some(n), w))
}

/// Whether the nodes begin with these words.
pub(super) fn begins_with(nodes: &[Node<'_>], words: &[&str]) -> bool {
    nodes.len() >= words.len() && nodes.iter().zip(words).all(|(n, w)| is(Some(n), w))
}

/// `a.b.c` at the start of nodes, and how many nodes it takes.
pub(super) fn path(nodes: &[Node<'_>]) -> (Vec<String>, usize) {
    let mut parts = Vec::new();
    let mut taken = 0;
    while let Some(part) = name(nodes.get(taken)) {
        parts.push(part);
        taken += 1;
        if !is(nodes.get(taken), ".") || name(nodes.get(taken + 1)).is_none() {
            break;
        }
        taken += 1;
    }
    (parts, taken)
}

/// `a.b.` at the end of nodes: the parts of a name that is being written, without the last one; and where it begins.
pub(super) fn qualifier(nodes: &[Node<'_>]) -> (Vec<String>, usize) {
    let mut parts = Vec::new();
    let mut start = nodes.len();
    while start >= 2 && is(nodes.get(start - 1), ".") {
        let Some(part) = name(nodes.get(start - 2)) else { break };
        parts.insert(0, part);
        start -= 2;
    }
    (parts, start)
}
