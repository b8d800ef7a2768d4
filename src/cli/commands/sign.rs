//! `ttplan sign`: shows what is to be signed, asks, and writes a detached signature beside it.

use std::path::PathBuf;

use crate::artifact::document;
use crate::cli::ask;
use crate::cli::commands::show;
use crate::cli::out::Out;
use crate::cli::signing_key;
use crate::error::{Error, Kind, Result};
use crate::fs::files::{self, Existing};
use crate::model::names::Digest;
use crate::render;
use crate::trust::signature_files::signature_file_name;
use crate::trust::{OBSERVATION_NAMESPACE, PLAN_NAMESPACE};

const EXAMPLES: &str = "Examples:
  ttplan sign change.ttplan.json --key ~/.ssh/id_ed25519 --principal ada
  ttplan sign change.ttplan.json --key ~/.ssh/id_ed25519_sk.pub --principal ada   (by the SSH agent)
  TTPLAN_SIGNING_KEY=... ttplan sign change.ttplan.json --principal ci --yes";

/// Sign a plan, or an observation, with an OpenSSH key.
///
/// Writes FILE.PRINCIPAL.sig; `ssh-keygen -Y verify -n ttplan-plan-v1` reads it too. The key is
/// that of `--key`, else the one in TTPLAN_SIGNING_KEY, else the one that the SSH agent holds.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The plan or observation file
    file: PathBuf,
    /// The private key in OpenSSH's format, or the public half (.pub) of one that the SSH agent
    /// holds
    #[arg(long, value_name = "FILE", env = "TTPLAN_KEY")]
    key: Option<PathBuf>,
    /// Who signs, as the host's allowed_signers call you
    #[arg(long, value_name = "WHO", env = "TTPLAN_PRINCIPAL")]
    principal: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Runs the command.
pub fn run(args: &Args, out: &mut Out) -> Result<u8> {
    let (bytes, namespace, question) = shown(args, out)?;
    if !args.yes && !ask::yes(question, "--yes", out)? {
        return Err(Error::new(Kind::Cancelled, "cancelled; nothing was signed"));
    }
    let text = signing_key::signer(args.key.as_deref())?.sign(&bytes, namespace)?;
    let name = args.file.file_name().unwrap_or_default().to_string_lossy();
    let path = args.file.with_file_name(signature_file_name(&name, &args.principal));
    files::write(&path, text.as_bytes(), 0o644, Existing::Replace)?;
    out.result(&format!("{}\n", path.display()))?;
    Ok(0)
}

/// Shows what is to be signed; returns its bytes, what the signature is for, and what to ask.
fn shown(args: &Args, out: &mut Out) -> Result<(Vec<u8>, &'static str, &'static str)> {
    let bytes = files::read(&args.file)?;
    if let Ok(seen) = document::read_observation(&args.file.to_string_lossy(), &bytes) {
        let sha256 = Digest::of(&bytes);
        out.say(&format!(
            "{}made at {}, sha256 {sha256}\n",
            render::observation::observation(&seen),
            seen.made_at
        ));
        return Ok((bytes, OBSERVATION_NAMESPACE, "Sign exactly this observation?"));
    }
    let (plan, bytes) = show::read(&args.file)?;
    out.say(&render::plan::to_sign(&plan, &Digest::of(&bytes)));
    Ok((bytes, PLAN_NAMESPACE, "Sign exactly this plan?"))
}
