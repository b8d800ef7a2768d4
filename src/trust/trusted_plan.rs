//! A plan that may be run: verified, parsed from the same bytes, held against the host.
//!
//! [`TrustedPlan`] has private fields and no constructor but [`verify`] and [`accept_unsigned`],
//! so that running anything else does not compile. Whether a plan has expired is for `apply` to
//! judge, since going on with a run that was begun in time is exempt.

use crate::error::{Error, Kind, Reason, Result};
use crate::model::host::HostConfig;
use crate::model::names::{Digest, Moment};
use crate::model::plan::Plan;
use crate::model::plan::version;
use crate::model::text::shell_word;
use crate::openssh::verify::{Refusal, Signed};
use crate::trust::PLAN_NAMESPACE;
use crate::trust::approval::{approved, break_glass, enough};
use crate::trust::context::{PlanFile, VerifyContext};
use crate::trust::host_policy;
use crate::trust::offence::Offence;
use crate::trust::signers;
use crate::trust::signers::{SignatureFile, Signers};
use crate::trust::stamp_evidence;
use crate::trust::validation;

/// A plan that this host may run.
#[derive(Clone, Debug)]
pub struct TrustedPlan {
    plan: Plan,
    file: PlanFile,
    sha256: Digest,
    signatures: Vec<SignatureFile>,
    signed: Vec<Signed>,
    refused: Vec<(String, Refusal)>,
    break_glass: Option<String>,
}

impl TrustedPlan {
    /// What to do.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The very bytes that were signed and parsed.
    pub fn file(&self) -> &PlanFile {
        &self.file
    }

    /// Of the bytes: what the plan is known by.
    pub fn sha256(&self) -> Digest {
        self.sha256
    }

    /// Who signed; empty only for a plan accepted unsigned.
    pub fn signed(&self) -> &[Signed] {
        &self.signed
    }

    /// Whether the host accepted it without signatures.
    pub fn is_unsigned(&self) -> bool {
        self.signed.is_empty()
    }

    /// Every signature file that came with it, for the run's own folder.
    pub fn signatures(&self) -> &[SignatureFile] {
        &self.signatures
    }

    /// Signature files that did not count, and why.
    pub fn refused(&self) -> &[(String, Refusal)] {
        &self.refused
    }

    /// Why it was accepted with fewer signatures than it needs, if it was.
    pub fn break_glass(&self) -> Option<&str> {
        self.break_glass.as_deref()
    }
}

/// So much may the clocks of two hosts differ, in seconds.
const CLOCKS_DIFFER: i64 = 15 * 60;

/// Whether a run of the plan may begin now. Going on with one that was begun in time, and undoing
/// it, are exempt, so this is for whoever begins one to ask.
///
/// Errors: `Kind::Stale`.
pub fn check_time(plan: &Plan, now: Moment) -> Result<()> {
    let (made, until) = (plan.made_at, plan.expires_at);
    // A plan that dates itself ahead would wait longer than it may.
    if made > now.plus_seconds(CLOCKS_DIFFER) {
        let message = format!("the plan was made at {made}, which is still to come");
        return Err(Error::new(Kind::Stale, message)
            .code("not_yet_valid")
            .found(made)
            .because(format!("it is {now} now"))
            .hint("set the clock of this host, or of the one that made the plan, and plan again"));
    }
    if now <= until {
        return Ok(());
    }
    Err(Error::new(Kind::Stale, format!("the plan expired at {until}"))
        .code("expired")
        .found(until)
        .because(format!("it is {now} now"))
        .hint("run `ttplan plan` again and have the new plan signed"))
}

/// What a host makes of a plan, each question by itself: for who asks and runs nothing.
pub struct Verdict {
    pub plan: Plan,
    pub signers: Signers,
    /// Whether as many signed, and those who have to.
    pub signed: Result<()>,
    /// Everything in which the plan is not what it says, or does what the host does not permit.
    pub refused: Vec<Error>,
}

/// Asks everything that [`verify`] asks, and goes on after a no. Nothing can be run of it.
///
/// Errors: for bytes that are no plan at all, in the reader's words.
pub fn judge(
    file: &PlanFile,
    signatures: &[SignatureFile],
    host: &VerifyContext<'_>,
) -> Result<Verdict> {
    let signers = signers::judge(&file.name, &file.bytes, signatures, PLAN_NAMESPACE, &host.ring);
    let plan = (host.format.read)(&file.bytes)?;
    let usual = host.site.trust.required.max(1);
    let signed = approved(&plan, file, signatures, &signers, usual, host);
    let mut refused: Vec<Error> =
        new_enough(&plan, &file.name, host.site).err().into_iter().collect();
    refused.extend(validation::check(&plan, &file.name).err());
    refused.extend(content(&plan, &file.name, host).into_iter().filter_map(Result::err));
    Ok(Verdict { plan, signers, signed, refused })
}

/// Makes a plan a trusted one.
///
/// In this order: enough persons signed the bytes; the bytes are a plan; as many signed as its
/// recomputed risk demands; it says nothing of itself that its moves contradict; it is for this
/// site; it makes sense; the host permits what it does.
///
/// Errors: `Kind::Stale` for another site, the reader's own for what is no plan, `Kind::Refused`
/// for all else.
pub fn verify(
    file: PlanFile,
    signatures: Vec<SignatureFile>,
    host: &VerifyContext<'_>,
) -> Result<TrustedPlan> {
    let signers = signers::judge(&file.name, &file.bytes, &signatures, PLAN_NAMESPACE, &host.ring);
    // A host that asks for no signature at all says so by `allow_unsigned`, not by a zero.
    let usual = host.site.trust.required.max(1);
    let glass = break_glass(&file.name, host)?;
    let needed = if glass.is_some() { 1 } else { usual };
    enough(&file, &signatures, &signers, needed, host)?;
    let plan = (host.format.read)(&file.bytes)?;
    validation::check(&plan, &file.name)?;
    if glass.is_none() {
        approved(&plan, &file, &signatures, &signers, needed, host)?;
    }
    new_enough(&plan, &file.name, host.site)?;
    check_content(&plan, &file.name, host)?;
    let Signers { signed, refused, .. } = signers;
    let sha256 = Digest::of(&file.bytes);
    Ok(TrustedPlan { plan, sha256, file, signatures, signed, refused, break_glass: glass })
}

/// Takes a plan without looking at signatures, where the host permits that at all. Everything
/// else is held against it all the same.
///
/// Errors: those of [`verify`], and `Kind::Refused` where the host does not permit it.
pub fn accept_unsigned(file: PlanFile, host: &VerifyContext<'_>) -> Result<TrustedPlan> {
    if !host.site.policy.allow_unsigned {
        let message = format!("the host does not run unsigned plans such as `{}`", file.name);
        let hint = format!("ttplan sign {} --key KEY", shell_word(&file.name));
        return Err(Error::new(Kind::Refused, message).code("unsigned_forbidden").hint(hint));
    }
    let plan = (host.format.read)(&file.bytes)?;
    validation::check(&plan, &file.name)?;
    check_content(&plan, &file.name, host)?;
    let sha256 = Digest::of(&file.bytes);
    Ok(TrustedPlan {
        plan,
        file,
        sha256,
        signatures: Vec::new(),
        signed: Vec::new(),
        refused: Vec::new(),
        break_glass: None,
    })
}

fn new_enough(plan: &Plan, name: &str, site: &HostConfig) -> Result<()> {
    let Some(least) =
        site.policy.minimum_format.filter(|least| version(&plan.format_version) < Some(*least))
    else {
        return Ok(());
    };
    let (message, (major, minor)) =
        (format!("plan `{name}` is of format {}", plan.format_version), least);
    Err(Error::new(Kind::Refused, message)
        .code("format_too_old")
        .found(&plan.format_version)
        .expected(format!("{major}.{minor}"))
        .because(format!("this host takes none older than {major}.{minor}"))
        .hint("make the plan again with a newer ttplan"))
}

fn check_content(plan: &Plan, name: &str, host: &VerifyContext<'_>) -> Result<()> {
    content(plan, name, host).into_iter().collect()
}

/// All that the host holds a plan against, each answer by itself.
fn content(plan: &Plan, name: &str, host: &VerifyContext<'_>) -> [Result<()>; 3] {
    [
        for_this_site(plan, name, host.site),
        permitted(name, host_policy::offences(plan, host.site)),
        has_evidence(plan, name, host),
    ]
}

fn for_this_site(plan: &Plan, name: &str, site: &HostConfig) -> Result<()> {
    if plan.target.site.as_ref() == Some(&site.name) {
        return Ok(());
    }
    let of = plan.target.site.as_deref();
    let site_of_plan = of.map_or("no site".to_owned(), |of| format!("the site `{of}`"));
    let message =
        format!("plan `{name}` is for {site_of_plan}, and this host is the site `{}`", site.name);
    Err(Error::new(Kind::Stale, message)
        .code("wrong_site")
        .found(of.unwrap_or("none"))
        .expected(&site.name))
}

fn has_evidence(plan: &Plan, name: &str, host: &VerifyContext<'_>) -> Result<()> {
    if !stamp_evidence::are_claimed(plan) {
        return Ok(());
    }
    let catalogues = (host.catalogues)(&plan.target.database.engine)?;
    refuse(
        name,
        "rests on nothing that this host knows",
        stamp_evidence::offences(plan, &catalogues),
    )
    .map_err(|error| {
        let file = host.site.file.to_text();
        error.hint(format!("name the catalogue under `[trust] catalogues` in `{file}`"))
    })
}

/// As [`refuse`], with what the host's administrator could do about each.
fn permitted(name: &str, offences: Vec<Offence>) -> Result<()> {
    let mut hints: Vec<String> = offences.iter().map(|offence| offence.hint.clone()).collect();
    hints.dedup();
    let reasons = offences.into_iter().map(|offence| offence.reason).collect();
    refuse(name, "is not permitted", reasons)
        .map_err(|error| hints.into_iter().fold(error, Error::hint))
}

/// An error that begins with the first reason and lists the others.
fn refuse(name: &str, verdict: &str, reasons: Vec<Reason>) -> Result<()> {
    if reasons.is_empty() {
        return Ok(());
    }
    Err(Error::refused(Kind::Refused, format!("plan `{name}` {verdict}"), reasons))
}
