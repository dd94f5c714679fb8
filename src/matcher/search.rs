//! The goals of a plan in one segment, each looked for when it is first asked for.
//!
//! Comes in: a segment, and goals. Goes out: whether they stand, and where. Never happens here: what follows from it.

use super::board::{Boards, among};
use super::sheet::Sheet;
use super::{Match, Scene, both, shortest};
use crate::lexicon::Lexicon;
use crate::lexicon::plan::Goal;

/// What is known of the goals of a plan in one segment. Reused from segment to segment.
pub struct Search {
    boards: Boards,
    /// For each goal within sentences, its matches, as far as they are known.
    hits: Vec<Vec<Match>>,
    /// For each goal, what is known of it.
    known: Vec<Known>,
    /// Goals of which anything is known.
    asked: Vec<u32>,
}

/// A way into a rule that is open in the segment.
#[derive(Debug, Clone, Copy)]
pub struct OpenGate {
    /// Its place.
    pub gate: u32,
    /// How many matches of its goal there may be at most that share no word.
    pub times: usize,
}

/// What is known of a goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Nothing,
    /// It stands; where else is not known.
    Stands,
    /// All its matches.
    Matches,
}

impl Search {
    /// Nothing found yet.
    pub fn new(lexicon: &Lexicon) -> Self {
        let n_goals = lexicon.plan.goals.len();
        Search {
            boards: Boards::new(&lexicon.plan),
            hits: vec![Vec::new(); n_goals],
            known: vec![Known::Nothing; n_goals],
            asked: Vec::new(),
        }
    }

    /// Forgets the segment before and takes up this one.
    pub fn read(&mut self, scene: &Scene) {
        for goal in self.asked.drain(..) {
            self.hits[goal as usize].clear();
            self.known[goal as usize] = Known::Nothing;
        }
        self.boards.read(scene);
    }

    /// Puts the gates that are open into `gates`, ascending: by rule, then by pattern.
    pub fn open_gates(&self, scene: &Scene, gates: &mut Vec<OpenGate>) {
        let plan = &scene.lexicon.plan;
        gates.clear();
        for (goal, times) in self.boards.possible(plan) {
            let is_open = |gate: &u32| {
                let gate = &plan.gates[*gate as usize];
                self.boards.may_have(scene, &gate.needs) && (gate.goal == goal || self.may_match(scene, gate.goal))
            };
            let open = plan.gates_of.at(goal).iter().copied().filter(is_open);
            gates.extend(open.map(|gate| OpenGate { gate, times }));
        }
        gates.sort_unstable_by_key(|open| open.gate);
        // Each match goes through one of the goals that lead to the gate.
        gates.dedup_by(|next, open| {
            let same = next.gate == open.gate;
            if same {
                open.times = open.times.saturating_add(next.times);
            }
            same
        });
    }

    /// True when the goal may match: what it needs may stand in the segment.
    fn may_match(&self, scene: &Scene, goal: u32) -> bool {
        match &scene.lexicon.plan.goals[goal as usize] {
            Goal::Words { .. } => self.boards.may_stand(scene, goal),
            Goal::Both(parts) | Goal::Each(parts) => parts.iter().all(|&part| self.may_match(scene, part)),
            Goal::Either(parts) => parts.iter().any(|&part| self.may_match(scene, part)),
            Goal::Code(_) => false,
        }
    }

    /// True when the goal matches anywhere.
    pub fn stands(&mut self, scene: &Scene, goal: u32) -> bool {
        match &scene.lexicon.plan.goals[goal as usize] {
            Goal::Words { .. } => {
                if self.known[goal as usize] == Known::Nothing {
                    self.look_for(scene, goal, Known::Stands);
                }
                !self.hits[goal as usize].is_empty()
            }
            Goal::Both(parts) => {
                parts.iter().all(|&part| self.may_match(scene, part))
                    && parts.iter().all(|&part| self.stands(scene, part))
                    && !self.matches(scene, goal).is_empty()
            }
            Goal::Either(parts) => parts.iter().any(|&part| self.stands(scene, part)),
            Goal::Each(parts) => parts.iter().all(|&part| self.stands(scene, part)),
            Goal::Code(_) => false,
        }
    }

    /// Looks for a goal within sentences, until as much is known of it as is wanted.
    fn look_for(&mut self, scene: &Scene, goal: u32, wanted: Known) {
        let Goal::Words { pat, level, .. } = &scene.lexicon.plan.goals[goal as usize] else { return };
        let sentences = self.boards.sentences(scene, goal);
        if sentences == 0 {
            return;
        }
        if self.known[goal as usize] == Known::Nothing {
            self.asked.push(goal);
        }
        let hits = &mut self.hits[goal as usize];
        hits.clear();
        let level = scene.level.or(level.as_deref());
        let mut sentences = among(sentences, scene.sentences.len());
        let found = |sentence| {
            Sheet::new(scene, &self.boards, sentence, level).find_into(pat, hits);
            wanted == Known::Stands && !hits.is_empty()
        };
        let known = sentences.any(found) && sentences.next().is_some();
        self.known[goal as usize] = if known { Known::Stands } else { Known::Matches };
    }

    /// Matches of a goal within sentences.
    pub fn hits(&mut self, scene: &Scene, goal: u32) -> &[Match] {
        if self.known[goal as usize] != Known::Matches {
            self.look_for(scene, goal, Known::Matches);
        }
        &self.hits[goal as usize]
    }

    /// Adds every match of a goal.
    pub fn add_matches(&mut self, scene: &Scene, goal: u32, into: &mut Vec<Match>) {
        match &scene.lexicon.plan.goals[goal as usize] {
            Goal::Words { .. } => into.extend(self.hits(scene, goal)),
            _ => into.extend(self.matches(scene, goal)),
        }
    }

    /// Every match of a goal, as [`Scene::matches`] gives those of its pattern.
    pub fn matches(&mut self, scene: &Scene, goal: u32) -> Vec<Match> {
        match &scene.lexicon.plan.goals[goal as usize] {
            Goal::Words { .. } => self.hits(scene, goal).to_vec(),
            Goal::Both(parts) | Goal::Each(parts) => {
                if !parts.iter().all(|&part| self.may_match(scene, part)) {
                    return Vec::new();
                }
                let found = parts.iter().map(|&part| self.matches(scene, part)).collect();
                both(scene, found)
            }
            Goal::Either(parts) => shortest(parts.iter().flat_map(|&part| self.matches(scene, part)).collect()),
            Goal::Code(_) => Vec::new(),
        }
    }

    /// Every trigger of context in one sentence of the segment: the goal, and where it stands.
    pub fn triggers(&self, scene: &Scene, sentence: usize) -> Vec<(u32, Match)> {
        let (mut found, mut hits) = (Vec::new(), Vec::new());
        let plan = &scene.lexicon.plan;
        for goal in self.boards.triggers(scene, sentence) {
            let Goal::Words { pat, level, .. } = &plan.goals[goal as usize] else { continue };
            let sheet = Sheet::new(scene, &self.boards, sentence, scene.level.or(level.as_deref()));
            sheet.find_into(pat, &mut hits);
            found.extend(hits.drain(..).map(|hit| (goal, hit)));
        }
        found
    }
}
