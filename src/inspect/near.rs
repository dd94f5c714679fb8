//! How near a pattern comes where it does not match, and which of its elements fails.
//!
//! Comes in: a segment, and a pattern as written and as compiled. Goes out: the best partial match with the reason why
//! it is no whole one. Never happens here: evidence.

use crate::lexicon::Pat;
use crate::lexicon::pattern::Node;
use crate::matcher::{Look, Match};
use std::cmp::Ordering;

/// The best partial match of a pattern.
#[derive(Debug, Clone, PartialEq)]
pub struct Near {
    /// Elements that stand as they should; half for those that stand in the wrong place.
    pub met: f64,
    /// Elements that must stand.
    pub of: f64,
    /// What fails; empty for a whole match.
    pub why: String,
}

impl Near {
    /// The share of elements met, in 0..=1.
    pub fn share(&self) -> f64 {
        if self.of > 0.0 { self.met / self.of } else { 0.0 }
    }

    fn whole(of: f64) -> Near {
        Near { met: of, of, why: String::new() }
    }

    fn better(a: Near, b: Near) -> Near {
        if b.share().partial_cmp(&a.share()) == Some(Ordering::Greater) { b } else { a }
    }
}

/// How near the pattern comes anywhere in the segment.
pub fn nearest(look: &Look, node: &Node, pat: &Pat) -> Near {
    if look.holds(pat) {
        return Near::whole(elements(node));
    }
    match (node, pat) {
        (Node::Both(nodes), Pat::Both(pats)) => {
            let parts = nodes.iter().zip(pats).map(|(node, pat)| nearest(look, node, pat)).collect();
            together(parts, "they lie in one another")
        }
        (Node::Alt(nodes), Pat::Alt(pats)) => {
            best(nodes.iter().zip(pats).map(|(node, pat)| nearest(look, node, pat)), node)
        }
        (Node::Code(name), _) => Near { met: 0.0, of: 1.0, why: format!("nothing speaks for \"{name}\"") },
        _ => best((0..look.scene.sentences.len()).map(|sentence| in_sentence(look, sentence, node, pat)), node),
    }
}

/// The best of several; where none has anything, all of them are missing.
fn best(all: impl Iterator<Item = Near>, node: &Node) -> Near {
    all.reduce(Near::better)
        .filter(|near| near.met > 0.0 || near.why.contains("speaks for"))
        .unwrap_or_else(|| absent(node))
}

/// The first element that must stand and does not.
fn absent(node: &Node) -> Near {
    let first = match node {
        Node::Seq(items) => items.iter().map(|(_, item)| item).find(|item| elements(item) > 0.0),
        Node::Near(nodes, _) | Node::Both(nodes) => nodes.first(),
        _ => None,
    };
    Near { met: 0.0, of: elements(node), why: format!("no `{}`", short(first.unwrap_or(node))) }
}

/// A pattern as far as a line has room for it.
fn short(node: &Node) -> String {
    let written = node.to_string();
    if written.chars().count() <= MOST { written } else { written.chars().take(MOST).chain(['…']).collect() }
}

/// Characters of a pattern in a reason at most.
const MOST: usize = 60;

/// Elements that must stand for a whole match: the fewest.
fn elements(node: &Node) -> f64 {
    match node {
        Node::Seq(items) => items.iter().map(|(_, item)| elements(item)).sum(),
        Node::Alt(nodes) => nodes.iter().map(elements).fold(f64::INFINITY, f64::min),
        Node::Opt(_) => 0.0,
        Node::Except(node, _) => elements(node),
        Node::Near(nodes, _) | Node::Both(nodes) => nodes.iter().map(elements).sum(),
        Node::Direct(..) => node.parts().into_iter().map(elements).sum(),
        _ => 1.0,
    }
}

fn in_sentence(look: &Look, sentence: usize, node: &Node, pat: &Pat) -> Near {
    if !look.in_sentence(pat, sentence).is_empty() {
        return Near::whole(elements(node));
    }
    match (node, pat) {
        (Node::Seq(nodes), Pat::Seq(pats)) => sequence(look, sentence, nodes, pats),
        (Node::Alt(nodes), Pat::Alt(pats)) => {
            best(nodes.iter().zip(pats).map(|(node, pat)| in_sentence(look, sentence, node, pat)), node)
        }
        (Node::Except(inner, others), Pat::Except(pat, _)) => {
            if look.in_sentence(pat, sentence).is_empty() {
                return in_sentence(look, sentence, inner, pat);
            }
            let others: Vec<String> = others.iter().map(Node::to_string).collect();
            let why = format!("`{inner}` stands only as a part of `{}`", others.join(" | "));
            Near { met: elements(inner) * 0.9, of: elements(inner), why }
        }
        (Node::Near(nodes, within), Pat::Near(pats, _)) => {
            let parts = nodes.iter().zip(pats).map(|(node, pat)| in_sentence(look, sentence, node, pat)).collect();
            together(parts, &format!("they stand more than {within} words apart, or in one another"))
        }
        (Node::Direct(actor, act, target), Pat::Direct(actor_pat, act_pat, target_pat)) => {
            let mut parts = vec![(actor.as_ref(), actor_pat.as_ref()), (act, act_pat)];
            parts.extend(target.as_deref().zip(target_pat.as_deref()));
            direction(look, sentence, node, &parts)
        }
        _ => absent(node),
    }
}

/// Parts that must all stand; `apart` says what is wrong when they do.
fn together(parts: Vec<Near>, apart: &str) -> Near {
    let (met, of) = parts.iter().fold((0.0, 0.0), |sum, part| (sum.0 + part.met, sum.1 + part.of));
    match parts.into_iter().find(|part| !part.why.is_empty()) {
        Some(part) => Near { met, of, why: part.why },
        None => Near { met: met * 0.9, of, why: apart.to_string() },
    }
}

/// The longest beginning of a sequence that stands, and what is the matter with the next item.
fn sequence(look: &Look, sentence: usize, nodes: &[(u16, Node)], pats: &[(u16, Pat)]) -> Near {
    let stands = |n: usize| look.in_sentence(&Pat::Seq(pats[..n].to_vec()), sentence);
    let reached = (1..pats.len()).rev().find(|&n| !stands(n).is_empty()).unwrap_or(0);
    let of: f64 = nodes.iter().map(|(_, node)| elements(node)).sum();
    let mut met: f64 = nodes[..reached].iter().map(|(_, node)| elements(node)).sum();
    for ((_, node), (_, pat)) in nodes[reached..].iter().zip(&pats[reached..]) {
        met += in_sentence(look, sentence, node, pat).met * 0.5;
    }
    let ((gap, node), (_, pat)) = (&nodes[reached], &pats[reached]);
    let found = look.in_sentence(pat, sentence);
    if found.is_empty() || reached == 0 {
        let why = in_sentence(look, sentence, node, pat).why;
        let why = if why.is_empty() { format!("`{}` alone", short(node)) } else { why };
        return Near { met, of, why };
    }
    let before: String = nodes[..reached].iter().map(|(_, node)| node.to_string()).collect::<Vec<_>>().join(" ");
    Near { met, of, why: misplaced(look, &stands(reached), &found, (&before, node, *gap)) }
}

/// Where an item stands that should follow what was found before it.
fn misplaced(look: &Look, before: &[Match], found: &[Match], (head, node, gap): (&str, &Node, u16)) -> String {
    let after = before
        .iter()
        .flat_map(|first| found.iter().filter(|hit| hit.start >= first.end).map(move |hit| (first, hit)));
    match after.map(|(first, hit)| look.scene.distance(first.end, hit.start)).min() {
        Some(distance) => {
            let (node, distance) = (short(node), words(distance));
            format!("`{node}` stands {distance} after `{head}`, and at most {gap} may lie between")
        }
        None => format!("`{}` stands before `{head}` and not after it", short(node)),
    }
}

fn words(n: u32) -> String {
    if n == 1 { "1 word".to_string() } else { format!("{n} words") }
}

/// Which of actor, act and target does not stand, or that they stand and not in this direction.
fn direction(look: &Look, sentence: usize, whole: &Node, parts: &[(&Node, &Pat)]) -> Near {
    let nears: Vec<Near> = parts.iter().map(|(node, pat)| in_sentence(look, sentence, node, pat)).collect();
    let roles = ["doer", "act", "target"];
    let why = match nears.iter().position(|near| !near.why.is_empty()) {
        Some(missing) => format!("{}: {}", roles[missing], nears[missing].why),
        None => format!(
            "the words are there, and not as `{whole}`: another party stands nearer, or the direction is another"
        ),
    };
    let met: f64 = nears.iter().map(|near| near.met).sum();
    let of = nears.iter().map(|near| near.of).sum();
    let all_stand = nears.iter().all(|near| near.why.is_empty());
    Near { met: if all_stand { met * 0.9 } else { met }, of, why }
}
