//! `ttplan completions`: what a shell needs to complete our commands and flags.

use crate::cli::command_line;
use crate::cli::out::Out;
use crate::error::Result;

/// Print completions for a shell.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which shell
    shell: clap_complete::Shell,
}

/// Runs the command.
pub fn run(args: &Args, out: &mut Out) -> Result<u8> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut command_line(), "ttplan", &mut text);
    out.result(&String::from_utf8_lossy(&text))?;
    Ok(0)
}
