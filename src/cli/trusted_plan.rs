//! Gathers what `trust` judges: the plan, the signature files beside it, and the host's own files.

use std::path::{Path, PathBuf};

use crate::artifact::sidecar;
use crate::artifact::{document, json};
use crate::config;
use crate::error::{Error, Kind, Result};
use crate::fs::files;
use crate::fs::permitted::PermittedRoots;
use crate::model::host::HostConfig;
use crate::model::names::{FilePath, Moment};
use crate::model::observation::Observation;
use crate::openssh::allowed_signers::AllowedSigners;
use crate::openssh::revoked_keys::RevokedKeys;
use crate::openssh::verify::{Keyring, Signed};
use crate::trust::context::{PlanFile, PlanFormat, VerifyContext};
use crate::trust::host_files::{read_allowed_signers, read_revoked_keys};
use crate::trust::signers::SignatureFile;
use crate::trust::trusted_plan::{TrustedPlan, Verdict};

/// A plan with everything that lies beside it.
pub struct Bundle {
    pub file: PlanFile,
    pub signatures: Vec<SignatureFile>,
    /// Where its file list lies, or would lie.
    pub list: PathBuf,
    pub sidecar: Option<PathBuf>,
}

/// Signature files are small; a larger one is none.
const LARGEST_SIGNATURE: u64 = 64 * 1024;

impl Bundle {
    /// Reads the plan and all `PLAN*.sig` files beside it.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = files::read(path)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let failed = |error: std::io::Error| files::told("list", folder, &error);
        let mut signatures = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let Ok(other) = entry.file_name().into_string() else { continue };
            let is_ours = other
                .strip_prefix(&name)
                .is_some_and(|rest| rest.starts_with('.') && rest.ends_with(".sig"));
            if !is_ours {
                continue;
            }
            // What is no signature file, whoever put it there, is passed over; so is one that was
            // taken away meanwhile.
            let read = files::read_beside(&entry.path(), LARGEST_SIGNATURE);
            let Ok(Some(bytes)) = read else { continue };
            let text = String::from_utf8_lossy(&bytes).into_owned();
            signatures.push(SignatureFile { name: other, text });
        }
        signatures.sort_by(|a, b| a.name.cmp(&b.name));
        let sidecar = sidecar::path_of(path);
        Ok(Self {
            file: PlanFile { name, bytes },
            signatures,
            list: sidecar.clone(),
            sidecar: sidecar.symlink_metadata().is_ok().then_some(sidecar),
        })
    }
}

/// The host's own files, read.
pub struct HostFiles<'a> {
    site: &'a HostConfig,
    allowed: AllowedSigners,
    revoked: Option<RevokedKeys>,
}

impl<'a> HostFiles<'a> {
    /// Reads the files that the host's configuration names.
    pub fn read(site: &'a HostConfig) -> Result<Self> {
        let allowed = read_allowed_signers(&site.trust.allowed_signers)?;
        let revoked = site.trust.revoked_keys.as_ref().map(read_revoked_keys).transpose()?;
        Ok(Self { site, allowed, revoked })
    }

    /// Whom the host believes.
    pub fn ring(&self, now: Moment) -> Keyring<'_> {
        Keyring { allowed: &self.allowed, revoked: self.revoked.as_ref(), now }
    }

    /// RunContext the host to `work`, as of `now`.
    pub fn with<T>(
        &self,
        name: &str,
        leave: &Leave,
        now: Moment,
        work: impl FnOnce(&VerifyContext<'_>) -> Result<T>,
    ) -> Result<T> {
        let read = |bytes: &[u8]| document::read_plan(name, bytes);
        let write = |plan: &crate::model::plan::Plan| json::to_text(plan).into_bytes();
        let break_glass = leave.break_glass.as_deref();
        let format = PlanFormat { read: &read, write: &write };
        let catalogues = |engine: &str| config::host_catalogues(self.site, engine);
        work(&VerifyContext {
            site: self.site,
            ring: self.ring(now),
            format,
            catalogues: &catalogues,
            break_glass,
        })
    }
}

/// With less trust than usual, each only where the host permits it.
#[derive(Debug, Default, clap::Args)]
pub struct Leave {
    /// Run a plan without signatures, where the host permits that
    #[arg(long)]
    pub allow_unsigned: bool,
    /// Run a plan that one person signed, in an emergency and where the host permits that; it is
    /// written down
    #[arg(long, value_name = "REASON", conflicts_with = "allow_unsigned")]
    pub break_glass: Option<String>,
}

/// A plan that this host may run, as of `now`.
///
/// Errors: those of [`crate::trust::trusted_plan::verify`].
pub fn trusted(
    bundle: Bundle,
    site: &HostConfig,
    leave: &Leave,
    now: Moment,
) -> Result<TrustedPlan> {
    let host = HostFiles::read(site)?;
    let name = bundle.file.name.clone();
    let list = bundle.list.clone();
    let trusted = host.with(&name, leave, now, |host| match leave.allow_unsigned {
        true => crate::trust::trusted_plan::accept_unsigned(bundle.file, host),
        false => crate::trust::trusted_plan::verify(bundle.file, bundle.signatures, host),
    })?;
    sidecar::check(trusted.plan(), &list).map(|()| trusted)
}

/// Everything for which this host would refuse a plan without looking at the site, each question by
/// itself.
///
/// Errors: for a file that is no plan.
pub fn judged(bundle: &Bundle, site: &HostConfig, now: Moment) -> Result<Judged> {
    let host = HostFiles::read(site)?;
    let verdict = host.with(&bundle.file.name, &Leave::default(), now, |host| {
        crate::trust::trusted_plan::judge(&bundle.file, &bundle.signatures, host)
    })?;
    let complete = sidecar::check(&verdict.plan, &bundle.list);
    let valid = crate::trust::trusted_plan::check_time(&verdict.plan, now);
    Ok(Judged { verdict, complete, valid })
}

/// What this host makes of a plan, whatever the site looks like.
pub struct Judged {
    pub verdict: Verdict,
    /// Whether the list that it is bound to lies beside it.
    pub complete: Result<()>,
    /// Whether it is neither too early nor too late to begin.
    pub valid: Result<()>,
}

/// An observation that this host would have plans made from; where the host demands nothing of
/// observations, any. Returns who signed it.
///
/// Errors: those of [`crate::trust::observation::verify`].
pub fn believed(
    bundle: &Bundle,
    seen: &Observation,
    site: &HostConfig,
    now: Moment,
) -> Result<Vec<Signed>> {
    let Some(demands) = site.trust.observations else { return Ok(Vec::new()) };
    let host = HostFiles::read(site)?;
    let PlanFile { name, bytes } = &bundle.file;
    crate::trust::observation::verify(
        name,
        bytes,
        seen.made_at,
        &bundle.signatures,
        demands,
        &host.ring(now),
    )
}

/// Where a run of this host may go; `plan` is what it runs.
///
/// Errors: `Kind::Refused` where something that the host relies on is reached over a link.
pub fn permitted(site: &HostConfig, plan: &Path) -> Result<PermittedRoots> {
    let plan = plan.canonicalize().map_err(|error| files::told("read", plan, &error))?;
    let trust = &site.trust;
    let own = [&site.file, &trust.allowed_signers].into_iter().chain(&trust.revoked_keys);
    let own = own.chain(&trust.catalogues).cloned().chain([FilePath::new(plan)]);
    let (roots, links) = (site.roots.clone(), site.links.clone());
    PermittedRoots::new(roots, links, site.state.clone(), &own.collect::<Vec<_>>())
}

/// The host's own file has to lie elsewhere than the plan: who can write a plan must not be able
/// to write what is believed of it.
pub fn check_apart(plan: &Path, site: &HostConfig) -> Result<()> {
    let folder = |path: &Path| {
        path.parent().map(Path::to_path_buf).and_then(|parent| parent.canonicalize().ok())
    };
    let plan_folder = std::path::absolute(plan).ok().and_then(|plan| folder(&plan));
    for file in [&site.file, &site.trust.allowed_signers] {
        if plan_folder.is_some() && folder(file.as_path()) == plan_folder {
            return Err(Error::new(Kind::Refused, "the host's own file lies in the plan's folder")
                .code("host_file_in_plan_folder")
                .about(file.to_text())
                .because(format!("`{}`", file.to_text()))
                .hint("keep host.toml and allowed_signers where only the host's administrator writes: /etc/ttplan"));
        }
    }
    Ok(())
}
