//! `precode completions` and `precode man`: made from the same definitions as `--help`.

use super::{Cli, Console, Exit};
use clap::{Args, CommandFactory as _};

/// Print a completion script for your shell
#[derive(Args)]
#[command(after_help = "Example:\n  precode completions bash > ~/.local/share/bash-completion/completions/precode")]
pub struct CompletionsArgs {
    /// bash, zsh, fish, elvish or powershell
    shell: clap_complete::Shell,
}

/// Print the manual page, of the program or of one command
#[derive(Args)]
#[command(after_help = "Example:\n  precode man > precode.1\n  precode man code > precode-code.1")]
pub struct ManArgs {
    /// A command, such as code
    command: Option<String>,
}

/// Prints the completion script.
pub fn completions(args: &CompletionsArgs, console: &mut Console) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "precode", &mut script);
    console.bytes(&script)?;
    Ok(Exit::Done)
}

/// Prints the manual page as roff.
pub fn man(args: &ManArgs, console: &mut Console) -> anyhow::Result<Exit> {
    let mut command = Cli::command();
    command.build();
    if let Some(name) = &args.command {
        let Some(found) = command.find_subcommand(name) else {
            console.warn(&format!("error: there is no command {name:?}; precode --help lists them"));
            return Ok(Exit::Usage);
        };
        command = found.clone().display_name(format!("precode-{name}"));
    }
    let mut page = Vec::new();
    let source = concat!("precode ", env!("CARGO_PKG_VERSION"));
    clap_mangen::Man::new(command).source(source).render(&mut page)?;
    console.bytes(&page)?;
    Ok(Exit::Done)
}
