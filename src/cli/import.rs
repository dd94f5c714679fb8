//! `precode import`: another program's dictionary as a codebook.

use super::console::Console;
use super::exit::Exit;
use crate::lexicon::import::{self, Format};
use crate::store::StoreError;
use clap::Args;
use std::path::PathBuf;

/// Turn a dictionary of LIWC, WordStat, Yoshikoder, quanteda or Lexicoder into a codebook
///
/// What could not be carried over is listed with its line. The codebook goes to the standard output, or to --out.
#[derive(Args)]
#[command(after_help = "Example:\n  precode import moral.dic --out lexicons/moral.toml")]
pub struct ImportArgs {
    /// The dictionary
    file: PathBuf,
    /// Whose form it has; by default found from its content
    #[arg(long, value_enum)]
    from: Option<Format>,
    /// Where to write the codebook; must not exist
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// When the file cannot be read or the codebook cannot be written.
pub fn import(args: &ImportArgs, console: &mut Console) -> anyhow::Result<Exit> {
    let bytes = std::fs::read(&args.file).map_err(|error| StoreError::io(&args.file, error))?;
    let shown = args.file.display().to_string();
    let text = import::decode(&bytes);
    let Some(format) = args.from.or_else(|| import::recognise(&text)) else {
        console.warn(&format!("error: {shown}: no dictionary that is known; help: say whose with --from"));
        return Ok(Exit::Usage);
    };
    let name = args.file.file_stem().map_or_else(|| "imported".to_string(), |s| s.to_string_lossy().to_lowercase());
    let (imported, problems) = import::read(format, &shown, &text);
    console.problems(&problems);
    if imported.categories.is_empty() {
        console.warn(&format!("error: {shown}: no category could be read as {}", format.title()));
        return Ok(Exit::Usage);
    }
    let codebook = import::write(&imported, &name, format);
    match &args.out {
        None => console.bytes(codebook.as_bytes())?,
        Some(out) => {
            let write = || -> std::io::Result<()> {
                let mut file = std::fs::File::create_new(out)?;
                std::io::Write::write_all(&mut file, codebook.as_bytes())
            };
            write().map_err(|error| StoreError::io(out, error))?;
        }
    }
    let (categories, terms) =
        (imported.categories.len(), imported.categories.iter().map(|c| c.terms.len()).sum::<usize>());
    let title = format.title();
    console.warn(&format!(
        "{shown}: {title}, {categories} categories, {terms} entries; {} not carried over",
        problems.len()
    ));
    Ok(Exit::Done)
}
