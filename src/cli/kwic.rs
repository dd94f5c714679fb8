//! `precode kwic`: a concordance of any pattern.

use super::console::Console;
use super::exit::Exit;
use super::reading::{self, Folder};
use crate::inspect::kwic::{self, Line, Whose};
use crate::lexicon;
use crate::store::manifest::Manifest;
use crate::transcript::SpeakerRole;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Show where a pattern stands, each place with the words around it
#[derive(Args)]
#[command(after_help = "Example:
  precode kwic corpus/interviews \"train~ .. (principal* | teacher*)\"
  precode kwic corpus/interviews \"@district > train~ > @school\" --codebook lexicons/brokering.toml")]
pub struct KwicArgs {
    /// A folder with transcripts, a transcript, or a study
    #[arg(value_name = "CORPUS")]
    corpus: PathBuf,
    /// Any pattern of the lexicon language
    pattern: String,
    /// Codebook whose lists and parties the pattern may name
    #[arg(long, value_name = "FILE")]
    codebook: Option<PathBuf>,
    /// Level of speakers whose own is unknown, for "we" and "they" in parties
    #[arg(long)]
    level: Option<String>,
    /// Whose speech
    #[arg(long, value_enum, default_value = "respondent")]
    role: Role,
    /// Characters before and after
    #[arg(long, value_name = "N", default_value_t = 45)]
    width: usize,
    /// Write CSV
    #[arg(long)]
    csv: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Role {
    /// Answers
    Respondent,
    /// Questions
    Interviewer,
    /// Everything
    All,
}

impl Role {
    fn meant(self) -> Whose {
        match self {
            Role::Respondent => Whose::Role(SpeakerRole::Respondent),
            Role::Interviewer => Whose::Role(SpeakerRole::Interviewer),
            Role::All => Whose::All,
        }
    }
}

/// Runs the command.
///
/// # Errors
/// When the standard output is closed or full, or the study cannot be written to.
pub fn kwic(args: &KwicArgs, console: &mut Console) -> anyhow::Result<Exit> {
    let lexicon = match lexicon::with_pattern(args.codebook.as_deref(), &args.pattern) {
        Ok(lexicon) => lexicon,
        Err(found) => {
            console.problems(&found);
            return Ok(Exit::Usage);
        }
    };
    let Some(folder) = Folder::open(std::slice::from_ref(&args.corpus), console) else { return Ok(Exit::Usage) };
    let mut lines = Vec::new();
    let level = args.level.as_deref();
    reading::each(&folder, console, |transcript| {
        lines.extend(kwic::find(&lexicon, transcript, args.role.meant(), level, args.width));
    });
    if let Some(study) = folder.study() {
        let shown = lines.iter().map(|line| (line.transcript.clone(), line.turn)).collect();
        reading::remember(study, &Manifest::load(study)?.lexicon.sha256, "kwic", shown)?;
    }
    if args.csv {
        csv(&lines, console)?
    } else {
        table(args, &lines, console)?
    }
    Ok(Exit::Done)
}

fn table(args: &KwicArgs, lines: &[Line], console: &mut Console) -> anyhow::Result<()> {
    let places: Vec<String> = lines.iter().map(|line| format!("{}:{}", line.transcript, line.turn)).collect();
    let margin = places.iter().map(|place| place.chars().count()).max().unwrap_or(0);
    for (line, place) in lines.iter().zip(&places) {
        let role = match line.role {
            SpeakerRole::Respondent => "R",
            SpeakerRole::Interviewer => "I",
            SpeakerRole::Other => "-",
        };
        let place = console.dim(&format!("{place:margin$} {role}"));
        let (before, found) = (&line.before, console.bold(&line.found));
        let line = format!("{place}  {before:>width$}{found}{after}", width = args.width, after = line.after);
        console.say(line.trim_end())?;
    }
    let transcripts: std::collections::BTreeSet<&str> = lines.iter().map(|line| line.transcript.as_str()).collect();
    console.say(&format!("{} places in {} transcripts", lines.len(), transcripts.len()))?;
    Ok(())
}

fn csv(lines: &[Line], console: &mut Console) -> anyhow::Result<()> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record([
        "transcript",
        "turn",
        "speaker",
        "speaker_role",
        "start_byte",
        "end_byte",
        "before",
        "found",
        "after",
    ])?;
    for line in lines {
        let role = format!("{:?}", line.role).to_lowercase();
        let (turn, start, end) = (line.turn.to_string(), line.span.start.to_string(), line.span.end.to_string());
        let cells =
            [&line.transcript, &turn, &line.speaker, &role, &start, &end, &line.before, &line.found, &line.after];
        writer.write_record(cells)?;
    }
    console.bytes(&writer.into_inner()?)?;
    Ok(())
}
