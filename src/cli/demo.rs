//! `ttplan demo`.
use crate::cli::out::Out;
use crate::error::Result;
/// x
#[derive(Debug, clap::Args)]
pub struct Args {}
/// Runs the command.
pub fn run(_: &Args, _: &mut Out) -> Result<u8> {
    Ok(0)
}
