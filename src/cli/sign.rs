//! `ttplan sign`: shows what is to be signed, asks, and writes a detached signature beside it.

use std::path::PathBuf;

use crate::artifact::files::{self, Existing};
use crate::cli::out::Out;
use crate::cli::{ask, show};
use crate::error::Result;
use crate::model::names::Digest;
use crate::render;
use crate::trust::file_names::signature_file_name;
use crate::trust::signing_key::SigningKey;
use crate::trust::{PLAN_NAMESPACE, sshsig};

/// Sign a plan with an OpenSSH key.
///
/// Writes FILE.PRINCIPAL.sig; `ssh-keygen -Y verify -n ttplan-plan-v1` reads it too.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The plan file
    file: PathBuf,
    /// The private key, in OpenSSH's format
    #[arg(long, value_name = "FILE", env = "TTPLAN_KEY")]
    key: PathBuf,
    /// Who signs, as the host's allowed_signers call you
    #[arg(long, value_name = "WHO", env = "TTPLAN_PRINCIPAL")]
    principal: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Runs the command.
pub fn run(args: &Args, out: &mut Out) -> Result<u8> {
    let (plan, bytes) = show::read(&args.file)?;
    out.say(&render::plan::in_short(&plan, &Digest::of(&bytes)));
    if !args.yes && !ask::yes("Sign exactly this plan?", "--yes", out)? {
        return Err(crate::error::Error::new(crate::error::Kind::Cancelled, "cancelled; nothing was signed"));
    }
    let what = format!("passphrase of `{}`", args.key.display());
    let key = SigningKey::read(&args.key, &mut || ask::passphrase(&what))?;
    let text = sshsig::sign(&bytes, PLAN_NAMESPACE, &key)?;
    let name = args.file.file_name().unwrap_or_default().to_string_lossy();
    let path = args.file.with_file_name(signature_file_name(&name, &args.principal));
    files::write(&path, text.as_bytes(), 0o644, Existing::Replace)?;
    out.result(&format!("{}\n", path.display()))?;
    Ok(0)
}
