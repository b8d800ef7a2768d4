//! `ttplan verify`: whether this host would run a plan, or plan from an observation, and who signed
//! it.

use std::path::PathBuf;

use crate::artifact::document;
use crate::artifact::json;
use crate::cli::out::Out;
use crate::cli::reporter::Format;
use crate::cli::settings::HostArgs;
use crate::cli::trusted_plan::{Bundle, Judged, believed, check_apart, judged};
use crate::error::{Error, Kind, Result};
use crate::model::host::HostConfig;
use crate::model::names::{Digest, Moment};
use crate::model::plan::step::Risk;
use crate::model::text::{counted, shell_word};
use crate::model::verification::{Signature, Verification};
use crate::openssh::verify::Signed;
use crate::render::style::when;
use crate::render::verification::{Question, accepted, questions, refusals, signers};
use crate::trust::trusted_plan::Verdict;

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
    if let Ok(seen) = document::read_observation(&bundle.file.name, &bundle.file.bytes) {
        let signed = believed(&bundle, &seen, &site, now)?;
        let seen = of_observation(&signed, &bundle.file.bytes, &site);
        return accept(args, &seen, &[Question::new("signed", signers(&seen), &Ok(()))], "", out);
    }
    let Judged { verdict, complete, valid } = judged(&bundle, &site, now)?;
    let seen = of_plan(&verdict, Digest::of(&bundle.file.bytes), &site);
    let until = verdict.plan.expires_at;
    let mut asked = vec![
        Question::new("signed", format!("{}, file unchanged", signers(&seen)), &verdict.signed),
        Question {
            what: "permitted",
            yes: format!("on site `{}`: all its paths, commands and objects", site.name),
            no: verdict.refused.iter().collect(),
        },
        Question::new("valid", format!("until {}", when(until)), &valid),
    ];
    if bundle.sidecar.is_some() || complete.is_err() {
        let list = bundle.list.file_name().unwrap_or_default().to_string_lossy().into_owned();
        asked.push(Question::new("complete", format!("file list `{list}`"), &complete));
    }
    if refusals(&asked) == 0 {
        let file = shell_word(&args.file.to_string_lossy());
        let next = format!("ttplan apply {file}{}", args.host.words());
        return accept(args, &seen, &asked, &next, out);
    }
    if args.format == Format::Json {
        return Err(all_of(&bundle.file.name, &asked));
    }
    let n = counted(refusals(&asked), "reason");
    out.result(&format!(
        "{}Refused for {n} (exit code {}).\n",
        questions(&asked),
        Kind::Refused.exit_code()
    ))?;
    Ok(Kind::Refused.exit_code())
}

fn accept(
    args: &Args,
    seen: &Verification,
    asked: &[Question<'_>],
    next: &str,
    out: &mut Out,
) -> Result<u8> {
    out.result(&match args.format {
        Format::Text => format!("{}{}", questions(asked), accepted(seen, next)),
        Format::Json => format!("{}\n", json::to_line(seen)),
    })?;
    Ok(0)
}

/// One refusal for all reasons, for programs.
fn all_of(name: &str, asked: &[Question<'_>]) -> Error {
    let refused = asked.iter().flat_map(|one| &one.no);
    let reasons = refused.clone().flat_map(|error| error.reasons()).collect();
    let error = Error::refused(Kind::Refused, format!("plan `{name}` is refused here"), reasons);
    refused.flat_map(|error| error.hints()).fold(error, Error::hint)
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
    }
}

fn of_plan(verdict: &Verdict, sha256: Digest, site: &HostConfig) -> Verification {
    let (mut needed, mut one_of) = (site.trust.required, None);
    if verdict.plan.risk() == Risk::Destructive {
        needed = site.trust.required_for_destructive;
        one_of = Some(site.trust.roles_for_destructive.clone()).filter(|roles| !roles.is_empty());
    }
    let refused = verdict.signers.refused.iter();
    Verification {
        sha256,
        signed: verdict.signers.signed.iter().map(signature).collect(),
        not_counted: refused.map(|(file, why)| (file.clone(), why.to_string())).collect(),
        needed,
        author: verdict.plan.author.clone().filter(|_| site.trust.separate_author),
        one_of,
        expires_at: Some(verdict.plan.expires_at),
    }
}

fn signature(signed: &Signed) -> Signature {
    Signature { principal: signed.principal.clone(), fingerprint: signed.fingerprint.clone() }
}
