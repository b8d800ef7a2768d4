//! `ttplan verify`: whether this host would run a plan, or plan from an observation, and who signed
//! it.

use std::path::PathBuf;

use crate::artifact::document;
use crate::artifact::json;
use crate::cli::out::Out;
use crate::cli::reporter::Format;
use crate::cli::settings::HostArgs;
use crate::cli::trusted_plan::{Bundle, Leave, believed, check_apart, trusted};
use crate::error::Result;
use crate::model::host::HostConfig;
use crate::model::names::{Digest, Moment};
use crate::model::plan::step::Risk;
use crate::model::verification::{Signature, Verification};
use crate::openssh::verify::Signed;
use crate::render;
use crate::trust::trusted_plan::TrustedPlan;

/// Check a plan's signatures and all that this host demands of a plan; exits 4 when it would not be
/// run.
///
/// An observation is held against what the host demands of observations.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The plan or observation file
    file: PathBuf,
    /// Judge keys and signatures as of another time (2026-11-20T12:00:00Z); nothing is ever run so
    #[arg(long, value_name = "TIME", value_parser = moment)]
    verify_time: Option<Moment>,
    /// For people, or as JSON
    #[arg(long, value_enum, default_value_t, env = "TTPLAN_FORMAT")]
    format: Format,
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
    let now = args.verify_time.unwrap_or_else(crate::cli::now);
    let bundle = Bundle::read(&args.file)?;
    let seen = document::read_observation(&bundle.file.name, &bundle.file.bytes);
    let verification = match &seen {
        Ok(seen) => {
            of_observation(&believed(&bundle, seen, &site, now)?, &bundle.file.bytes, &site)
        }
        Err(_) => of_plan(&trusted(bundle, &site, &Leave::default(), now)?, &site, now),
    };
    out.result(&match args.format {
        Format::Text => render::verification::verification(&verification),
        Format::Json => format!("{}\n", json::to_line(&verification)),
    })?;
    Ok(0)
}

fn of_observation(signed: &[Signed], bytes: &[u8], site: &HostConfig) -> Verification {
    Verification {
        sha256: Digest::of(bytes),
        signed: signed.iter().map(signature).collect(),
        not_counted: Vec::new(),
        needed: site.trust.observations.as_ref().map_or(0, |asked| asked.required),
        author: None,
        one_of: None,
        expires_at: None,
        expired: false,
    }
}

fn of_plan(trusted: &TrustedPlan, site: &HostConfig, now: Moment) -> Verification {
    let (mut needed, mut one_of) = (site.trust.required, None);
    if trusted.plan().risk() == Risk::Destructive {
        needed = site.trust.required_for_destructive;
        one_of = Some(site.trust.roles_for_destructive.clone()).filter(|roles| !roles.is_empty());
    }
    Verification {
        sha256: trusted.sha256(),
        signed: trusted.signed().iter().map(signature).collect(),
        not_counted: trusted
            .refused()
            .iter()
            .map(|(file, why)| (file.clone(), why.to_string()))
            .collect(),
        needed,
        author: trusted.plan().author.clone().filter(|_| site.trust.separate_author),
        one_of,
        expires_at: Some(trusted.plan().expires_at),
        expired: trusted.is_expired(now),
    }
}

fn signature(signed: &Signed) -> Signature {
    Signature { principal: signed.principal.clone(), fingerprint: signed.fingerprint.clone() }
}
