//! `precode verify`: is the study still what was written, and were its inputs changed since?

use super::{Console, Exit};
use crate::store::layout::Study;
use crate::store::places::{self, Places};
use crate::store::verify::{self, Verified};
use clap::Args;
use std::path::PathBuf;

/// Check a study against the digests of its manifest, and every quotation against its place
///
/// Looks at every published file, at the inputs, the codebook and its files where they lie where they did, and at the
/// journal of decisions with its chain of hashes. Changes nothing. Exit code 12 when anything differs.
#[derive(Args)]
#[command(after_help = "Example:\n  precode verify study\n  precode verify study --inputs corpus/interviews")]
pub struct VerifyArgs {
    /// The study folder
    pub(super) study: PathBuf,

    /// Where the transcripts lie now, as they were given to `precode code`; once for each folder
    #[arg(long, value_name = "FOLDER")]
    inputs: Vec<PathBuf>,

    /// Where the codebook lies now
    #[arg(long, value_name = "FILE")]
    codebook: Option<PathBuf>,
}

/// Runs the command.
pub fn verify(args: &VerifyArgs, console: &mut Console) -> anyhow::Result<Exit> {
    let study = Study::at(&args.study);
    let found = verify::verify(&study, &given(args))?;
    console.problems(&found.differences);
    console.problems(&found.unchecked);
    said(&found, console)?;
    Ok(if found.differences.is_empty() { Exit::Done } else { Exit::Damaged })
}

fn given(args: &VerifyArgs) -> Places {
    Places {
        inputs: args.inputs.iter().map(|path| places::absolute(path)).collect(),
        codebook: args.codebook.as_deref().map(places::absolute).unwrap_or_default(),
        ..Places::default()
    }
}

fn said(found: &Verified, console: &mut Console) -> std::io::Result<()> {
    let Verified { files, codings, turns, inputs, .. } = found;
    let decisions = found.decisions.map_or("no journal".to_string(), |n| format!("{n} rows of the journal"));
    console.say(&format!(
        "looked at {files} published files, {codings} codings, {turns} turns, {inputs} transcripts, {decisions}"
    ))?;
    let paths: std::collections::BTreeSet<&str> = found.differences.iter().map(|d| d.path.as_str()).collect();
    match paths.len() {
        0 => console.say("ok: nothing differs"),
        1 => console.say("1 file differs"),
        n => console.say(&format!("{n} files differ")),
    }
}
