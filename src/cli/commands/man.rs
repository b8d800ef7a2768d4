//! `ttplan man`: a manual page of the program or of one of its commands.

use crate::cli::command_line;
use crate::cli::out::Out;
use crate::error::{Error, Kind, Result};

/// Print a manual page.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Of which command [default: of the program]
    command: Option<String>,
}

/// Runs the command.
pub fn run(args: &Args, out: &mut Out) -> Result<u8> {
    let mut program = command_line();
    program.build();
    let page = match &args.command {
        None => Some(&program),
        Some(name) => program.find_subcommand(name),
    };
    let page = page
        .cloned()
        .ok_or_else(|| Error::new(Kind::Usage, "there is no such command").hint("ttplan help"))?;
    let mut text = Vec::new();
    let failed = |error| Error::new(Kind::Failed, "cannot write the page").because(error);
    clap_mangen::Man::new(page).render(&mut text).map_err(failed)?;
    out.result(&String::from_utf8_lossy(&text))?;
    Ok(0)
}
