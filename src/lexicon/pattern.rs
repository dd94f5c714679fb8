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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Term<S = String> {
    /// This word, folded.
    Word(S),
    /// A folded word with `*` and `?`.
    Glob(S),
    /// Any form with the stem of this folded word.
    Stem(S),
    /// Exactly these letters.
    Exact(S),
    /// Digits or a number word.
    Number,
}

impl Term {
    /// The same, borrowed.
    pub fn as_str(&self) -> Term<&str> {
        match self {
            Term::Word(word) => Term::Word(word),
            Term::Glob(glob) => Term::Glob(glob),
            Term::Stem(word) => Term::Stem(word),
            Term::Exact(text) => Term::Exact(text),
            Term::Number => Term::Number,
        }
    }
}

impl Term<&str> {
    /// The same, for itself.
    pub fn owned(self) -> Term {
        match self {
            Term::Word(word) => Term::Word(word.to_string()),
            Term::Glob(glob) => Term::Glob(glob.to_string()),
            Term::Stem(word) => Term::Stem(word.to_string()),
            Term::Exact(text) => Term::Exact(text.to_string()),
            Term::Number => Term::Number,
        }
    }
}

/// A part of a pattern while it is read, with what was made of the parts in it. The variants are those of [`Node`].
pub enum Shape<'t, P> {
    /// One word.
    Term(Term<&'t str>),
    /// Any one token.
    Any,
    /// An entry of a list, or of a party.
    List(&'t str),
    /// A regular expression.
    Regex(&'t str),
    /// Items in order.
    Seq(Vec<(u16, P)>),
    /// One of these.
    Alt(Vec<P>),
    /// This or nothing.
    Opt(P),
    /// The first, but not as a part of one of the others.
    Except(P, Vec<P>),
    /// All in one sentence.
    Near(Vec<P>, u16),
    /// All in one segment.
    Both(Vec<P>),
    /// Who does it, what is done, and to whom.
    Direct(P, P, Option<P>),
    /// Evidence for another code.
    Code(&'t str),
}

/// What patterns are made into while they are read.
pub trait Build {
    /// What a part of a pattern becomes.
    type Part;

    /// Makes a part; none where it cannot stand so, which ends the reading.
    fn part(&mut self, shape: Shape<'_, Self::Part>) -> Option<Self::Part>;

    /// The items of a sequence.
    ///
    /// # Errors
    /// The part itself, where it is no sequence.
    fn items(part: Self::Part) -> Result<Vec<(u16, Self::Part)>, Self::Part>;
}

/// Makes the nodes of a pattern.
struct Nodes;

impl Build for Nodes {
    type Part = Node;

    fn part(&mut self, shape: Shape<'_, Node>) -> Option<Node> {
        Some(match shape {
            Shape::Term(term) => Node::Term(term.owned()),
            Shape::Any => Node::Any,
            Shape::List(name) => Node::List(name.to_string()),
            Shape::Regex(regex) => Node::Regex(regex.to_string()),
            Shape::Seq(items) => Node::Seq(items),
            Shape::Alt(nodes) => Node::Alt(nodes),
            Shape::Opt(node) => Node::Opt(Box::new(node)),
            Shape::Except(node, others) => Node::Except(Box::new(node), others),
            Shape::Near(nodes, within) => Node::Near(nodes, within),
            Shape::Both(nodes) => Node::Both(nodes),
            Shape::Direct(actor, act, target) => Node::Direct(Box::new(actor), Box::new(act), target.map(Box::new)),
            Shape::Code(name) => Node::Code(name.to_string()),
        })
    }

    fn items(node: Node) -> Result<Vec<(u16, Node)>, Node> {
        if let Node::Seq(items) = node { Ok(items) } else { Err(node) }
    }
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

/// What to do where nothing of a word is left.
const NO_TOKEN: &str = "punctuation is no token: write words";

/// Deepest nesting of groups.
const DEEPEST: usize = 20;

/// Reads a pattern.
///
/// # Errors
/// The first mistake, with its byte in the pattern.
pub fn parse(text: &str) -> Result<Node, PatternError> {
    read(text, &mut Nodes)
}

/// Reads a pattern into what is made of it.
///
/// # Errors
/// The first mistake, with its byte in the pattern; or that a part was refused, where whoever refused it knows why.
pub fn read<B: Build>(text: &str, build: &mut B) -> Result<B::Part, PatternError> {
    let mut parser = Parser { text, at: 0, depth: 0, build };
    let first = parser.alternative()?;
    let part = parser.more(first, "|", Parser::alternative, Shape::Alt)?;
    match parser.peek() {
        None => Ok(part),
        Some(c) => {
            Err(parser.error(format!("unexpected `{c}`"), "write words, lists and groups, and close every group"))
        }
    }
}

/// True for characters that end a sequence.
fn ends_sequence(c: char) -> bool {
    matches!(c, '&' | '>' | '|' | ')' | ']')
}

struct Parser<'t, B> {
    text: &'t str,
    at: usize,
    depth: usize,
    build: &'t mut B,
}

type Parsed<B> = Result<<B as Build>::Part, PatternError>;

impl<'t, B: Build> Parser<'t, B> {
    fn error(&self, message: impl Into<String>, help: &'static str) -> PatternError {
        PatternError { at: self.at, message: message.into(), help }
    }

    fn make(&mut self, shape: Shape<'_, B::Part>) -> Parsed<B> {
        self.build.part(shape).ok_or_else(|| self.error("this cannot stand here", "write it in another way"))
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

    /// The first part, wrapped up with those that follow it after `mark`, if any.
    fn more(
        &mut self,
        first: B::Part,
        mark: &str,
        next: fn(&mut Self) -> Parsed<B>,
        wrap: fn(Vec<B::Part>) -> Shape<'t, B::Part>,
    ) -> Parsed<B> {
        if !self.eat(mark) {
            return Ok(first);
        }
        let mut parts = vec![first, next(self)?];
        while self.eat(mark) {
            parts.push(next(self)?);
        }
        self.make(wrap(parts))
    }

    /// One of several. Most are a word alone, which is not led through all that might stand there.
    fn alternative(&mut self) -> Parsed<B> {
        self.peek();
        let (word, rest) = self.plain_word();
        let next = rest.iter().find(|&&b| b != b' ');
        if word.is_empty() || !matches!(next, None | Some(b'|' | b')' | b']')) {
            return self.both();
        }
        self.one_word(word)
    }

    /// The word that comes next, as far as it is plain, and what follows it.
    fn plain_word(&self) -> (&'t str, &'t [u8]) {
        let rest = self.rest();
        let (word, after) = rest.split_at(rest.bytes().take_while(|&b| is_plain(b)).count());
        (word, after.as_bytes())
    }

    /// A word that is plain.
    fn one_word(&mut self, word: &str) -> Parsed<B> {
        let term = term(word).ok_or_else(|| self.error("nothing to match", NO_TOKEN))?;
        self.at += word.len();
        self.make(Shape::Term(term))
    }

    fn both(&mut self) -> Parsed<B> {
        let first = self.near()?;
        self.more(first, "&&", Self::near, Shape::Both)
    }

    fn near(&mut self) -> Parsed<B> {
        let first = self.direct()?;
        if !self.eat_single_and() {
            return Ok(first);
        }
        let mut parts = vec![first];
        let mut within = u16::MAX;
        loop {
            within = within.min(self.number().unwrap_or(u16::MAX));
            parts.push(self.direct()?);
            if !self.eat_single_and() {
                return self.make(Shape::Near(parts, within));
            }
        }
    }

    fn eat_single_and(&mut self) -> bool {
        self.peek() == Some('&') && !self.rest().starts_with("&&") && self.eat("&")
    }

    fn direct(&mut self) -> Parsed<B> {
        let actor = self.sequence()?;
        if !self.eat(">") {
            return Ok(actor);
        }
        let act = self.sequence()?;
        let target = if self.eat(">") { Some(self.sequence()?) } else { None };
        self.make(Shape::Direct(actor, act, target))
    }

    fn sequence(&mut self) -> Parsed<B> {
        let first = self.item()?;
        if self.peek().is_none_or(ends_sequence) {
            return Ok(first);
        }
        let mut items = Vec::new();
        join::<B>(&mut items, 0, first);
        loop {
            let gap = if self.eat("..") { Some(self.number().unwrap_or(DEFAULT_GAP)) } else { None };
            match (self.peek(), gap) {
                (Some(c), _) if !ends_sequence(c) => join::<B>(&mut items, gap.unwrap_or(0), self.item()?),
                (_, Some(_)) => {
                    return Err(self.error("nothing after `..`", "write what must follow, or take the dots away"));
                }
                _ => return self.make(Shape::Seq(items)),
            }
        }
    }

    fn item(&mut self) -> Parsed<B> {
        let part = self.atom()?;
        if !self.eat("-(") {
            return Ok(part);
        }
        let others = self.alternatives(')')?;
        self.make(Shape::Except(part, others))
    }

    fn atom(&mut self) -> Parsed<B> {
        let shape = match self.peek() {
            None => return Err(self.error("nothing to match", "write a word, a list (@name) or a group")),
            Some('(') => return self.one_of(')'),
            Some('[') => Shape::Opt(self.one_of(']')?),
            Some('@') => match self.name()? {
                "number" => Shape::Term(Term::Number),
                name => Shape::List(name),
            },
            Some('#') => Shape::Code(self.name()?),
            Some('\'') if self.is_quoted_word() => Shape::Term(Term::Exact(self.quoted('\'')?)),
            Some('/') => Shape::Regex(self.quoted('/')?),
            Some(_) => return self.word(),
        };
        self.make(shape)
    }

    /// A group: one of what stands in it.
    fn one_of(&mut self, close: char) -> Parsed<B> {
        self.at += 1;
        let mut parts = self.alternatives(close)?;
        if parts.len() == 1 { Ok(parts.swap_remove(0)) } else { self.make(Shape::Alt(parts)) }
    }

    /// What stands between an opening mark, already read, and `close`.
    fn alternatives(&mut self, close: char) -> Result<Vec<B::Part>, PatternError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.error("groups are nested more than 20 deep", "use a list (@name) for the inner groups"));
        }
        let mut parts = vec![self.alternative()?];
        while self.eat("|") {
            parts.push(self.alternative()?);
        }
        self.depth -= 1;
        if self.peek() != Some(close) {
            return Err(self.error(format!("expected `{close}` or `|`"), "close the group"));
        }
        self.at += 1;
        Ok(parts)
    }

    /// The name after `@` or `#`. In `@list..3` the dots belong to the gap.
    fn name(&mut self) -> Result<&'t str, PatternError> {
        let rest = &self.rest()[1..];
        let end = rest.find(|c: char| !(c.is_alphanumeric() || "_.-".contains(c))).unwrap_or(rest.len());
        let name = rest[..end].split("..").next().unwrap_or_default().trim_end_matches(['.', '-']);
        if name.is_empty() {
            return Err(self.error("a name is missing here", "write @list or #code"));
        }
        self.at += 1 + name.len();
        Ok(name)
    }

    /// True for `'IT'`; in `'s (theirs | 's own)` the marks are apostrophes.
    fn is_quoted_word(&self) -> bool {
        let rest = &self.rest()[1..];
        rest.find('\'').is_some_and(|end| end > 0 && !rest[..end].contains(char::is_whitespace))
    }

    fn quoted(&mut self, mark: char) -> Result<&'t str, PatternError> {
        let rest = &self.rest()[1..];
        let Some(end) = rest.find(mark) else {
            return Err(self.error(format!("`{mark}` is never closed"), "close it, or take it away"));
        };
        if end == 0 {
            return Err(self.error("nothing between the marks", "write what is to be matched"));
        }
        self.at += end + 2;
        Ok(&rest[..end])
    }

    fn word(&mut self) -> Parsed<B> {
        let (word, after) = self.plain_word();
        if !word.is_empty() && matches!(after.first(), None | Some(b' ' | b')' | b'|' | b']')) {
            return self.one_word(word);
        }
        let rest = self.rest();
        let end = (0..rest.len()).find(|&i| ends_word(rest, i)).unwrap_or(rest.len());
        // In `guinea-(pig)` the hyphen opens an exception.
        let word = if rest[end..].starts_with('(') { rest[..end].trim_end_matches('-') } else { &rest[..end] };
        if word == "_" {
            self.at += 1;
            return self.make(Shape::Any);
        }
        let part = self.words(word).ok_or_else(|| self.error("nothing to match", NO_TOKEN))?;
        self.at += word.len();
        Ok(part)
    }

    /// A word of a pattern, cut into tokens as a text would be.
    fn words(&mut self, raw: &str) -> Option<B::Part> {
        if raw.bytes().all(is_plain) {
            return self.build.part(Shape::Term(term(raw)?));
        }
        let folded = fold(raw.trim_end_matches([',', '.', ';', '!', ':']));
        let words = folded.split(['-', '\u{2010}', '\u{2011}']).filter(|part| !part.is_empty());
        let pieces = words.flat_map(|word| match clitic(word) {
            Some(at) => [Some(&word[..at]), Some(&word[at..])],
            None => [Some(word), None],
        });
        let terms: Vec<Term<&str>> = pieces.flatten().map(term).collect::<Option<_>>()?;
        if let [only] = terms[..] {
            return self.build.part(Shape::Term(only));
        }
        let parts = terms.into_iter().map(|term| Some((0, self.build.part(Shape::Term(term))?)));
        let items: Vec<_> = parts.collect::<Option<_>>()?;
        if items.is_empty() { None } else { self.build.part(Shape::Seq(items)) }
    }
}

/// True for what words are written with that need no folding and no cutting.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'*' | b'?' | b'~')
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
fn join<B: Build>(items: &mut Vec<(u16, B::Part)>, gap: u16, part: B::Part) {
    match B::items(part) {
        Ok(inner) => {
            let gaps = inner.into_iter().enumerate();
            items.extend(gaps.map(|(i, (own, part))| (if i == 0 { gap } else { own }, part)));
        }
        Err(part) => items.push((gap, part)),
    }
}

fn term(word: &str) -> Option<Term<&str>> {
    if !word.chars().any(char::is_alphanumeric) {
        return None;
    }
    Some(match word.strip_suffix('~') {
        Some(base) => Term::Stem(base),
        None if word.bytes().any(|b| matches!(b, b'*' | b'?')) => Term::Glob(word),
        None => Term::Word(word),
    })
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
