//! Transcripts as people and programs write them: who asks and who answers is found, and no answer is lost.

use precode::diagnostic::Severity;
use precode::transcript::{ReadOptions, SpeakerRole, Transcript, read};
use precode::turn;

/// `asks|answers name: words` of every turn, `~` before a role that is a guess.
fn shown(transcript: &Transcript) -> Vec<String> {
    let turns = turn::split(transcript);
    let shown = turns.iter().map(|turn| {
        let speaker = transcript.speaker(turn.speaker);
        let role = match speaker.role {
            SpeakerRole::Interviewer => "asks",
            SpeakerRole::Respondent => "answers",
            SpeakerRole::Other => "other",
        };
        let guess = if speaker.guessed { "~" } else { "" };
        let words = turn.span.of(&transcript.text).replace('\n', " ");
        format!("{guess}{role} {}: {words}", speaker.name)
    });
    shown.collect()
}

fn file(name: &str, text: &str) -> Transcript {
    read(text.as_bytes(), name, &ReadOptions::default()).unwrap_or_else(|found| panic!("{name}: {}", found[0].line()))
}

/// `How was it?` and `We trained.`, twice, in a form of its own.
fn talk(line: impl Fn(&str, &str) -> String, asks: &str, answers: &str) -> String {
    [(asks, "How was it?"), (answers, "We trained."), (asks, "And then?"), (answers, "So.")]
        .map(|(name, words)| line(name, words))
        .concat()
}

#[test]
fn labels_in_every_form_are_found() {
    type Form = fn(&str, &str) -> String;
    let forms: [(&str, Form); 20] = [
        ("colon", |n, w| format!("{n}: {w}\n")),
        ("space before the colon", |n, w| format!("{n} : {w}\n\n")),
        ("alone on its line", |n, w| format!("{n}:\n{w}\n\n")),
        ("bold", |n, w| format!("**{n}:** {w}\n\n")),
        ("brackets", |n, w| format!("[{n}] {w}\n")),
        ("brackets and colon", |n, w| format!("({n}): {w}\n")),
        ("colon in brackets", |n, w| format!("[{n}:] {w}\n")),
        ("angle brackets", |n, w| format!("<{n}> {w}\n")),
        ("hyphen", |n, w| format!("{n} - {w}\n")),
        ("dash", |n, w| format!("{n} \u{2013} {w}\n\n")),
        ("tab", |n, w| format!("{n}\t{w}\n")),
        ("gap", |n, w| format!("{n}     {w}\n")),
        ("arrow", |n, w| format!("{n}> {w}\n")),
        ("full stop", |n, w| format!("{n}. {w}\n")),
        ("hash", |n, w| format!("#{n}: {w}\n")),
        ("at sign", |n, w| format!("@{n}: {w}\n")),
        ("asterisk", |n, w| format!("*{n}: {w}\n")),
        ("time before", |n, w| format!("[00:00:05] {n}: {w}\n")),
        ("time span before", |n, w| format!("00:00:01.000 - 00:00:04.000 {n}: {w}\n")),
        ("time after", |n, w| format!("{n} (00:05): {w}\n")),
    ];
    for (form, line) in forms {
        for (asks, answers) in [("Interviewer", "Respondent"), ("INT", "P1"), ("I", "R")] {
            let want = [
                format!("asks {asks}: How was it?"),
                format!("answers {answers}: We trained."),
                format!("asks {asks}: And then?"),
                format!("answers {answers}: So."),
            ];
            // One letter and a full stop begin a list as well; one letter in brackets is a mark.
            let letters =
                asks == "I" && ["full stop", "brackets", "angle brackets", "hyphen", "dash", "arrow"].contains(&form);
            if !letters {
                assert_eq!(shown(&file("x.txt", &talk(line, asks, answers))), want, "{form} {asks}");
            }
        }
    }
}

#[test]
fn a_mark_alone_is_no_label() {
    for mark in ["#", "@", "*", "[", "(", "<", "[]", "<>", "- ", "\t", "> ", ". ", "#:", "[:]", "1", "1. "] {
        let text = format!("[00:00:09]\n{mark}\n{mark}\nI: How?\nR: So.\n{mark}\n");
        assert_eq!(file("x.txt", &text).units.len(), 2, "{mark}");
    }
}

#[test]
fn numbers_of_lines_and_paragraphs_are_no_words() {
    let by_line = "1  Q.  How was it?\n2  A.  We trained\n3      all year.\n4  Q.  And then?\n5  A.  So.\n";
    let want =
        ["asks Q: How was it?", "answers A: We trained 3      all year.", "asks Q: And then?", "answers A: So."];
    let transcript = file("x.txt", by_line);
    assert_eq!(shown(&transcript), want);
    assert_eq!(transcript.units.len(), 5, "the number stands between two pieces of the turn");
    for form in ["{} {}: {}\n", "{}. {}: {}\n\n", "{:02} {}:  {}\n"] {
        let mut n = 0;
        let text: String = talk(|name, words| format!("{name}|{words}\n"), "INT", "RES")
            .lines()
            .map(|line| {
                n += 1;
                let (name, words) = line.split_once('|').unwrap();
                let number = if form.starts_with("{:02}") { format!("{n:02}") } else { n.to_string() };
                form.replacen("{:02}", &number, 1)
                    .replacen("{}", if form.starts_with("{}") { &number } else { name }, 1)
                    .replacen("{}", if form.starts_with("{}") { name } else { words }, 1)
                    .replacen("{}", words, 1)
            })
            .collect();
        let want = ["asks INT: How was it?", "answers RES: We trained.", "asks INT: And then?", "answers RES: So."];
        assert_eq!(shown(&file("x.txt", &text)), want, "{text}");
    }
    let list = "I: What is there?\nR: Three things:\n1. the schools\n2. the data\n3. us\n4. them\nI: And?\nR: So.\n";
    let want = ["asks I: What is there?", "answers R: Three things: 1. the schools 2. the data 3. us 4. them"];
    assert_eq!(shown(&file("x.txt", list))[..2], want);
}

#[test]
fn who_asks_is_found_in_odd_files() {
    let cases: [(&str, &str, &[&str]); 20] = [
        (
            "a focus group with two who ask, and a chorus",
            "Focus group 3\n\nModerator: Who starts?\nP1: I do.\nP3 (female): Me too.\nAll: [laughter]\nP2: Right.\n\
             Assistant Moderator: Say more, P2?\nP2: No.\nModerator: So?\nP1: Yes.\nP2: No.\n",
            &[
                "asks Moderator: Who starts?",
                "answers P1: I do.",
                "answers P3 (female): Me too.",
                "answers All: [laughter]",
                "answers P2: Right.",
                "asks Assistant Moderator: Say more, P2?",
                "answers P2: No.",
                "asks Moderator: So?",
                "answers P1: Yes.",
                "answers P2: No.",
            ],
        ),
        (
            "labels in two languages",
            "Interviewer / Entrevistadora: How?\nParticipant / Participante: So.\nInterviewer / Entrevistadora: And?\nParticipant / Participante: No.\n",
            &[
                "asks Interviewer / Entrevistadora: How?",
                "answers Participant / Participante: So.",
                "asks Interviewer / Entrevistadora: And?",
                "answers Participant / Participante: No.",
            ],
        ),
        (
            "labels that change in the middle",
            "Interviewer: How?\nRespondent: So.\nInterviewer: And?\nRespondent: No.\nI: Again?\nR: Yes.\nI: Why?\nR: Money.\n",
            &[
                "asks Interviewer: How?",
                "answers Respondent: So.",
                "asks Interviewer: And?",
                "answers Respondent: No.",
                "asks I: Again?",
                "answers R: Yes.",
                "asks I: Why?",
                "answers R: Money.",
            ],
        ),
        (
            "initials that the header explains",
            "INTERVIEW WITH SAM BROWN, MAY 4\nInterviewer: Jane Miller (JM)\nInterviewee: Sam Brown\n\n\
             JM: Tell me.\nSB: We trained. Was it good? Was it bad?\nJM: Mm-hm.\nSB: What did we do?\n",
            &[
                "asks JM: Tell me.",
                "answers SB: We trained. Was it good? Was it bad?",
                "asks JM: Mm-hm.",
                "answers SB: What did we do?",
            ],
        ),
        (
            "a title above the header",
            "Transcript 4\nInterviewer: Jane Miller\nRespondent: Sam Brown\nDate: May 4\n\nJane: Well.\nSam: We trained. Why?\nJane: Mm.\nSam: Was it good?\n",
            &["asks Jane: Well.", "answers Sam: We trained. Why?", "asks Jane: Mm.", "answers Sam: Was it good?"],
        ),
        (
            "a legend",
            "Key: JM = interviewer, SB = respondent\n\nJM: Well.\nSB: We trained. Why?\nJM: Mm.\nSB: Was it good?\n",
            &["asks JM: Well.", "answers SB: We trained. Why?", "asks JM: Mm.", "answers SB: Was it good?"],
        ),
        (
            "requests without a question mark",
            "JM: Tell me about your work.\nSB: I train. What else?\nJM: So, walk me through a week.\nSB: Monday we meet.\nJM: Go on.\nSB: That is all.\n",
            &[
                "~asks JM: Tell me about your work.",
                "~answers SB: I train. What else?",
                "~asks JM: So, walk me through a week.",
                "~answers SB: Monday we meet.",
                "~asks JM: Go on.",
                "~answers SB: That is all.",
            ],
        ),
        (
            "only the one who asks has a label, a name",
            "Jane: What do you do?\n\nI train.\n\nAnd data.\n\nJane: How often?\n\nWeekly.\n",
            &[
                "~asks Jane: What do you do?",
                "~answers : I train.  And data.",
                "~asks Jane: How often?",
                "~answers : Weekly.",
            ],
        ),
        (
            "only the one who answers has a label",
            "How was it?\n\nRespondent: We trained.\n\nIt was long. Why? Money.\n\nAnd then?\n\nRespondent: So.\n",
            &[
                "~asks : How was it?",
                "answers Respondent: We trained.  It was long. Why? Money.",
                "~asks : And then?",
                "answers Respondent: So.",
            ],
        ),
        (
            "only the one who answers has a label, line by line",
            "How was it?\nR: We trained.\nAnd then?\nR: So.\n",
            &["~asks : How was it?", "answers R: We trained.", "~asks : And then?", "answers R: So."],
        ),
        (
            "one speaker only",
            "Respondent: We trained. Was it good?\n\nIt was.\n\nRespondent: And then we stopped.\n",
            &["answers Respondent: We trained. Was it good?  It was.  Respondent: And then we stopped."],
        ),
        (
            "Otter with its head",
            "Interview\nThu, May 4\n\nSUMMARY KEYWORDS\nschool, data\n\nJane Miller  00:00\nWhat do you do?\n\nSam Brown  00:04\nI train.\n\n\
             Jane Miller  00:12\nHow often?\n\nSam Brown  00:15\nWeekly.\n\nTranscribed by https://otter.ai\n",
            &[
                "~asks Jane Miller: What do you do?",
                "~answers Sam Brown: I train.",
                "~asks Jane Miller: How often?",
                "~answers Sam Brown: Weekly.",
            ],
        ),
        (
            "Teams, copied from the page",
            "Miller, Jane\n0 minutes 3 seconds0:03\nMiller, Jane 0 minutes 3 seconds\nWhat do you do?\nBrown, Sam\n0 minutes 7 seconds0:07\n\
             Brown, Sam 0 minutes 7 seconds\nI train.\nMiller, Jane\n1 minute 2 seconds1:02\nMiller, Jane 1 minute 2 seconds\nHow often?\n\
             Brown, Sam\n1 minute 5 seconds1:05\nBrown, Sam 1 minute 5 seconds\nWeekly.\nMiller, Jane stopped transcription\n",
            &[
                "~asks Miller, Jane: What do you do?",
                "~answers Brown, Sam: I train.",
                "~asks Miller, Jane: How often?",
                "~answers Brown, Sam: Weekly.",
            ],
        ),
        (
            "Zoom with the name of a device",
            "WEBVTT\n\n1\n00:00:01.000 --> 00:00:04.000\nJane Miller (she/her): What do you do?\n\n2\n00:00:04.500 --> 00:00:09.000\niPhone (2): I train.\n\n\
             3\n00:00:09.500 --> 00:00:12.000\nJane Miller (she/her): How often?\n\n4\n00:00:12.500 --> 00:00:15.000\niPhone (2): Weekly.\n",
            &[
                "~asks Jane Miller (she/her): What do you do?",
                "~answers iPhone (2): I train.",
                "~asks Jane Miller (she/her): How often?",
                "~answers iPhone (2): Weekly.",
            ],
        ),
        (
            "a hard-wrapped answer with colons",
            "Q: Can you tell me what you do with\nprincipals?\nA: Sure. We train.\nData: that is the other thing.\nMonday: we meet.\nQ: And then?\nA: We stopped.\nReason: money.\nQ: ok?\nA: Yes\n",
            &[
                "asks Q: Can you tell me what you do with principals?",
                "answers A: Sure. We train. Data: that is the other thing. Monday: we meet.",
                "asks Q: And then?",
                "answers A: We stopped. Reason: money.",
                "asks Q: ok?",
                "answers A: Yes",
            ],
        ),
        (
            "brackets and dashes that are no labels",
            "I: How was it?\nR: We trained - all of us.\n[Participant] was there. Interviewer - no.\n(laughs) So.\nI: And?\nR: No. Then - nothing.\n",
            &[
                "asks I: How was it?",
                "answers R: We trained - all of us. [Participant] was there. Interviewer - no. (laughs) So.",
                "asks I: And?",
                "answers R: No. Then - nothing.",
            ],
        ),
        (
            "a diary of short sentences",
            "Monday. We trained.\nTuesday. We stopped.\nMonday. Again.\nTuesday. So.\n",
            &["~answers : Monday. We trained. Tuesday. We stopped. Monday. Again. Tuesday. So."],
        ),
        (
            "a table of questions and answers",
            "Question,Answer\nHow was it?,We trained.\nAnd?,So.\n",
            &["asks Question: How was it?", "answers : We trained.", "asks Question: And?", "answers : So."],
        ),
        (
            "a table of excerpts",
            "Excerpt,Resource,Speaker\n\"We trained, them.\",P1,Respondent\n",
            &["answers Respondent: We trained, them."],
        ),
        (
            "names between tabs",
            "JANE\tWhat do you do?\nSAM\tI train.\nJANE\tHow often?\nSAM\tWeekly.\n",
            &[
                "~asks JANE: What do you do?",
                "~answers SAM: I train.",
                "~asks JANE: How often?",
                "~answers SAM: Weekly.",
            ],
        ),
    ];
    for (name, text, want) in cases {
        let file_name = if text.contains(",Answer") || text.starts_with("Excerpt") { "x.csv" } else { "x.txt" };
        assert_eq!(shown(&file(file_name, text)), want, "{name}");
    }
}

#[test]
fn what_can_be_doubted_is_told_and_what_is_usual_is_not_shouted() {
    let codes = |text: &str| -> Vec<(&'static str, Severity)> {
        file("x.txt", text).notes.iter().map(|note| (note.code, note.severity)).collect()
    };
    let cases: [(&str, &[(&'static str, Severity)]); 6] = [
        ("Interview 4, May 4\n\nI: How?\nR: So.\n", &[("W_UNLABELLED", Severity::Note)]),
        ("We spoke before. Did you see it?\n\nI: How?\nR: So.\n", &[("W_UNLABELLED", Severity::Warning)]),
        ("I: How?\nRespondent: So.\nI: And?\nR: No.\n", &[("W_CONFUSABLE", Severity::Note)]),
        (
            "I: How?\nMrs. Ruiz: So.\nI: And?\nRuiz: No.\nI: Eh?\nMrs. Ruiz: So.\nRuiz: No.\n",
            &[("W_CONFUSABLE", Severity::Note)],
        ),
        ("I: How?\nP1: So.\nI: And?\nP2: No.\n", &[]),
        ("I: How?\nPrincipal: So.\nI: And?\nTeacher: No.\nPrincipal: So.\nTeacher: No.\n", &[]),
    ];
    for (text, want) in cases {
        assert_eq!(codes(text), want, "{text}");
    }
}

#[test]
fn interviewers_are_met_however_they_are_spelled() {
    let talk = "INT1: How?\nJane Miller: So.\nINT2: And?\nJane Miller: No.\n";
    let asks = |labels: &[&str]| -> String {
        let interviewers = labels.iter().map(ToString::to_string).collect();
        let options = ReadOptions { interviewers, ..ReadOptions::default() };
        let transcript = read(talk.as_bytes(), "x.txt", &options).unwrap();
        let asks = transcript.speakers.iter().filter(|s| s.role == SpeakerRole::Interviewer);
        asks.map(|speaker| speaker.name.as_str()).collect::<Vec<_>>().join(", ")
    };
    let cases: [(&[&str], &str); 9] = [
        (&["INT1"], "INT1"),
        (&[" int1 : "], "INT1"),
        (&["\"Int2\"", "INT1:"], "INT1, INT2"),
        (&["int"], "INT1, INT2"),
        (&["Jane Miller"], "Jane Miller"),
        (&["miller"], "Jane Miller"),
        (&["JANE"], "Jane Miller"),
        // Nobody is called so: as if nothing had been said.
        (&["Smith"], "INT1, INT2"),
        (&[""], "INT1, INT2"),
    ];
    for (labels, want) in cases {
        assert_eq!(asks(labels), want, "{labels:?}");
    }
}
