//! What coders said, wherever it was written down, in one shape.
//!
//! Comes in: rows of label files, of the review journal, of the machine's codings. Goes out: [`Judgements`]. Never
//! happens here: a reading of files (that is [`read`](super::read)), a statistic.

use crate::codebook::facet;
use std::collections::BTreeMap;

/// Name of the machine as a coder.
pub const MACHINE: &str = "machine";

/// Name of the coder that stands for what was settled after coders differed.
pub const SETTLED: &str = "settled";

/// What the coder saw when judging.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stratum {
    /// The words only.
    Blind,
    /// The machine's proposals.
    Assisted,
    /// The question does not arise: the machine itself, or a settled decision.
    Neutral,
}

/// One coder says whether one code holds for a passage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Judgement {
    /// Place in [`Judgements::coders`].
    pub coder: u16,
    /// Place in [`Judgements::transcripts`].
    pub transcript: u32,
    /// Place of the turn among all turns of the transcript.
    pub turn: u32,
    /// Code points that the judgement is about; none: the whole answer.
    pub span: Option<(u32, u32)>,
    /// Place in [`Judgements::codes`].
    pub code: u16,
    /// Whether the code holds.
    pub holds: bool,
    /// What the coder saw.
    pub stratum: Stratum,
}

/// A coder, on one occasion: the same person may code the same text twice.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Coder {
    /// Name.
    pub name: String,
    /// 1 for the first time, 2 for the second.
    pub occasion: usize,
}

impl Coder {
    /// `ana`, and `ana (2)` for the second time.
    pub fn label(&self) -> String {
        if self.occasion == 1 { self.name.clone() } else { format!("{} ({})", self.name, self.occasion) }
    }

    /// True for a person.
    pub fn is_person(&self) -> bool {
        self.name != MACHINE && self.name != SETTLED
    }
}

/// All judgements of a study, with the names that they refer to by place.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Judgements {
    /// Who judges.
    pub coders: Vec<Coder>,
    /// Names of transcripts, sorted once [`Judgements::settle_names`] has run.
    pub transcripts: Vec<String>,
    /// Full names of codes, sorted likewise.
    pub codes: Vec<String>,
    /// The judgements.
    pub rows: Vec<Judgement>,
    places: BTreeMap<(u8, String), usize>,
}

impl Judgements {
    /// The place of a coder, new or known.
    pub fn coder(&mut self, name: &str, occasion: usize) -> u16 {
        let coder = Coder { name: name.to_string(), occasion };
        let found = self.coders.iter().position(|known| *known == coder);
        found.unwrap_or_else(|| {
            self.coders.push(coder);
            self.coders.len() - 1
        }) as u16
    }

    /// The place of a transcript, new or known.
    pub fn transcript(&mut self, name: &str) -> u32 {
        place(&mut self.places, &mut self.transcripts, 0, name) as u32
    }

    /// The place of a code, new or known.
    pub fn code(&mut self, name: &str) -> u16 {
        place(&mut self.places, &mut self.codes, 1, name) as u16
    }

    /// Keeps judgements on these codes and on codes of these facets.
    pub fn keep_only(&mut self, names: &[String]) {
        let keep = |code: &String| names.iter().any(|name| name == code || name == facet(code));
        let kept: Vec<String> = self.codes.iter().filter(|code| keep(code)).cloned().collect();
        let place = |code: u16| kept.iter().position(|name| *name == self.codes[usize::from(code)]);
        self.rows =
            self.rows.iter().filter_map(|row| Some(Judgement { code: place(row.code)? as u16, ..*row })).collect();
        self.codes = kept;
        self.settle_names();
    }

    /// Sorts names and judgements, so that nothing depends on the order in which files were read.
    pub fn settle_names(&mut self) {
        let transcripts = sorted_places(&mut self.transcripts);
        let codes = sorted_places(&mut self.codes);
        for row in &mut self.rows {
            row.transcript = transcripts[row.transcript as usize] as u32;
            row.code = codes[usize::from(row.code)] as u16;
        }
        self.places.clear();
        for (i, name) in self.transcripts.iter().enumerate() {
            self.places.insert((0, name.clone()), i);
        }
        for (i, name) in self.codes.iter().enumerate() {
            self.places.insert((1, name.clone()), i);
        }
        self.rows.sort_unstable();
        self.rows.dedup();
    }
}

fn place(places: &mut BTreeMap<(u8, String), usize>, names: &mut Vec<String>, kind: u8, name: &str) -> usize {
    *places.entry((kind, name.to_string())).or_insert_with(|| {
        names.push(name.to_string());
        names.len() - 1
    })
}

/// Sorts the names and says where each went.
fn sorted_places(names: &mut Vec<String>) -> Vec<usize> {
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by(|&a, &b| names[a].cmp(&names[b]));
    let mut went = vec![0; names.len()];
    order.iter().enumerate().for_each(|(new, &old)| went[old] = new);
    *names = order.iter().map(|&old| std::mem::take(&mut names[old])).collect();
    went
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_codes_and_facets_that_were_asked_for_stay() {
        let mut judgements = Judgements::default();
        let (coder, transcript) = (judgements.coder("ana", 1), judgements.transcript("a"));
        for name in ["role.b", "priority.c", "role.a", "barrier.d"] {
            let code = judgements.code(name);
            let row =
                Judgement { coder, transcript, turn: 1, span: None, code, holds: true, stratum: Stratum::Blind };
            judgements.rows.push(row);
        }
        judgements.keep_only(&["role".to_string(), "barrier.d".to_string()]);
        assert_eq!(judgements.codes, ["barrier.d", "role.a", "role.b"]);
        assert_eq!(judgements.rows.iter().map(|row| row.code).collect::<Vec<_>>(), [0, 1, 2]);
    }

    #[test]
    fn the_order_of_reading_leaves_no_trace() {
        let read = |names: [&str; 2]| {
            let mut judgements = Judgements::default();
            let coder = judgements.coder("ana", 1);
            for name in names {
                let (transcript, code) = (judgements.transcript(name), judgements.code(&format!("role.{name}")));
                let row =
                    Judgement { coder, transcript, turn: 1, span: None, code, holds: true, stratum: Stratum::Blind };
                judgements.rows.push(row);
            }
            judgements.settle_names();
            judgements
        };
        assert_eq!(read(["b", "a"]), read(["a", "b"]));
    }
}
