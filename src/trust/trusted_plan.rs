//! A plan that may be run: verified, parsed from the same bytes, held against the host.
//!
//! [`TrustedPlan`] has private fields and no constructor but [`verify`] and [`accept_unsigned`],
//! so that running anything else does not compile. Whether a plan has expired is for `apply` to
//! judge, since going on with a run that was begun in time is exempt.

use crate::engines;
use crate::error::{Error, Kind, Reason, Result};
use crate::model::database::catalogue::Catalogue;
use crate::model::dialect::Dialect;
use crate::model::host::HostConfig;
use crate::model::names::{Digest, Moment};
use crate::model::plan::Plan;
use crate::model::plan::step::Risk;
use crate::model::plan::version;
use crate::model::text::shell_word;
use crate::openssh::verify::{Keyring, Refusal, Signed};
use crate::trust::PLAN_NAMESPACE;
use crate::trust::host_policy;
use crate::trust::offence::Offence;
use crate::trust::signers;
use crate::trust::signers::{SignatureFile, Signers};
use crate::trust::stamp_evidence;
use crate::trust::validation;

/// A plan file as it lies on disk.
#[derive(Clone, Debug)]
pub struct PlanFile {
    /// Its name without the folder.
    pub name: String,
    pub bytes: Vec<u8>,
}

/// How plan documents are read and written.
#[derive(Clone, Copy)]
pub struct PlanFormat<'a> {
    /// Strictly: every field known, every version understood.
    pub read: &'a dyn Fn(&[u8]) -> Result<Plan>,
    /// As ttplan writes it; only to recognise a plan whose layout was changed.
    pub write: &'a dyn Fn(&Plan) -> Vec<u8>,
}

/// The host that is asked to run the plan.
#[derive(Clone, Copy)]
pub struct VerifyContext<'a> {
    pub site: &'a HostConfig,
    pub ring: Keyring<'a>,
    pub format: PlanFormat<'a>,
    /// The catalogues of the applications on this host, for one engine: shipped, or named by the
    /// host.
    pub catalogues: &'a dyn Fn(&str) -> Result<Vec<Catalogue>>,
    /// Why fewer signatures than usual have to do, where somebody breaks the glass.
    pub break_glass: Option<&'a str>,
}

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

    /// Whether it is too late to begin a run of it.
    pub fn is_expired(&self, now: Moment) -> bool {
        now > self.plan.expires_at
    }
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
    verify_with(file, signatures, host, &dialect_of)
}

/// Takes a plan without looking at signatures, where the host permits that at all. Everything
/// else is held against it all the same.
///
/// Errors: those of [`verify`], and `Kind::Refused` where the host does not permit it.
pub fn accept_unsigned(file: PlanFile, host: &VerifyContext<'_>) -> Result<TrustedPlan> {
    accept_unsigned_with(file, host, &dialect_of)
}

pub(in crate::trust) fn accept_unsigned_with(
    file: PlanFile,
    host: &VerifyContext<'_>,
    dialect_of: &DialectOf,
) -> Result<TrustedPlan> {
    if !host.site.policy.allow_unsigned {
        let message = format!("the host does not run unsigned plans such as `{}`", file.name);
        let hint = format!("ttplan sign {} --key KEY", shell_word(&file.name));
        return Err(Error::new(Kind::Refused, message).code("unsigned_forbidden").hint(hint));
    }
    let plan = (host.format.read)(&file.bytes)?;
    check_content(&plan, &file.name, host, dialect_of)?;
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

/// Finds how an engine spells SQL.
type DialectOf = dyn Fn(&str) -> Option<&'static dyn Dialect>;

fn dialect_of(engine: &str) -> Option<&'static dyn Dialect> {
    engines::by_name(engine).map(|engine| engine.dialect)
}

pub(in crate::trust) fn verify_with(
    file: PlanFile,
    signatures: Vec<SignatureFile>,
    host: &VerifyContext<'_>,
    dialect_of: &DialectOf,
) -> Result<TrustedPlan> {
    let signers = signers::judge(&file.name, &file.bytes, &signatures, PLAN_NAMESPACE, &host.ring);
    // A host that asks for no signature at all says so by `allow_unsigned`, not by a zero.
    let usual = host.site.trust.required.max(1);
    let glass = break_glass(&file.name, host)?;
    let needed = if glass.is_some() { 1 } else { usual };
    enough(&file, &signatures, &signers, needed, host)?;
    let plan = (host.format.read)(&file.bytes)?;
    if glass.is_none() {
        approved(&plan, &file, &signatures, &signers, needed, host)?;
    }
    new_enough(&plan, &file.name, host.site)?;
    check_content(&plan, &file.name, host, dialect_of)?;
    let Signers { signed, refused, .. } = signers;
    let sha256 = Digest::of(&file.bytes);
    Ok(TrustedPlan { plan, sha256, file, signatures, signed, refused, break_glass: glass })
}

/// That as many signed, and who has to, as the plan's recomputed risk demands.
fn approved(
    plan: &Plan,
    file: &PlanFile,
    signatures: &[SignatureFile],
    signers: &Signers,
    needed: u32,
    host: &VerifyContext<'_>,
) -> Result<()> {
    let trust = &host.site.trust;
    let apart =
        if trust.separate_author { Some(beside_author(plan, &file.name, signers)?) } else { None };
    let told = |error: Error| match (&plan.author, &apart) {
        (Some(author), Some(_)) => error.because(format!("its author `{author}` does not count")),
        _ => error,
    };
    let approvers = apart.as_ref().unwrap_or(signers);
    enough(file, signatures, approvers, needed, host).map_err(told)?;
    if plan.risk() != Risk::Destructive {
        return Ok(());
    }
    enough(file, signatures, approvers, trust.required_for_destructive.max(needed), host)
        .and_then(|()| every_role(&file.name, approvers, host.site))
        .map_err(|error| told(error.because("the plan is destructive")))
}

/// The signers beside the plan's author, who has to be one of them: a name that nobody signed for
/// would make anybody who wrote the plan somebody else.
fn beside_author(plan: &Plan, name: &str, signers: &Signers) -> Result<Signers> {
    let refused = |message: String| {
        Error::new(Kind::Refused, message)
            .code("author_missing")
            .because("this host takes no author's own approval")
    };
    let Some(author) = &plan.author else {
        return Err(refused(format!("plan `{name}` names no author"))
            .hint("ttplan plan --author PRINCIPAL -o FILE"));
    };
    signers.beside(author).ok_or_else(|| {
        let (word, author) = (shell_word(name), shell_word(author));
        refused(format!("plan `{name}` is not signed by its author"))
            .hint(format!("ttplan sign {word} --principal {author} --key KEY"))
    })
}

/// Why the glass is broken; the host has to permit that, and somebody has to sign all the same.
fn break_glass(name: &str, host: &VerifyContext<'_>) -> Result<Option<String>> {
    let Some(reason) = host.break_glass else { return Ok(None) };
    if !host.site.policy.break_glass {
        let message = format!("the host permits nobody to break the glass for plan `{name}`");
        let hint =
            format!("have it signed by as many as `ttplan verify {}` says", shell_word(name));
        return Err(Error::new(Kind::Refused, message).code("break_glass_forbidden").hint(hint));
    }
    if reason.trim().is_empty() {
        return Err(Error::new(Kind::Usage, "whoever breaks the glass gives a reason"));
    }
    Ok(Some(reason.trim().to_owned()))
}

/// One signer of each role that the host demands.
fn every_role(name: &str, signers: &Signers, site: &HostConfig) -> Result<()> {
    let members = |role: &String| site.trust.roles.get(role).map(Vec::as_slice).unwrap_or_default();
    let has = |role: &&String| {
        !signers.signed.iter().any(|signed| members(role).contains(&signed.principal))
    };
    let Some(role) = site.trust.roles_for_destructive.iter().find(has) else { return Ok(()) };
    let message = format!("plan `{name}` needs the signature of a `{role}`");
    Err(Error::new(Kind::Refused, message)
        .code("role_missing")
        .expected(role)
        .because(format!("that is {}", members(role).join(", ")))
        .hint(format!("ttplan sign {} --key KEY", shell_word(name))))
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

fn enough(
    file: &PlanFile,
    signatures: &[SignatureFile],
    signers: &Signers,
    needed: u32,
    host: &VerifyContext<'_>,
) -> Result<()> {
    if signers.persons >= needed {
        return Ok(());
    }
    let have = signers.persons;
    let name = &file.name;
    let mut error = Error::new(
        Kind::Refused,
        format!("plan `{name}` has {have} of the {needed} signatures it needs"),
    )
    .code("signature_missing")
    .about(name)
    .found(have)
    .expected(needed);
    if signers.refused.iter().any(|(_, refusal)| matches!(refusal, Refusal::Wrong { .. })) {
        error = error.code("signature_differs");
        let rewritten =
            serde_json::from_slice(&file.bytes).ok().map(|plan| (host.format.write)(&plan));
        if let Some(done) = signers::explain_misfit(&file.bytes, rewritten.as_deref(), signatures) {
            error = error.because(format!("the plan was changed after it was signed: {done}"));
        }
    }
    for (name, why) in &signers.refused {
        error = error.also(Reason::new(why.code(), format!("`{name}`: {why}")).about(name));
    }
    for why in &signers.shared {
        error = error.also(Reason::new("key_shared", why));
    }
    for problem in host.ring.allowed.problems() {
        let (file, line, why) = (host.ring.allowed.file(), problem.line, &problem.why);
        error = error.because(format!("`{file}`, line {line} allows nobody anything: {why}"));
    }
    Err(error.hint(format!("ttplan sign {} --key KEY", shell_word(name))))
}

fn check_content(
    plan: &Plan,
    name: &str,
    host: &VerifyContext<'_>,
    dialect_of: &DialectOf,
) -> Result<()> {
    let site = host.site;
    refuse(name, "contradicts itself", plan.contradictions())?;
    if plan.target.site.as_ref() != Some(&site.name) {
        let site_of_plan = plan
            .target
            .site
            .as_deref()
            .map_or("no site".to_owned(), |of| format!("the site `{of}`"));
        let message = format!(
            "plan `{name}` is for {site_of_plan}, and this host is the site `{}`",
            site.name
        );
        return Err(Error::new(Kind::Stale, message)
            .code("wrong_site")
            .found(plan.target.site.as_deref().unwrap_or("none"))
            .expected(&site.name));
    }
    let engine = &plan.target.database.engine;
    let Some(dialect) = dialect_of(engine) else {
        return refuse(
            name,
            "cannot be checked",
            vec![Reason::new(
                "unknown_engine",
                format!("the database engine `{engine}` is not known"),
            )],
        );
    };
    refuse(name, "makes no sense", validation::offences(plan, dialect))?;
    permitted(name, host_policy::offences(plan, site))?;
    if !stamp_evidence::are_claimed(plan) {
        return Ok(());
    }
    refuse(
        name,
        "rests on nothing that this host knows",
        stamp_evidence::offences(plan, &(host.catalogues)(engine)?),
    )
    .map_err(|error| {
        error.hint(format!(
            "name the catalogue under `[trust] catalogues` in `{}`",
            site.file.to_text()
        ))
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
