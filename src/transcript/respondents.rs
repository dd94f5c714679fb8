//! What is known about the people: `respondents.csv`, and the level of the organisation that they speak from.
//!
//! Comes in: a table with one row per transcript or speaker. Goes out: attributes of speakers.
//! Never happens here: an attribute for an interviewer, or a level without a word on where it comes from
//! (`level_source` is `respondents`, `header` or `words`).

use super::draft::{Context, placed};
use super::table::{self, Row, StrayQuote};
use super::{ReadOptions, Speaker, SpeakerRole, Transcript, decode, level, scheme};
use crate::diagnostic::Diagnostic;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Columns whose values are from a list.
const LISTS: [(&str, &[&str]); 3] = [
    ("level", &["central_office", "school", "outside"]),
    ("source_type", &["interview", "observation", "document"]),
    ("speaker_role", &["respondent", "interviewer", "other"]),
];

/// One row: what is known of a transcript's respondents, or of one speaker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Respondent {
    /// Name of the table.
    pub source: String,
    /// Line in the file, from 1.
    pub line: usize,
    /// The transcript, as the row names it.
    pub transcript: String,
    /// The label of the speaker; none: every respondent of the transcript.
    pub speaker: Option<String>,
    /// The other columns that are not empty, by name.
    pub attributes: BTreeMap<String, String>,
}

/// A `respondents.csv`, or several.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Respondents {
    rows: Vec<Respondent>,
    /// Places in `rows`, by what they call the transcript.
    by_transcript: FxHashMap<String, Vec<usize>>,
}

impl Respondents {
    /// Reads a table. The delimiter is found from its first line; `transcript` is the only column it must have.
    ///
    /// ```
    /// # use precode::transcript::respondents::Respondents;
    /// let table = b"transcript;respondent_id;level\nb01;CO-1;Central office\n";
    /// let respondents = Respondents::parse(table, "respondents.csv").unwrap();
    /// assert_eq!(respondents.rows()[0].attributes["level"], "central_office");
    /// ```
    ///
    /// # Errors
    /// Every row that cannot be used, with its line; nothing of such a table is used.
    pub fn parse(bytes: &[u8], source: &str) -> Result<Self, Vec<Diagnostic>> {
        let options = ReadOptions::default();
        let context = Context { source, options: &options };
        decode::check_size(bytes, &context).map_err(|e| vec![e])?;
        let text = decode::decode(bytes.to_vec(), &context).map_err(|e| vec![e])?.text;
        let delimiter = table::delimiter(text.lines().next().unwrap_or(""));
        let rows: Result<Vec<Row<'_>>, StrayQuote> = table::rows(&text, delimiter).collect();
        let rows = rows.map_err(|StrayQuote(byte)| {
            vec![placed(context.error("E_CSV_QUOTE", "a quote opens here and does not close"), &text, byte)]
        })?;
        let Some((head, rows)) = rows.split_first() else { return Ok(Respondents::default()) };
        let names = columns(head, &text, &context).map_err(|e| vec![e])?;
        let mut table = Reading {
            names,
            text: &text,
            context: &context,
            seen: BTreeSet::new(),
            problems: Vec::new(),
            place: (0, 1),
        };
        let rows: Vec<Respondent> = rows.iter().filter_map(|row| table.row(row)).collect();
        if !table.problems.is_empty() {
            return Err(table.problems);
        }
        let mut all = Respondents::default();
        rows.into_iter().for_each(|row| all.push(row));
        Ok(all)
    }

    /// Rows in the order of their tables.
    pub fn rows(&self) -> &[Respondent] {
        &self.rows
    }

    /// Adds the rows of another table: they come after those that are there.
    pub fn extend(&mut self, other: Respondents) {
        other.rows.into_iter().for_each(|row| self.push(row));
    }

    fn push(&mut self, row: Respondent) {
        self.by_transcript.entry(row.transcript.clone()).or_default().push(self.rows.len());
        self.rows.push(row);
    }

    /// Warnings for rows whose transcript is not there, and for transcripts that no row names.
    ///
    /// `files` are the name and the path of each transcript that was read. Without any row there is no warning.
    pub fn check(&self, files: &[(&str, &str)]) -> Vec<Diagnostic> {
        if self.rows.is_empty() {
            return Vec::new();
        }
        let called: FxHashSet<&str> = files.iter().flat_map(|(name, path)| names(name, path)).collect();
        let lost = self.rows.iter().filter(|row| !called.contains(row.transcript.as_str())).map(|row| {
            let message = format!("no transcript is called {:?}", row.transcript);
            let warning = Diagnostic::warning("W_ROW_WITHOUT_FILE", &row.source, message).at_line(row.line);
            warning.help("write the name of the file, with its folder where names repeat")
        });
        let unknown = files.iter().filter(|(name, path)| self.rows_of(name, path).is_empty()).map(|(name, path)| {
            let message = format!("no row of {} is about {name:?}", self.rows[0].source);
            Diagnostic::warning("W_FILE_WITHOUT_ROW", *path, message)
        });
        lost.chain(unknown).collect()
    }

    /// The rows about a transcript, in order.
    fn rows_of(&self, name: &str, path: &str) -> Vec<&Respondent> {
        let found = names(name, path).filter_map(|name| self.by_transcript.get(name)).flatten();
        let places: BTreeSet<usize> = found.copied().collect();
        places.into_iter().map(|place| &self.rows[place]).collect()
    }
}

/// Fills the attributes of the respondents of a transcript: from their row, else from the header block; the level,
/// where neither says it, from labels and words. A row with `speaker_role` sets the role of its speaker.
pub fn attach(transcript: &mut Transcript, respondents: &Respondents) {
    let rows = respondents.rows_of(&transcript.name.clone(), &transcript.source.clone());
    for row in &rows {
        set_role(transcript, row);
    }
    for row in rows.iter().filter(|r| r.speaker.is_none()).chain(rows.iter().filter(|r| r.speaker.is_some())) {
        for speaker in &mut transcript.speakers {
            let meant = row.speaker.as_ref().is_none_or(|name| scheme::fold(name) == scheme::fold(&speaker.name));
            if meant && speaker.role == SpeakerRole::Respondent {
                fill(speaker, row);
            }
        }
    }
    level::infer(transcript);
}

/// A row's values go before those that are there.
fn fill(speaker: &mut Speaker, row: &Respondent) {
    for (key, value) in row.attributes.iter().filter(|(key, _)| *key != "speaker_role") {
        speaker.attributes.insert(key.clone(), value.clone());
    }
    if row.attributes.contains_key("level") {
        speaker.attributes.insert("level_source".to_string(), "respondents".to_string());
    }
}

/// The role that a row gives to its speaker.
fn set_role(transcript: &mut Transcript, row: &Respondent) {
    let Some(name) = &row.speaker else { return };
    let folded = scheme::fold(name);
    let Some(speaker) = transcript.speakers.iter_mut().find(|s| scheme::fold(&s.name) == folded) else {
        let message = format!("{} has no speaker called {name:?}", transcript.name);
        transcript.notes.push(Diagnostic::warning("W_ROW_WITHOUT_SPEAKER", &row.source, message).at_line(row.line));
        return;
    };
    let role = match row.attributes.get("speaker_role").map(String::as_str) {
        Some("interviewer") => SpeakerRole::Interviewer,
        Some("respondent") => SpeakerRole::Respondent,
        Some("other") => SpeakerRole::Other,
        _ => return,
    };
    (speaker.role, speaker.guessed) = (role, false);
}

/// What a row may call a transcript: its name, its file name, or its file name without extension.
fn names<'t>(name: &'t str, path: &'t str) -> impl Iterator<Item = &'t str> {
    let path = Path::new(path);
    let stem = path.file_stem().filter(|_| !name.contains('/'));
    [path.file_name(), stem].into_iter().flatten().filter_map(std::ffi::OsStr::to_str).chain([name])
}

/// Column names in lower case with underscores.
fn columns(head: &Row<'_>, text: &str, context: &Context<'_>) -> Result<Vec<String>, Diagnostic> {
    let names: Vec<String> = head.cells.iter().map(|c| fold(c)).collect();
    let doubled = names.iter().enumerate().find(|(i, name)| names[..*i].contains(name));
    let problem = |what: String| {
        let problem = context.error("E_CSV_HEADER", format!("{what}; columns found: {}", names.join(", ")));
        placed(
            problem.help("begin the table with: transcript,respondent_id,district,department,school,job_role,level"),
            text,
            0,
        )
    };
    match doubled {
        Some((_, name)) => Err(problem(format!("two columns are called {name:?}"))),
        None if !names.iter().any(|n| n == "transcript") => {
            Err(problem("no column called \"transcript\"".to_string()))
        }
        None => Ok(names),
    }
}

fn fold(cell: &str) -> String {
    cell.trim().to_lowercase().replace([' ', '-'], "_")
}

/// A table while its rows are read.
struct Reading<'a> {
    names: Vec<String>,
    text: &'a str,
    context: &'a Context<'a>,
    /// Transcript and speaker of the rows so far.
    seen: BTreeSet<(String, Option<String>)>,
    problems: Vec<Diagnostic>,
    /// A byte, and its line.
    place: (usize, usize),
}

impl Reading<'_> {
    fn row(&mut self, row: &Row<'_>) -> Option<Respondent> {
        if row.cells.len() != self.names.len() {
            let message = format!("expected {} fields, found {}", self.names.len(), row.cells.len());
            self.problem("E_CSV_RAGGED", message, "quote cells that hold the delimiter", row);
            return None;
        }
        let mut attributes: BTreeMap<String, String> = BTreeMap::new();
        for (name, cell) in self.names.clone().into_iter().zip(&row.cells) {
            let value = self.value(&name, cell.trim(), row);
            if !value.is_empty() {
                attributes.insert(name, value);
            }
        }
        let speaker = attributes.remove("speaker");
        let Some(transcript) = attributes.remove("transcript") else {
            self.problem(
                "E_RESPONDENT",
                "no transcript in this row".to_string(),
                "name the file that it is about",
                row,
            );
            return None;
        };
        if !self.seen.insert((transcript.clone(), speaker.clone())) {
            let message = format!("a second row about {transcript:?} and the same speaker");
            self.problem("E_RESPONDENT", message, "keep one of them, or fill in the column speaker", row);
        }
        let line = self.line(row.byte);
        Some(Respondent { source: self.context.source.to_string(), line, transcript, speaker, attributes })
    }

    /// The line of a byte; rows come in order, so that each line is counted once.
    fn line(&mut self, byte: usize) -> usize {
        let (from, line) = self.place;
        self.place = (byte, line + self.text[from..byte].matches('\n').count());
        self.place.1
    }

    /// A cell; one with a list of values in the spelling of that list.
    fn value(&mut self, name: &str, cell: &str, row: &Row<'_>) -> String {
        let Some((_, list)) = LISTS.iter().find(|(column, _)| *column == name) else { return cell.to_string() };
        let folded = fold(cell);
        if !folded.is_empty() && !list.contains(&folded.as_str()) {
            let help = format!("use one of {}, or leave it empty", list.join(", "));
            self.problem("E_RESPONDENT", format!("{name} {cell:?} is not known"), &help, row);
        }
        folded
    }

    fn problem(&mut self, code: &'static str, message: String, help: &str, row: &Row<'_>) {
        self.problems.push(placed(self.context.error(code, message).help(help), self.text, row.byte));
    }
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;

    const TALK: &[u8] =
        b"Moderator: How?\nAnn: We train them.\nModerator: And?\nBo: I do not.\nModerator: Why?\nAnn: So.\nBo: No.\n";

    fn transcript() -> Transcript {
        read(TALK, "site/fg1.txt", &ReadOptions::default()).unwrap()
    }

    #[test]
    fn rows_for_a_file_and_for_one_speaker() {
        let table =
            b"Transcript,Speaker,District,Level,Years\nfg1,,Northgate,school,\nfg1.txt,ann,,central office,12\n";
        let respondents = Respondents::parse(table, "r.csv").unwrap();
        let mut transcript = transcript();
        attach(&mut transcript, &respondents);
        let shown = |i: usize| format!("{:?}", transcript.speakers[i].attributes);
        assert_eq!(shown(0), "{}");
        assert_eq!(
            shown(1),
            r#"{"district": "Northgate", "level": "central_office", "level_source": "respondents", "years": "12"}"#
        );
        assert_eq!(shown(2), r#"{"district": "Northgate", "level": "school", "level_source": "respondents"}"#);
    }

    #[test]
    fn a_row_can_name_the_interviewer() {
        let table = b"transcript\tspeaker\tspeaker_role\nfg1\tBo\tinterviewer\nfg1\tCy\tother\n";
        let mut transcript = transcript();
        attach(&mut transcript, &Respondents::parse(table, "r.tsv").unwrap());
        assert_eq!(transcript.speakers[2].role, SpeakerRole::Interviewer);
        assert!(transcript.notes.iter().any(|n| n.code == "W_ROW_WITHOUT_SPEAKER" && n.line == Some(3)));
    }

    #[test]
    fn problems_have_lines() {
        let table = b"transcript,level\nb01,school\nb02,skool\nb03\n,school\nb01,outside\n";
        let problems = Respondents::parse(table, "r.csv").unwrap_err();
        let places: Vec<_> = problems.iter().map(|p| (p.code, p.line.unwrap())).collect();
        let want = [("E_RESPONDENT", 3), ("E_CSV_RAGGED", 4), ("E_RESPONDENT", 5), ("E_RESPONDENT", 6)];
        assert_eq!(places, want);
        assert_eq!(Respondents::parse(b"file,level\na,b\n", "r.csv").unwrap_err()[0].code, "E_CSV_HEADER");
    }

    #[test]
    fn ten_thousand_rows_meet_ten_thousand_files_in_order() {
        let n = 10_000;
        let table: String = (0..n).map(|i| format!("p{i},{i}\n")).collect();
        let mut respondents = Respondents::parse(format!("transcript,years\n{table}").as_bytes(), "r.csv").unwrap();
        respondents.extend(Respondents::parse(b"transcript,years\np7.txt,seven\nq,8\n", "more.csv").unwrap());
        let files: Vec<(String, String)> = (1..=n).map(|i| (format!("p{i}"), format!("x/p{i}.txt"))).collect();
        let files: Vec<(&str, &str)> = files.iter().map(|(name, path)| (name.as_str(), path.as_str())).collect();
        let began = std::time::Instant::now();
        let found: Vec<_> = respondents.check(&files).iter().map(|d| (d.path.clone(), d.line)).collect();
        let want = [("r.csv", Some(2)), ("more.csv", Some(3)), ("x/p10000.txt", None)];
        assert_eq!(found, want.map(|(path, line)| (path.to_string(), line)));
        assert!(files.iter().take(n - 1).all(|(name, path)| !respondents.rows_of(name, path).is_empty()));
        // Rows times files would be 10^8 comparisons of names, a minute without optimisation.
        assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
        let years: Vec<&str> =
            respondents.rows_of("p7", "x/p7.txt").iter().map(|row| row.attributes["years"].as_str()).collect();
        assert_eq!(years, ["7", "seven"], "the second table comes after the first");
    }

    #[test]
    fn rows_without_file_and_files_without_row() {
        let respondents = Respondents::parse(b"transcript\nb01\nb09\n", "r.csv").unwrap();
        let notes = respondents.check(&[("b01", "x/b01.txt"), ("b02", "x/b02.vtt")]);
        let lines: Vec<_> = notes.iter().map(Diagnostic::line).collect();
        assert!(
            lines[0].starts_with("r.csv:3: warning[W_ROW_WITHOUT_FILE]: no transcript is called \"b09\"; help: ")
        );
        assert_eq!(lines[1], "x/b02.vtt: warning[W_FILE_WITHOUT_ROW]: no row of r.csv is about \"b02\"");
        assert_eq!(notes.len(), 2);
    }
}
