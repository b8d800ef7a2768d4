//! Whether the host permits what a plan does: directories, destruction, and what `host_word` judges.
//!
//! The host's own file decides, and nothing that came with the plan.

use crate::actions::drop_version_table;
use crate::model::files::references::Form;
use crate::model::host::HostConfig;
use crate::model::host_command::toml_text;
use crate::model::names::FilePath;
use crate::model::plan::Plan;
use crate::model::plan::step::{Move, Probe, Risk, Step};
use crate::trust::host_word;
use crate::trust::offence::Offence;

/// All that the host does not permit, each naming its step; empty when it permits everything.
pub(in crate::trust) fn offences(plan: &Plan, site: &HostConfig) -> Vec<Offence> {
    let mut found = Vec::new();
    for (at, step) in plan.steps.iter().enumerate() {
        let acts = step.save.iter().chain(&step.moves).chain(&step.undo);
        let mut refused: Vec<Offence> =
            acts.filter_map(|mv| of_move(mv, site)).chain(of_probes(step, site)).collect();
        refused.dedup();
        for mut offence in refused {
            offence.reason.message = format!("step `{}`: {}", step.id, offence.reason.message);
            offence.reason = offence.reason.about(format!("step {}", at.saturating_add(1)));
            found.push(offence);
        }
    }
    if site.policy.forbid_destructive && plan.risk() == Risk::Destructive {
        found.push(Offence::new(
            "destructive_forbidden",
            "the plan is destructive, and the host forbids that whoever signed it".to_owned(),
            format!("`forbid_destructive` under `[policy]` in `{}`", site.file.to_text()),
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
            let to = FilePath::new(write.rewriting.to.trim_end_matches('/'));
            outside_roots(&to, site).or_else(|| host_word::rewrite(write, site))
        }
        Move::Run(run) => host_word::command(run, site),
        Move::SetRevisions(set) => host_word::stamp(set, site),
        Move::WriteRows(write) => host_word::rewrite(write, site),
        _ => None,
    }
}

fn of_probes(step: &Step, site: &HostConfig) -> Option<Offence> {
    let is_record = step.kind == drop_version_table::ACTION.kind;
    let dropped = step.moves.iter().find_map(|mv| match mv {
        Move::DropObject(drop) if is_record => host_word::version_table(&drop.object, None, site),
        _ => None,
    });
    dropped.or_else(|| {
        step.ready.iter().chain(&step.done).find_map(|probe| match probe {
            Probe::BackupReads { directory, .. } => not_for_backups(directory.as_ref(), site),
            Probe::RevisionsAre { table, column, .. } => {
                host_word::version_table(table, Some(column), site)
            }
            _ => None,
        })
    })
}

fn outside_roots(path: &FilePath, site: &HostConfig) -> Option<Offence> {
    let shown = path.to_text();
    if !site.permits_path(path) {
        let mut roots: Vec<String> =
            site.roots.iter().map(|root| toml_text(&root.to_text())).collect();
        roots.push(toml_text(&shown));
        return Some(Offence::new(
            "path_outside_roots",
            format!("`{shown}` is in no directory that the host permits"),
            format!("permit it in `{}`: roots = [{}]", site.file.to_text(), roots.join(", ")),
        ));
    }
    let own = own_places(site).find(|own| path.is_within(own))?;
    Some(ours(format!("`{shown}` is ttplan's own, in `{}`", own.to_text())))
}

fn ours(message: String) -> Offence {
    let hint = "move uploads where neither the state directory nor the host's files are";
    Offence::new("path_is_reserved", message, hint.to_owned())
}

/// Files must not come from or go to where ttplan keeps what it relies on, not even by the path of
/// a listed file.
fn not_for_files(root: &FilePath, site: &HostConfig) -> Option<Offence> {
    outside_roots(root, site).or_else(|| {
        let own = own_places(site).find(|own| own.is_within(root))?;
        Some(ours(format!("`{}` holds ttplan's own `{}`", root.to_text(), own.to_text())))
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
    let refused = outside_roots(directory, site)?;
    let shown = directory.to_text();
    let message = format!("backups in `{shown}` are not in a directory that the host permits");
    Some(Offence::new("path_outside_roots", message, refused.hint))
}
