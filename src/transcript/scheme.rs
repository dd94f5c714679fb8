//! Labels that say by themselves what somebody does: `Interviewer`, `Q`, `P03`, `SPEAKER_00`, `Break`.
//!
//! Comes in: a label. Goes out: what it says. Never happens here: a look at what is said.

use super::draft::is_blank;

/// What a label says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    /// This one asks.
    Interviewer,
    /// This one answers.
    Respondent,
    /// Neither person nor answer: a break, a machine, a description.
    Other,
    /// A person, numbered by a machine or unknown: `Speaker 1`.
    Somebody,
    /// A name.
    Nothing,
}

const ASKS: &[&str] = &[
    "interviewer",
    "int",
    "intv",
    "iv",
    "i",
    "q",
    "question",
    "questioner",
    "moderator",
    "mod",
    "facilitator",
    "fac",
    "researcher",
    "host",
    "pergunta",
    "entrevistador",
    "entrevistadora",
    "pregunta",
    "frage",
    "interviewerin",
    "moderatorin",
    "enqu\u{ea}teur",
    "enqu\u{ea}trice",
    "intervieweur",
    "intervieweuse",
    "intervistatrice",
    "entrevistador/a",
    "moderador",
    "moderadora",
    "interviewster",
    "vraag",
    "domanda",
    "intervistatore",
];

const ANSWERS: &[&str] = &[
    "respondent",
    "resp",
    "r",
    "participant",
    "part",
    "p",
    "par",
    "pt",
    "interviewee",
    "a",
    "answer",
    "informant",
    "subject",
    "witness",
    "resposta",
    "entrevistado",
    "entrevistada",
    "respuesta",
    "antwort",
    "befragte",
    "befragter",
    "fg",
    "principal",
    "assistant principal",
    "vice principal",
    "ap",
    "teacher",
    "student",
    "parent",
    "coach",
    "counselor",
    "librarian",
    "guest",
    "all",
    "everyone",
    "everybody",
    "group",
    "several",
    "several participants",
    "multiple participants",
    "entrevistado/a",
    "intervistato",
    "intervistata",
    "enqu\u{ea}t\u{e9}",
    "enqu\u{ea}t\u{e9}e",
    "r\u{e9}pondant",
    "r\u{e9}pondante",
    "teilnehmer",
    "teilnehmerin",
    "participante",
    "partecipante",
    "deelnemer",
];

const OTHERS: &[&str] = &[
    "break",
    "music",
    "note",
    "notes",
    "description",
    "transcriber",
    "transcriber's note",
    "transcriptionist",
    "editor",
    "editor's note",
    "system",
    "recording",
    "recorder",
    "automated voice",
    "announcement",
    "operator",
    "sound",
    "noise",
    "stage direction",
    "narration",
    "end of interview",
    "end of recording",
];

const SOMEBODY: &[&str] = &[
    "speaker",
    "spk",
    "spkr",
    "unknown speaker",
    "unidentified speaker",
    "unknown",
    "unk",
    "unidentified",
    "male speaker",
    "female speaker",
    "male",
    "female",
    "man",
    "woman",
    "voice",
    "unidentified male",
    "unidentified female",
    "s",
    "m",
    "f",
    "several speakers",
    "multiple speakers",
];

/// Words that number the questions or answers, not the people.
const NUMBERED: &[&str] =
    &["q", "question", "a", "answer", "pergunta", "resposta", "pregunta", "respuesta", "frage", "antwort", "vraag"];

/// What a label says.
///
/// Case, numbers, brackets after the name and invisible characters do not matter: `INT2`, `Interviewer (JH)`. In two
/// languages, `Interviewer / Entrevistadora`, the parts that say something must say the same.
pub(super) fn says(label: &str) -> Says {
    says_whole(&fold(label))
}

fn says_whole(folded: &str) -> Says {
    let mut parts = folded.split(['/', '|']).map(says_folded).filter(|says| *says != Says::Nothing);
    let first = parts.next().unwrap_or(Says::Nothing);
    if parts.all(|says| says == first) { first } else { Says::Nothing }
}

fn says_folded(folded: &str) -> Says {
    let folded = folded.trim();
    let base = base(folded);
    let among = |list: &[&str]| list.contains(&base) || base != folded && list.contains(&folded);
    // `Speaker A` and `Participant B` are people of that kind.
    let kind = base.rsplit_once(' ').filter(|(_, last)| last.len() == 1).map_or(base, |(kind, _)| kind);
    let kind_of = |list: &[&str]| among(list) || (kind != base && kind.len() > 2 && list.contains(&kind));
    // `Assistant Moderator`, `Co-Interviewer`, `Lead facilitator`.
    let asks = ["interviewer", "moderator", "facilitator"].iter().any(|what| base.ends_with(what));
    match () {
        () if asks || kind_of(ASKS) => Says::Interviewer,
        () if kind_of(ANSWERS) => Says::Respondent,
        () if among(OTHERS) => Says::Other,
        () if kind_of(SOMEBODY) => Says::Somebody,
        () => Says::Nothing,
    }
}

/// True when a label is so well known that one occurrence is enough, even in a file of names.
///
/// Titles and single letters that begin many sentences are not.
pub(super) fn is_sure(label: &str) -> bool {
    let folded = fold(label);
    let titles =
        ["principal", "teacher", "student", "parent", "coach", "guest", "editor", "man", "woman", "voice", "note"];
    let plain = base(&folded);
    let known = !titles.contains(&plain) && !["notes", "m", "f", "s", "part"].contains(&plain);
    known && says_whole(&folded) != Says::Nothing
}

/// The name of the speaker whom a label stands for: `Pergunta 3` and `Q12` number the questions, not the people.
pub(super) fn speaker_name(label: &str) -> &str {
    let plain = base(label);
    if NUMBERED.contains(&plain.to_lowercase().as_str()) { plain } else { label }
}

/// Lower case, invisible characters out.
pub(super) fn fold(label: &str) -> String {
    // As nearly all are.
    if label.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        return label.to_ascii_lowercase();
    }
    let invisible = |c: &char| !is_blank(*c) && *c != '\u{ad}' || *c == ' ' || *c == '\u{a0}';
    label
        .chars()
        .filter(invisible)
        .map(|c| if c == '\u{a0}' { ' ' } else { c })
        .flat_map(char::to_lowercase)
        .collect()
}

/// Without a bracket, number or sign at the end.
pub(super) fn base(label: &str) -> &str {
    let label = label.split(['(', '[']).next().unwrap_or(label);
    label.trim_end_matches(|c: char| c.is_ascii_digit() || " _-#.:".contains(c)).trim_start()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_speak() {
        let cases = [
            ("Interviewer", Says::Interviewer),
            ("INTERVIEWER 2", Says::Interviewer),
            ("Interviewer (JH)", Says::Interviewer),
            ("INT", Says::Interviewer),
            ("I", Says::Interviewer),
            ("Moderator", Says::Interviewer),
            ("Pergunta 12", Says::Interviewer),
            ("Assistant Moderator", Says::Interviewer),
            ("Co-Interviewer 2", Says::Interviewer),
            ("Interviewer / Entrevistadora", Says::Interviewer),
            ("P1 | Participante 1", Says::Respondent),
            ("Interviewer / Participant", Says::Nothing),
            ("Saulius Grigaitis | Grandine", Says::Nothing),
            ("All", Says::Respondent),
            ("P03", Says::Respondent),
            ("Participant B", Says::Respondent),
            ("Interviewee 3", Says::Respondent),
            ("AP", Says::Respondent),
            ("SPEAKER_00", Says::Somebody),
            ("spk_0", Says::Somebody),
            ("Speaker A", Says::Somebody),
            ("Unknown Speaker", Says::Somebody),
            ("Break", Says::Other),
            ("HOLLOWAY", Says::Nothing),
            ("Inter\u{200b}viewer", Says::Interviewer),
            ("Participant\u{202e}", Says::Respondent),
        ];
        for (label, want) in cases {
            assert_eq!(says(label), want, "{label}");
        }
    }

    #[test]
    fn numbers_of_questions_are_no_people() {
        assert_eq!(speaker_name("Pergunta 12"), "Pergunta");
        assert_eq!(speaker_name("Q3"), "Q");
        assert_eq!(speaker_name("P3"), "P3");
        assert_eq!(speaker_name("Speaker 1"), "Speaker 1");
    }
}
