//! `gan completions` and `gan man`: what shells and `man` read of the command line.

use super::Cli;
use super::usage::usage;
use anyhow::{Context, Result, anyhow};
use clap::CommandFactory;
use clap_complete::Shell;

/// `gan completions`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  gan completions bash > ~/.local/share/bash-completion/completions/gan
  gan completions zsh > ~/.zfunc/_gan
  gan completions fish > ~/.config/fish/completions/gan.fish")]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

/// `gan man`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  gan man | man -l -
  gan man train > gan-train.1")]
pub(super) struct Man {
    /// The command that the page is of, such as `train` or `data synth` [default: gan itself]
    command: Vec<String>,
}

/// The completions' script.
pub(super) fn completions(args: &Completions) -> String {
    let mut out = Vec::new();
    let mut command = Cli::command();
    clap_complete::generate(args.shell, &mut command, "gan", &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// The page, in roff.
pub(super) fn man(args: &Man) -> Result<String> {
    let mut whole = Cli::command();
    whole.build();
    let mut command = &whole;
    for name in &args.command {
        let below = command.find_subcommand(name);
        command =
            below.ok_or_else(|| usage(anyhow!("there is no command `{name}`; see --help")))?;
    }
    let mut out = Vec::new();
    clap_mangen::Man::new(command.clone())
        .render(&mut out)
        .context("cannot write the page")?;
    Ok(String::from_utf8_lossy(&out).into_owned())
}
