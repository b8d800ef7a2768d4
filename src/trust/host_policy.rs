//! Whether the host permits what a plan does: directories, commands, destruction.
//!
//! The host's own file decides, and nothing that came with the plan.

use crate::error::Reason;
use crate::model::files::references::Form;
use crate::model::host::HostConfig;
use crate::model::names::FilePath;
use crate::model::plan::Plan;
use crate::model::plan::step::{Move, Probe, Risk, Step};

/// The code of what is not permitted, and why it is not.
type Offence = (&'static str, String);

/// All that the host does not permit, each naming its step; empty when it permits everything.
pub(in crate::trust) fn offences(plan: &Plan, site: &HostConfig) -> Vec<Reason> {
    let mut found = Vec::new();
    for (at, step) in plan.steps.iter().enumerate() {
        let acts = step.save.iter().chain(&step.moves).chain(&step.undo);
        let refused = acts.filter_map(|mv| of_move(mv, site)).chain(of_probes(step, site));
        found.extend(refused.map(|(code, why)| {
            Reason::new(code, format!("step `{}`: {why}", step.id))
                .about(format!("step {}", at.saturating_add(1)))
        }));
    }
    if site.policy.forbid_destructive && plan.risk() == Risk::Destructive {
        found.push(Reason::new(
            "destructive_forbidden",
            "the plan is destructive, and the host forbids that whoever signed it",
        ));
    }
    found
}

fn of_move(mv: &Move, site: &HostConfig) -> Option<Offence> {
    match mv {
        Move::MakeDirectory(make) => outside_roots(&make.path, site),
        Move::RemoveDirectory(remove) => outside_roots(&remove.path, site),
        Move::CopyFiles(copy) => {
            not_for_files(&copy.from, site).or_else(|| not_for_files(&copy.to, site))
        }
        Move::ReplaceFiles(replace) => {
            not_for_files(&replace.from, site).or_else(|| not_for_files(&replace.to, site))
        }
        Move::RemoveFiles(remove) => not_for_files(&remove.root, site),
        Move::SaveFiles(save) => not_for_files(&save.from, site),
        Move::ReleaseFiles(release) => {
            not_for_files(&release.from, site).or_else(|| not_for_files(&release.to, site))
        }
        Move::RestoreFiles(restore) => not_for_files(&restore.root, site),
        Move::BackupDatabase(backup) => not_for_backups(backup.directory.as_ref(), site),
        Move::RestoreDatabase(restore) => not_for_backups(restore.directory.as_ref(), site),
        Move::DiscardKept(discard) => {
            discard.kept.iter().find_map(|thing| not_for_backups(thing.directory.as_ref(), site))
        }
        // What the application is told to look at afterwards.
        Move::WriteRows(write) if write.rewriting.form == Form::Absolute => {
            outside_roots(&FilePath::new(write.rewriting.to.trim_end_matches('/')), site)
        }
        Move::Run(run) => {
            let commands = [Some(&run.argv), Some(&run.check).filter(|check| !check.is_empty())];
            let refused =
                commands.into_iter().flatten().find(|argv| !site.permits_command(argv))?;
            let why = format!("the host does not permit the command `{}`", refused.join(" "));
            Some(("command_not_permitted", why))
        }
        _ => None,
    }
}

fn of_probes(step: &Step, site: &HostConfig) -> Option<Offence> {
    step.ready.iter().chain(&step.done).find_map(|probe| match probe {
        Probe::BackupReads { directory, .. } => not_for_backups(directory.as_ref(), site),
        _ => None,
    })
}

fn outside_roots(path: &FilePath, site: &HostConfig) -> Option<Offence> {
    let shown = path.to_text();
    if !site.permits_path(path) {
        let why = format!("`{shown}` is in no directory that the host permits");
        return Some(("path_outside_roots", why));
    }
    let own = own_places(site).find(|own| path.is_within(own))?;
    Some(("path_is_reserved", format!("`{shown}` is ttplan's own, in `{}`", own.to_text())))
}

/// Files must not come from or go to where ttplan keeps what it relies on, not even by the path of
/// a listed file.
fn not_for_files(root: &FilePath, site: &HostConfig) -> Option<Offence> {
    outside_roots(root, site).or_else(|| {
        let own = own_places(site).find(|own| own.is_within(root))?;
        let why = format!("`{}` holds ttplan's own `{}`", root.to_text(), own.to_text());
        Some(("path_is_reserved", why))
    })
}

fn own_places(site: &HostConfig) -> impl Iterator<Item = &FilePath> {
    [&site.state, &site.file, &site.trust.allowed_signers]
        .into_iter()
        .chain(&site.trust.revoked_keys)
        .chain(&site.trust.catalogues)
}

fn not_for_backups(directory: Option<&FilePath>, site: &HostConfig) -> Option<Offence> {
    let directory = directory?;
    let in_state = directory.is_plain_absolute() && directory.is_within(&site.state);
    if in_state || site.permits_path(directory) {
        return None;
    }
    let shown = directory.to_text();
    let why = format!("backups in `{shown}` are not in a directory that the host permits");
    Some(("path_outside_roots", why))
}
