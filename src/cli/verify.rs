//! `ttplan verify`: whether this host would run a plan, and who signed it.

use std::path::PathBuf;

use crate::artifact::json;
use crate::cli::out::Out;
use crate::cli::settings::HostArgs;
use crate::cli::trusting::{Bundle, check_apart, trusted};
use crate::cli::watch::Format;
use crate::error::Result;
use crate::model::risk;
use crate::model::step::Risk;
use crate::model::verification::{Signature, Verification};
use crate::render;
use crate::trust::verdict::Signed;

/// Check a plan's signatures and all that this host demands of a plan; exits 4 when it would not be run.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The plan file
    file: PathBuf,
    /// For people, or as JSON
    #[arg(long, value_enum, default_value_t, env = "TTPLAN_FORMAT")]
    format: Format,
    #[command(flatten)]
    host: HostArgs,
}

/// Runs the command.
pub fn run(args: &Args, out: &mut Out) -> Result<u8> {
    let site = args.host.site()?;
    check_apart(&args.file, &site)?;
    let trusted = trusted(Bundle::read(&args.file)?, &site, false)?;
    let destructive = trusted.plan().steps.iter().any(|step| risk::of_step(step) == Risk::Destructive);
    let verification = Verification {
        plan_sha256: trusted.sha256(),
        signed: trusted.signed().iter().map(signature).collect(),
        not_counted: trusted.refused().iter().map(|(file, why)| (file.clone(), why.to_string())).collect(),
        needed: if destructive { site.trust.required_for_destructive } else { site.trust.required },
        expires_at: trusted.plan().expires_at,
        expired: trusted.is_expired(super::now()),
    };
    out.result(&match args.format {
        Format::Text => render::verification::verification(&verification),
        Format::Json => format!("{}\n", json::to_line(&verification)),
    })?;
    Ok(0)
}

fn signature(signed: &Signed) -> Signature {
    Signature { principal: signed.principal.clone(), fingerprint: signed.fingerprint.clone() }
}
