//! `ttplan verify`: whether this host would run a plan, and who signed it.

use std::path::PathBuf;

use crate::cli::out::Out;
use crate::cli::settings::HostArgs;
use crate::cli::trusting::{Bundle, check_apart, trusted};
use crate::error::Result;
use crate::model::risk;
use crate::model::step::Risk;
use crate::render::style::{good, plain};

/// Check a plan's signatures and all that this host demands of a plan; exits 4 when it would not be run.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The plan file
    file: PathBuf,
    #[command(flatten)]
    host: HostArgs,
}

/// Runs the command.
pub fn run(args: &Args, out: &mut Out) -> Result<u8> {
    let site = args.host.site()?;
    check_apart(&args.file, &site)?;
    let trusted = trusted(Bundle::read(&args.file)?, &site, false)?;
    let mut text = String::new();
    for signed in trusted.signed() {
        text.push_str(&format!(
            "{} {} ({})\n",
            good("signed by"),
            plain(&signed.principal),
            plain(&signed.fingerprint)
        ));
    }
    for (file, why) in trusted.refused() {
        text.push_str(&format!("not counted: {}: {}\n", plain(file), plain(&why.to_string())));
    }
    let destructive = trusted.plan().steps.iter().any(|step| risk::of_step(step) == Risk::Destructive);
    let needed = if destructive { site.trust.required_for_destructive } else { site.trust.required };
    text.push_str(&format!("needs {needed} of them; sha256 {}\n", trusted.sha256()));
    if trusted.is_expired(super::now()) {
        text.push_str(&format!(
            "expired at {}: it can be resumed and taken back, not begun\n",
            trusted.plan().expires_at
        ));
    }
    out.result(&text)?;
    Ok(0)
}
