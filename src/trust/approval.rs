//! Whether as many persons signed a plan as the host demands, and those who have to. Never looks at
//! what the plan does, but for its risk.

use crate::error::{Error, Kind, Reason, Result};
use crate::model::host::HostConfig;
use crate::model::plan::Plan;
use crate::model::plan::step::Risk;
use crate::model::text::shell_word;
use crate::openssh::verify::Refusal;
use crate::trust::context::{PlanFile, VerifyContext};
use crate::trust::signature_files::claimed_principal;
use crate::trust::signers;
use crate::trust::signers::{SignatureFile, Signers};

/// That as many signed, and who has to, as the plan's recomputed risk demands.
pub(in crate::trust) fn approved(
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
pub(in crate::trust) fn break_glass(
    name: &str,
    host: &VerifyContext<'_>,
) -> Result<Option<String>> {
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

pub(in crate::trust) fn enough(
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
    let is_wrong = |(_, refusal): &&(String, Refusal)| matches!(refusal, Refusal::Wrong { .. });
    let mut error = match signers.refused.iter().find(is_wrong) {
        Some((signature, _)) => changed_since(file, signature, signatures, host),
        None => Error::new(
            Kind::Refused,
            format!("plan `{name}` has {have} of the {needed} signatures it needs"),
        )
        .code("signature_missing")
        .about(name)
        .hint(format!("ttplan sign {} --key KEY --principal YOU", shell_word(name))),
    };
    error = error.found(have).expected(needed);
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
    Err(error)
}

/// A signature that was made over other bytes. Signing what lies there now would make it valid
/// whatever was done to it, so that is no hint.
fn changed_since(
    file: &PlanFile,
    signature: &str,
    signatures: &[SignatureFile],
    host: &VerifyContext<'_>,
) -> Error {
    let name = &file.name;
    let signer = claimed_principal(name, signature);
    let whose = signer.as_ref().map_or_else(
        || format!("the signature in `{signature}`"),
        |signer| format!("the signature of `{signer}`"),
    );
    let rewritten = serde_json::from_slice(&file.bytes).ok().map(|plan| (host.format.write)(&plan));
    let done = signers::explain_misfit(&file.bytes, rewritten.as_deref(), signatures);
    Error::new(Kind::Refused, format!("{whose} does not match the file"))
        .code("signature_differs")
        .about(name)
        .because(match done {
            Some(done) => format!("`{name}` was changed after it was signed: {done}"),
            None => format!("`{name}` was changed after it was signed"),
        })
        .hint(format!(
            "get the signed file again from {}",
            signer.as_deref().unwrap_or("whoever signed it")
        ))
}
