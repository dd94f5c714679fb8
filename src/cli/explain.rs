//! `precode explain`: why a code was given, and why not.

use super::console::Console;
use super::exit::Exit;
use super::reading;
use crate::codebook::CodeId;
use crate::coding::{Coding, Evidence, PROPOSED};
use crate::examples;
use crate::inspect::explain::{self, Account, Miss};
use crate::inspect::kwic::flat;
use crate::lexicon::Lexicon;
use crate::pipeline::{Coder, Glimpse, Options};
use crate::store::layout::Study;
use crate::store::manifest::Manifest;
use crate::store::reread::Reread;
use crate::store::rows;
use crate::transcript::{SpeakerRole, Transcript};
use clap::Args;
use std::path::{Path, PathBuf};

/// Say why a code was given to an answer, and which rule came nearest for every other code
#[derive(Args)]
#[command(after_help = "Examples:
  precode explain study b01:3
  precode explain --text \"We trained every principal.\" --codebook lexicons/brokering.toml --level central_office")]
pub struct ExplainArgs {
    /// Folder that `precode code` wrote
    #[arg(required_unless_present = "text")]
    pub(super) study: Option<PathBuf>,
    /// A coding's id, or TRANSCRIPT:TURN
    #[arg(required_unless_present = "text")]
    id: Option<String>,
    /// Words to be explained instead of a study's
    #[arg(long, conflicts_with_all = ["study", "id"], requires = "codebook")]
    text: Option<String>,
    /// The codebook; by default the one that the study names, in this folder or in lexicons/
    #[arg(long, value_name = "FILE")]
    codebook: Option<PathBuf>,
    /// Level of the speaker of --text
    #[arg(long, requires = "text")]
    level: Option<String>,
    /// What was asked before --text
    #[arg(long, requires = "text")]
    question: Option<String>,
    /// Only this code
    #[arg(long)]
    code: Option<String>,
    /// Rules named for a code at most
    #[arg(long, value_name = "N", default_value_t = 2)]
    nearest: usize,
}

/// Runs the command.
///
/// # Errors
/// When the study cannot be read, or the standard output is closed or full.
pub fn explain(args: &ExplainArgs, console: &mut Console) -> anyhow::Result<Exit> {
    match (&args.text, &args.codebook, &args.study, &args.id) {
        (Some(text), Some(codebook), _, _) => explain_text(args, text, codebook, console),
        (_, _, Some(study), Some(id)) => explain_study(args, &Study::at(study), id, console),
        _ => Ok(Exit::Usage),
    }
}

fn explain_text(args: &ExplainArgs, text: &str, codebook: &Path, console: &mut Console) -> anyhow::Result<Exit> {
    let Some(lexicon) = reading::codebook(codebook, console) else { return Ok(Exit::Usage) };
    let whole = args.question.as_ref().map_or(text.to_string(), |question| format!("Q: {question} A: {text}"));
    let mut transcript = examples::transcript(&lexicon, &whole, None);
    for speaker in transcript.speakers.iter_mut().filter(|s| s.role == SpeakerRole::Respondent) {
        match &args.level {
            Some(level) => speaker.attributes.insert("level".to_string(), level.clone()),
            None => speaker.attributes.remove("level"),
        };
    }
    let Some(code) = wanted(args, &lexicon, console) else { return Ok(Exit::Usage) };
    let turn = if args.question.is_some() { 1 } else { 0 };
    Show { args, lexicon: &lexicon, options: Options::default(), code }.turn(&transcript, turn, console)?;
    Ok(Exit::Done)
}

fn explain_study(args: &ExplainArgs, study: &Study, id: &str, console: &mut Console) -> anyhow::Result<Exit> {
    let manifest = Manifest::load(study)?;
    let Some((name, turn)) = place(study, id)? else {
        console.warn(&format!(
            "error: the study has no coding \"{id}\"; help: give an id of codings.jsonl, or TRANSCRIPT:TURN"
        ));
        return Ok(Exit::Usage);
    };
    let codebook = reading::codebook_of(study, &manifest, args.codebook.as_deref(), console);
    let Some(lexicon) = codebook else { return Ok(Exit::Usage) };
    let Some(transcript) = Reread::open(study)?.transcript(&name)? else {
        console.warn(&format!("error: the study has no transcript \"{name}\""));
        return Ok(Exit::Usage);
    };
    let Some(code) = wanted(args, &lexicon, console) else { return Ok(Exit::Usage) };
    reading::remember(study, &manifest.lexicon.sha256, "explain", [(name, turn)].into())?;
    let show = Show { args, lexicon: &lexicon, options: reading::options_of(&manifest), code };
    let shown = show.turn(&transcript, turn, console)?;
    if !shown {
        console.warn(&format!(
            "error: turn {turn} is no answer of a respondent; turns count from 0, interviewers' included"
        ));
        return Ok(Exit::Usage);
    }
    Ok(Exit::Done)
}

/// Transcript and turn of a coding's id, or of `TRANSCRIPT:TURN`.
fn place(study: &Study, id: &str) -> anyhow::Result<Option<(String, usize)>> {
    if let Some((name, turn)) = id.rsplit_once(':').and_then(|(name, turn)| Some((name, turn.parse().ok()?))) {
        return Ok(Some((name.to_string(), turn)));
    }
    for coding in rows::read::<Coding>(&study.codings())? {
        let coding = coding?;
        if coding.id == id {
            return Ok(Some((coding.transcript, coding.turn)));
        }
    }
    Ok(None)
}

/// The code asked for, or all; `None` after having said that there is none of this name.
fn wanted(args: &ExplainArgs, lexicon: &Lexicon, console: &mut Console) -> Option<Option<CodeId>> {
    let Some(name) = &args.code else { return Some(None) };
    let known = lexicon.codebook.codes.iter().map(|code| code.name.as_str());
    let found = lexicon.codebook.id(name);
    if found.is_none() {
        let near =
            crate::lexicon::nearest(name, known).map_or(String::new(), |near| format!("; did you mean \"{near}\"?"));
        console.warn(&format!("error: codebook has no code \"{name}\"{near}"));
    }
    found.map(Some)
}

struct Show<'s> {
    args: &'s ExplainArgs,
    lexicon: &'s Lexicon,
    options: Options,
    code: Option<CodeId>,
}

impl Show<'_> {
    /// Shows every segment of an answer; false when the turn is no answer.
    fn turn(&self, transcript: &Transcript, turn: usize, console: &mut Console) -> anyhow::Result<bool> {
        let coder = Coder::new(self.lexicon, self.options.clone());
        let codings = coder.worker().code(transcript).codings;
        let mut pages = Vec::new();
        coder.worker().visit(transcript, |glimpse| {
            if glimpse.turn == turn && glimpse.speaker.role == SpeakerRole::Respondent {
                pages.push(self.page(transcript, glimpse, &codings, console));
            }
        });
        pages.iter().try_for_each(|page| console.say(page.trim_end()))?;
        Ok(!pages.is_empty())
    }

    fn page(&self, transcript: &Transcript, glimpse: &Glimpse, codings: &[Coding], console: &Console) -> String {
        let mut accounts = explain::explain(glimpse);
        accounts.retain(|account| self.code.is_none_or(|code| account.code == code));
        // Codes with rows first, by confidence; then the others, by how near a rule came.
        accounts.sort_by(|a, b| self.rank(b).total_cmp(&self.rank(a)));
        let level = glimpse.scene.level.unwrap_or("unknown");
        let mut page = format!(
            "{}:{} {} (level {level})\n  {}\n",
            transcript.name,
            glimpse.turn,
            flat(&glimpse.speaker.name),
            flat(glimpse.span.of(&transcript.text))
        );
        for account in &accounts {
            let name = &self.lexicon.codebook.code(account.code).name;
            let of = |coding: &&Coding| {
                coding.turn == glimpse.turn
                    && coding.code == *name
                    && glimpse.span.start <= coding.start_byte
                    && coding.end_byte <= glimpse.span.end
            };
            let lines = self.account(glimpse, account, codings.iter().find(of));
            page += &format!("\n{}{lines}", console.bold(name));
        }
        page
    }

    fn rank(&self, account: &Account) -> f64 {
        let confidence = account.verdict.as_ref().map_or(0.0, |verdict| verdict.confidence);
        let near = account.misses.first().map_or(0.0, |miss| miss.share);
        if account.found.is_empty() { near / 10.0 } else { 1.0 + confidence }
    }

    fn account(&self, glimpse: &Glimpse, account: &Account, coding: Option<&Coding>) -> String {
        let mut out = verdict(account, coding);
        match coding {
            Some(coding) => coding.evidence.iter().for_each(|evidence| out += &self.evidence(evidence)),
            None => {
                for found in &account.found {
                    let rule = &self.lexicon.rules[found.rule].id;
                    let words = explain::words(&glimpse.scene, found.hit);
                    out += &format!("  + {rule}: \"{words}\" {:+.2}\n", found.contribution);
                }
            }
        }
        for miss in account.misses.iter().take(self.args.nearest) {
            out += &self.miss(glimpse, miss);
        }
        out
    }

    fn evidence(&self, evidence: &Evidence) -> String {
        let sign = if evidence.weight < 0.0 { '-' } else { '+' };
        let context =
            if evidence.context.is_empty() { String::new() } else { format!(" ({})", evidence.context.join(", ")) };
        format!("  {sign} {}: \"{}\" {:+.2}{context}\n", evidence.rule, flat(&evidence.text), evidence.weight)
    }

    fn miss(&self, glimpse: &Glimpse, miss: &Miss) -> String {
        let rule = &self.lexicon.rules[miss.rule].id;
        let words = miss.hit.map_or(String::new(), |hit| format!(" \"{}\"", explain::words(&glimpse.scene, hit)));
        format!("  . {rule}{words}: {}\n", miss.why)
    }
}

/// The first line after the name: what became of the code.
fn verdict(account: &Account, coding: Option<&Coding>) -> String {
    match (coding, &account.verdict) {
        (Some(coding), _) => {
            let what = if coding.confidence >= PROPOSED { "proposed" } else { "not proposed" };
            let flags: Vec<&str> = coding.flags.iter().map(|flag| flag.name()).collect();
            let flags = if flags.is_empty() { String::new() } else { format!(" [{}]", flags.join(", ")) };
            let from = if coding.calibrated_on > 0 {
                format!("calibrated on {} judgements", coding.calibrated_on)
            } else {
                "not calibrated".to_string()
            };
            format!(": {what}, confidence {:.2} ({from}), score {:.2}{flags}\n", cut(coding.confidence), coding.score)
        }
        (None, Some(verdict)) => {
            format!(": not given, confidence {:.2}, score {:.2}\n", cut(verdict.confidence), verdict.score)
        }
        (None, None) => ": not given, nothing speaks for it\n".to_string(),
    }
}

/// A confidence in hundredths, cut and not rounded: one just below a half is no proposal, and must not read as 0.50.
fn cut(confidence: f64) -> f64 {
    (confidence * 100.0 + 1e-6).floor() / 100.0
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn what_is_below_a_half_reads_so() {
        let read = [0.4996, 0.5, 0.29, 0.999, 0.0, 1.0].map(|confidence| format!("{:.2}", cut(confidence)));
        assert_eq!(read, ["0.49", "0.50", "0.29", "0.99", "0.00", "1.00"]);
    }
}
