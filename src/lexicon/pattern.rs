//! The pattern language: what a researcher writes in a rule or a list.
//!
//! Comes in: the text of a pattern. Goes out: a [`Node`], or the first mistake with its place in the pattern.
//! Never happens here: a look at lists or codes (names are resolved in [`super::compile`]).
//!
//! ```text
//! pattern  := both ('|' both)*                      one of these
//! both     := near ('&&' near)*                     both in the segment
//! near     := direct ('&'[n] direct)*               both in the sentence, any order, within n words
//! direct   := sequence ['>' sequence ['>' sequence]] actor > act > target
//! sequence := item (['..'[n]] item)*                adjacent, or at most n (4) words between
//! item     := atom ['-(' alternatives ')']          but not where it is part of one of these
//! atom     := '(' alternatives ')' | '[' alternatives ']' | '@'name | '#'code | '_' | "'"Exact"'" | /regex/ | word
//! word     := letters with * and ? as wildcards, or with ~ at the end for "any form of"
//! ```

use crate::token::{clitic, fold};
use std::fmt;

/// A pattern as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// One word.
    Term(Term),
    /// Any one token.
    Any,
    /// An entry of a list, or of a party.
    List(String),
    /// A regular expression on the raw text, from token border to token border.
    Regex(String),
    /// Items in order, each with the most words between it and the one before.
    Seq(Vec<(u16, Node)>),
    /// One of these.
    Alt(Vec<Node>),
    /// This or nothing.
    Opt(Box<Node>),
    /// The first, but not as a part of one of the others.
    Except(Box<Node>, Vec<Node>),
    /// All in one sentence, in any order, within so many words; [`u16::MAX`] for the whole sentence.
    Near(Vec<Node>, u16),
    /// All in one segment.
    Both(Vec<Node>),
    /// Who does it, what is done, and to whom.
    Direct(Box<Node>, Box<Node>, Option<Box<Node>>),
    /// Evidence for another code.
    Code(String),
}

/// One word of a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Term {
    /// This word, folded.
    Word(String),
    /// A folded word with `*` and `?`.
    Glob(String),
    /// Any form with the stem of this folded word.
    Stem(String),
    /// Exactly these letters.
    Exact(String),
    /// Digits or a number word.
    Number,
}

/// As it would be written; what is read from it is the same pattern.
///
/// ```
/// # use precode::lexicon::pattern::parse;
/// let node = parse("@district>train~ > (us|the  school)")?;
/// assert_eq!(node.to_string(), "@district > train~ > (us | the school)");
/// assert_eq!(parse(&node.to_string())?, node);
/// # Ok::<(), precode::lexicon::pattern::PatternError>(())
/// ```
impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Node::Term(term) => term.fmt(f),
            Node::Any => f.write_str("_"),
            Node::List(name) => write!(f, "@{name}"),
            Node::Regex(regex) => write!(f, "/{regex}/"),
            Node::Code(name) => write!(f, "#{name}"),
            Node::Seq(items) => items.iter().enumerate().try_for_each(|(i, (gap, item))| match (i, gap) {
                (0, _) => grouped(item, 3).fmt(f),
                (_, 0) => write!(f, " {}", grouped(item, 3)),
                (_, &DEFAULT_GAP) => write!(f, " .. {}", grouped(item, 3)),
                (_, gap) => write!(f, " ..{gap} {}", grouped(item, 3)),
            }),
            Node::Alt(nodes) => write!(f, "({})", listed(nodes, " | ", 0)),
            Node::Opt(node) => match node.as_ref() {
                Node::Alt(nodes) => write!(f, "[{}]", listed(nodes, " | ", 0)),
                node => write!(f, "[{node}]"),
            },
            Node::Except(node, others) => write!(f, "{} -({})", grouped(node, 4), listed(others, " | ", 0)),
            Node::Near(nodes, u16::MAX) => f.write_str(&listed(nodes, " & ", 1)),
            Node::Near(nodes, within) => f.write_str(&listed(nodes, &format!(" &{within} "), 1)),
            Node::Both(nodes) => f.write_str(&listed(nodes, " && ", 0)),
            Node::Direct(actor, act, target) => {
                write!(f, "{} > {}", grouped(actor, 2), grouped(act, 2))?;
                target.as_ref().map_or(Ok(()), |target| write!(f, " > {}", grouped(target, 2)))
            }
        }
    }
}

/// How tightly a node binds: `&&` 0, `&` 1, `>` 2, a sequence 3, an exception 4, anything else 5.
fn binding(node: &Node) -> u8 {
    match node {
        Node::Both(_) => 0,
        Node::Near(..) => 1,
        Node::Direct(..) => 2,
        Node::Seq(_) => 3,
        Node::Except(..) => 4,
        _ => 5,
    }
}

/// A node in brackets where it binds no tighter than what is around it.
fn grouped(node: &Node, around: u8) -> String {
    if binding(node) > around { node.to_string() } else { format!("({node})") }
}

fn listed(nodes: &[Node], between: &str, around: u8) -> String {
    let inside = |node: &Node| if around == 0 && between == " | " { node.to_string() } else { grouped(node, around) };
    nodes.iter().map(inside).collect::<Vec<_>>().join(between)
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Term::Word(word) | Term::Glob(word) => f.write_str(word),
            Term::Stem(word) => write!(f, "{word}~"),
            Term::Exact(text) => write!(f, "'{text}'"),
            Term::Number => f.write_str("@number"),
        }
    }
}

impl Node {
    /// The nodes right below this one.
    pub fn parts(&self) -> Vec<&Node> {
        match self {
            Node::Seq(items) => items.iter().map(|(_, item)| item).collect(),
            Node::Alt(nodes) | Node::Near(nodes, _) | Node::Both(nodes) => nodes.iter().collect(),
            Node::Opt(node) => vec![node],
            Node::Except(node, others) => std::iter::once(node.as_ref()).chain(others).collect(),
            Node::Direct(actor, act, target) => {
                [actor.as_ref(), act.as_ref()].into_iter().chain(target.as_deref()).collect()
            }
            Node::Term(_) | Node::Any | Node::List(_) | Node::Regex(_) | Node::Code(_) => Vec::new(),
        }
    }

    /// True when the test holds for this node, or for anything below it.
    pub fn any(&self, test: &dyn Fn(&Node) -> bool) -> bool {
        test(self)
            || match self {
                Node::Seq(items) => items.iter().any(|(_, item)| item.any(test)),
                Node::Alt(nodes) | Node::Near(nodes, _) | Node::Both(nodes) => {
                    nodes.iter().any(|node| node.any(test))
                }
                Node::Term(_) => false,
                _ => self.parts().into_iter().any(|part| part.any(test)),
            }
    }

    /// This node and everything below it.
    pub fn all(&self) -> Vec<&Node> {
        std::iter::once(self).chain(self.parts().into_iter().flat_map(Node::all)).collect()
    }
}

/// A mistake in a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PatternError {
    /// Byte in the pattern.
    pub at: usize,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: &'static str,
}

/// Words between two items when `..` has no number.
pub const DEFAULT_GAP: u16 = 4;

/// Deepest nesting of groups.
const DEEPEST: usize = 20;

/// Reads a pattern.
///
/// # Errors
/// The first mistake, with its byte in the pattern.
pub fn parse(text: &str) -> Result<Node, PatternError> {
    let mut parser = Parser { text, at: 0, depth: 0 };
    let first = parser.both()?;
    let node = parser.more(first, "|", Parser::both, Node::Alt)?;
    match parser.peek() {
        None => Ok(node),
        Some(c) => {
            Err(parser.error(format!("unexpected `{c}`"), "write words, lists and groups, and close every group"))
        }
    }
}

/// True for characters that end a sequence.
fn ends_sequence(c: char) -> bool {
    matches!(c, '&' | '>' | '|' | ')' | ']')
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

type Parsed = Result<Node, PatternError>;

impl<'t> Parser<'t> {
    fn error(&self, message: impl Into<String>, help: &'static str) -> PatternError {
        PatternError { at: self.at, message: message.into(), help }
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    /// The next character that is not white space.
    fn peek(&mut self) -> Option<char> {
        loop {
            let next = match *self.text.as_bytes().get(self.at)? {
                byte if byte.is_ascii() => char::from(byte),
                _ => self.rest().chars().next()?,
            };
            if !next.is_whitespace() {
                return Some(next);
            }
            self.at += next.len_utf8();
        }
    }

    /// Steps over `mark` when it comes next.
    fn eat(&mut self, mark: &str) -> bool {
        self.peek();
        let found = self.text.as_bytes()[self.at..].starts_with(mark.as_bytes());
        self.at += if found { mark.len() } else { 0 };
        found
    }

    fn number(&mut self) -> Option<u16> {
        let digits = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        let number = self.rest()[..digits].parse().ok();
        self.at += if number.is_some() { digits } else { 0 };
        number
    }

    /// The first node, wrapped up with those that follow it after `mark`, if any.
    fn more(
        &mut self,
        first: Node,
        mark: &str,
        next: fn(&mut Self) -> Parsed,
        wrap: fn(Vec<Node>) -> Node,
    ) -> Parsed {
        if !self.eat(mark) {
            return Ok(first);
        }
        let mut nodes = vec![first, next(self)?];
        while self.eat(mark) {
            nodes.push(next(self)?);
        }
        Ok(wrap(nodes))
    }

    fn both(&mut self) -> Parsed {
        let first = self.near()?;
        self.more(first, "&&", Self::near, Node::Both)
    }

    fn near(&mut self) -> Parsed {
        let first = self.direct()?;
        if !self.eat_single_and() {
            return Ok(first);
        }
        let mut nodes = vec![first];
        let mut within = u16::MAX;
        loop {
            within = within.min(self.number().unwrap_or(u16::MAX));
            nodes.push(self.direct()?);
            if !self.eat_single_and() {
                return Ok(Node::Near(nodes, within));
            }
        }
    }

    fn eat_single_and(&mut self) -> bool {
        self.peek() == Some('&') && !self.rest().starts_with("&&") && self.eat("&")
    }

    fn direct(&mut self) -> Parsed {
        let actor = self.sequence()?;
        if !self.eat(">") {
            return Ok(actor);
        }
        let act = self.sequence()?;
        let target = if self.eat(">") { Some(Box::new(self.sequence()?)) } else { None };
        Ok(Node::Direct(Box::new(actor), Box::new(act), target))
    }

    fn sequence(&mut self) -> Parsed {
        let first = self.item()?;
        if self.peek().is_none_or(ends_sequence) && !matches!(first, Node::Seq(_)) {
            return Ok(first);
        }
        let mut items = Vec::new();
        join(&mut items, 0, first);
        loop {
            let gap = if self.eat("..") { Some(self.number().unwrap_or(DEFAULT_GAP)) } else { None };
            match (self.peek(), gap) {
                (Some(c), _) if !ends_sequence(c) => join(&mut items, gap.unwrap_or(0), self.item()?),
                (_, Some(_)) => {
                    return Err(self.error("nothing after `..`", "write what must follow, or take the dots away"));
                }
                _ => break,
            }
        }
        if items.len() == 1 {
            return Ok(items.swap_remove(0).1);
        }
        Ok(Node::Seq(items))
    }

    fn item(&mut self) -> Parsed {
        let node = self.atom()?;
        if !self.eat("-(") {
            return Ok(node);
        }
        Ok(Node::Except(Box::new(node), self.alternatives(')')?))
    }

    fn atom(&mut self) -> Parsed {
        match self.peek() {
            None => Err(self.error("nothing to match", "write a word, a list (@name) or a group")),
            Some('(') => Ok(single_or(self.group(')')?, Node::Alt)),
            Some('[') => Ok(Node::Opt(Box::new(single_or(self.group(']')?, Node::Alt)))),
            Some('@') => {
                let name = self.name()?;
                Ok(if name == "number" { Node::Term(Term::Number) } else { Node::List(name) })
            }
            Some('#') => self.name().map(Node::Code),
            Some('\'') if self.is_quoted_word() => self.quoted('\'').map(|text| Node::Term(Term::Exact(text))),
            Some('/') => self.quoted('/').map(Node::Regex),
            Some(_) => self.word(),
        }
    }

    fn group(&mut self, close: char) -> Result<Vec<Node>, PatternError> {
        self.at += 1;
        self.alternatives(close)
    }

    /// What stands between an opening mark, already read, and `close`.
    fn alternatives(&mut self, close: char) -> Result<Vec<Node>, PatternError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.error("groups are nested more than 20 deep", "use a list (@name) for the inner groups"));
        }
        let mut nodes = vec![self.both()?];
        while self.eat("|") {
            nodes.push(self.both()?);
        }
        self.depth -= 1;
        if self.peek() != Some(close) {
            return Err(self.error(format!("expected `{close}` or `|`"), "close the group"));
        }
        self.at += 1;
        Ok(nodes)
    }

    /// The name after `@` or `#`. In `@list..3` the dots belong to the gap.
    fn name(&mut self) -> Result<String, PatternError> {
        let rest = &self.rest()[1..];
        let end = rest.find(|c: char| !(c.is_alphanumeric() || "_.-".contains(c))).unwrap_or(rest.len());
        let name = rest[..end].split("..").next().unwrap_or_default().trim_end_matches(['.', '-']);
        if name.is_empty() {
            return Err(self.error("a name is missing here", "write @list or #code"));
        }
        self.at += 1 + name.len();
        Ok(name.to_string())
    }

    /// True for `'IT'`; in `'s (theirs | 's own)` the marks are apostrophes.
    fn is_quoted_word(&self) -> bool {
        let rest = &self.rest()[1..];
        rest.find('\'').is_some_and(|end| end > 0 && !rest[..end].contains(char::is_whitespace))
    }

    fn quoted(&mut self, mark: char) -> Result<String, PatternError> {
        let rest = &self.rest()[1..];
        let Some(end) = rest.find(mark) else {
            return Err(self.error(format!("`{mark}` is never closed"), "close it, or take it away"));
        };
        if end == 0 {
            return Err(self.error("nothing between the marks", "write what is to be matched"));
        }
        self.at += end + 2;
        Ok(rest[..end].to_string())
    }

    fn word(&mut self) -> Parsed {
        let rest = self.rest();
        let end = (0..rest.len()).find(|&i| ends_word(rest, i)).unwrap_or(rest.len());
        // In `guinea-(pig)` the hyphen opens an exception.
        let word = if rest[end..].starts_with('(') { rest[..end].trim_end_matches('-') } else { &rest[..end] };
        if word == "_" {
            self.at += 1;
            return Ok(Node::Any);
        }
        let node =
            words(word).ok_or_else(|| self.error("nothing to match", "punctuation is no token: write words"))?;
        self.at += word.len();
        Ok(node)
    }
}

/// True where the byte at `i` begins what is no part of a word.
fn ends_word(text: &str, i: usize) -> bool {
    match text.as_bytes()[i] {
        b'(' | b')' | b'[' | b']' | b'|' | b'&' | b'>' | b'@' | b'#' | b'/' => true,
        b'.' => text[i..].starts_with(".."),
        byte if byte.is_ascii() => char::from(byte).is_whitespace(),
        _ => text.get(i..).and_then(|rest| rest.chars().next()).is_some_and(char::is_whitespace),
    }
}

/// Adds an item to a sequence; a word of several tokens (`in-service`) joins the sequence around it.
fn join(items: &mut Vec<(u16, Node)>, gap: u16, node: Node) {
    match node {
        Node::Seq(inner) => {
            let gaps = inner.into_iter().enumerate();
            items.extend(gaps.map(|(i, (own, node))| (if i == 0 { gap } else { own }, node)));
        }
        node => items.push((gap, node)),
    }
}

/// A word of a pattern, cut into tokens as a text would be.
fn words(raw: &str) -> Option<Node> {
    if raw.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'*' | b'?' | b'~')) {
        return term(raw.to_ascii_lowercase()).map(Node::Term);
    }
    let folded = fold(raw.trim_end_matches([',', '.', ';', '!', ':']));
    let parts = folded.split(['-', '\u{2010}', '\u{2011}']).filter(|part| !part.is_empty());
    let terms = parts.flat_map(|part| match clitic(part) {
        Some(at) => vec![part[..at].to_string(), part[at..].to_string()],
        None => vec![part.to_string()],
    });
    let items: Vec<(u16, Node)> = terms.map(|part| term(part).map(|t| (0, Node::Term(t)))).collect::<Option<_>>()?;
    match items.len() {
        0 => None,
        1 => items.into_iter().next().map(|item| item.1),
        _ => Some(Node::Seq(items)),
    }
}

fn term(mut word: String) -> Option<Term> {
    if !word.chars().any(char::is_alphanumeric) {
        return None;
    }
    if word.ends_with('~') {
        word.pop();
        return Some(Term::Stem(word));
    }
    let wild = word.bytes().any(|b| matches!(b, b'*' | b'?'));
    Some(if wild { Term::Glob(word) } else { Term::Word(word) })
}

fn single_or(mut nodes: Vec<Node>, wrap: impl FnOnce(Vec<Node>) -> Node) -> Node {
    if nodes.len() == 1 { nodes.swap_remove(0) } else { wrap(nodes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str) -> Node {
        Node::Term(Term::Word(text.into()))
    }

    #[test]
    fn reads_every_construct() {
        let list = |name: &str| Node::List(name.into());
        let stem = |text: &str| Node::Term(Term::Stem(text.into()));
        let cases = [
            ("call back", Node::Seq(vec![(0, word("call")), (0, word("back"))])),
            ("in-service", Node::Seq(vec![(0, word("in")), (0, word("service"))])),
            ("don't", Node::Seq(vec![(0, word("do")), (0, word("n't"))])),
            ("@a ..6 b", Node::Seq(vec![(0, list("a")), (6, word("b"))])),
            ("@a..b", Node::Seq(vec![(0, list("a")), (4, word("b"))])),
            ("a &8 b", Node::Near(vec![word("a"), word("b")], 8)),
            ("a && b", Node::Both(vec![word("a"), word("b")])),
            ("(a | b c)", Node::Alt(vec![word("a"), Node::Seq(vec![(0, word("b")), (0, word("c"))])])),
            (
                "[the] 'IT'",
                Node::Seq(vec![(0, Node::Opt(Box::new(word("the")))), (0, Node::Term(Term::Exact("IT".into())))]),
            ),
            (
                "@d > train~ > @s",
                Node::Direct(Box::new(list("d")), Box::new(stem("train")), Some(Box::new(list("s")))),
            ),
            (
                "guinea -(guinea pig)",
                Node::Except(Box::new(word("guinea")), vec![Node::Seq(vec![(0, word("guinea")), (0, word("pig"))])]),
            ),
        ];
        for (text, want) in cases {
            assert_eq!(parse(text), Ok(want), "{text}");
        }
    }

    #[test]
    fn names_the_place_of_a_mistake() {
        for (text, at) in [("(a | b", 6), ("a ..", 4), ("", 0), ("a )", 2), ("/open", 0), ("@ x", 0)] {
            assert_eq!(parse(text).map_err(|e| e.at), Err(at), "{text}");
        }
    }
}
