//! `ttplan verify`: whether this host would run a plan, or plan from an observation, and who signed it.

use std::path::PathBuf;

use crate::artifact::document;
use crate::cli::out::Out;
use crate::cli::settings::HostArgs;
use crate::cli::trusting::{Bundle, Leave, believed, check_apart, trusted};
use crate::error::Result;
use crate::model::names::Moment;
use crate::model::site::Site;
use crate::model::step::Risk;
use crate::render::style::{good, plain};
use crate::trust::plan::TrustedPlan;
use crate::trust::verdict::Signed;

/// Check a plan's signatures and all that this host demands of a plan; exits 4 when it would not be run.
///
/// An observation is held against what the host demands of observations.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The plan or observation file
    file: PathBuf,
    /// Judge keys and signatures as of another time (2026-11-20T12:00:00Z); nothing is ever run so
    #[arg(long, value_name = "TIME", value_parser = moment)]
    verify_time: Option<Moment>,
    #[command(flatten)]
    host: HostArgs,
}

fn moment(text: &str) -> Result<Moment, String> {
    Moment::parse(text).ok_or_else(|| "write 2026-11-20T12:00:00Z".to_owned())
}

/// Runs the command.
pub fn run(args: &Args, out: &mut Out) -> Result<u8> {
    let site = args.host.site()?;
    check_apart(&args.file, &site)?;
    let now = args.verify_time.unwrap_or_else(super::now);
    let bundle = Bundle::read(&args.file)?;
    let text = match document::read_observation(&bundle.file.name, &bundle.file.bytes) {
        Ok(seen) => {
            let signed = believed(&bundle, &seen, &site, now)?;
            format!("{}made at {}\n", signers(&signed), seen.made_at)
        }
        Err(_) => of_plan(&trusted(bundle, &site, &Leave::default(), now)?, &site, now),
    };
    out.result(&text)?;
    Ok(0)
}

fn of_plan(trusted: &TrustedPlan, site: &Site, now: Moment) -> String {
    let mut text = signers(trusted.signed());
    for (file, why) in trusted.refused() {
        text.push_str(&format!("not counted: {}: {}\n", plain(file), plain(&why.to_string())));
    }
    let (mut needed, mut roles) = (site.trust.required, String::new());
    if trusted.plan().risk() == Risk::Destructive {
        needed = site.trust.required_for_destructive;
        let named = site.trust.roles_for_destructive.iter().map(|role| format!(", one of them a {}", plain(role)));
        roles = named.collect();
    }
    text.push_str(&format!("needs {needed} of them{roles}; sha256 {}\n", trusted.sha256()));
    if trusted.is_expired(now) {
        let at = trusted.plan().expires_at;
        text.push_str(&format!("expired at {at}: it can be resumed and taken back, not begun\n"));
    }
    text
}

fn signers(signed: &[Signed]) -> String {
    let line =
        |one: &Signed| format!("{} {} ({})\n", good("signed by"), plain(&one.principal), plain(&one.fingerprint));
    signed.iter().map(line).collect()
}
