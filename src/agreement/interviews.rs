//! Which answers belong together: those of one interview.
//!
//! Comes in: the turns of a study and how its transcripts were read. Goes out: for each answer the name of its
//! interview, by which figures are resampled and held out. Never happens here: words of anybody.
//!
//! A transcript is an interview. A table of excerpts (a CSV in which nobody asks and several people speak) is many:
//! what one respondent said there.

use crate::coding::TurnRow;
use crate::store::manifest::Source;
use crate::transcript::SpeakerRole;
use std::collections::{BTreeMap, BTreeSet};

/// The names of interviews that are not simply their transcript's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Interviews {
    of_excerpts: BTreeMap<(String, usize), String>,
}

impl Interviews {
    /// From `turns.jsonl` and the inputs of the manifest.
    pub fn of(turns: &[TurnRow], inputs: &[Source]) -> Self {
        let mut tables: BTreeSet<&str> =
            inputs.iter().filter(|input| input.format == "csv").map(|input| input.transcript.as_str()).collect();
        let mut respondents: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for turn in turns {
            if turn.speaker_role == SpeakerRole::Interviewer {
                tables.remove(turn.transcript.as_str());
            }
            respondents.entry(&turn.transcript).or_default().insert(&turn.respondent);
        }
        tables.retain(|name| respondents.get(name).is_some_and(|people| people.len() > 1));
        let excerpts = turns.iter().filter(|turn| tables.contains(turn.transcript.as_str()));
        let name = |turn: &TurnRow| {
            ((turn.transcript.clone(), turn.turn), format!("{}/{}", turn.transcript, turn.respondent))
        };
        Interviews { of_excerpts: excerpts.map(name).collect() }
    }

    /// The interview that an answer belongs to.
    pub fn name(&self, transcript: &str, turn: usize) -> String {
        self.of_excerpts.get(&(transcript.to_string(), turn)).cloned().unwrap_or_else(|| transcript.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(transcript: &str, turn: usize, respondent: &str, speaker_role: SpeakerRole) -> TurnRow {
        TurnRow {
            transcript: transcript.to_string(),
            turn,
            speaker: respondent.to_string(),
            speaker_role,
            guessed: false,
            start: 0,
            end: 1,
            start_byte: 0,
            end_byte: 1,
            time_start_ms: None,
            time_end_ms: None,
            words: 1,
            respondent: respondent.to_string(),
            pieces: Vec::new(),
        }
    }

    fn source(transcript: &str) -> Source {
        let [source, sha256, text_sha256] = [const { String::new() }; 3];
        let (transcript, format) = (transcript.to_string(), "csv".to_string());
        Source { source, transcript, format, bytes: 0, sha256, text_sha256 }
    }

    #[test]
    fn a_table_of_excerpts_is_as_many_interviews_as_people_and_a_focus_group_is_one() {
        use SpeakerRole::{Interviewer, Respondent};
        let turns = [
            turn("quotes", 0, "ana", Respondent),
            turn("quotes", 1, "ben", Respondent),
            turn("group", 0, "who asks", Interviewer),
            turn("group", 1, "ana", Respondent),
            turn("group", 2, "ben", Respondent),
        ];
        let found = Interviews::of(&turns, &[source("quotes"), source("group")]);
        let names: Vec<String> = turns.iter().map(|turn| found.name(&turn.transcript, turn.turn)).collect();
        assert_eq!(names, ["quotes/ana", "quotes/ben", "group", "group", "group"]);
    }
}
