//! Whether the host permits what a plan does: places, destruction, and what `host_word` judges.
//! Judged by the effects of its moves.
//!
//! The host's own file decides, and nothing that came with the plan.

use crate::actions::drop_version_table;
use crate::model::files::location::Location;
use crate::model::files::references::Form;
use crate::model::host::HostConfig;
use crate::model::host_command::toml_text;
use crate::model::names::FilePath;
use crate::model::plan::Plan;
use crate::model::plan::moves::effects::{PathRole, PathUse};
use crate::model::plan::step::{Move, Risk, Step};
use crate::trust::host_word;
use crate::trust::offence::Offence;

/// All that the host does not permit, each naming its step; empty when it permits everything.
pub(in crate::trust) fn offences(plan: &Plan, site: &HostConfig) -> Vec<Offence> {
    let mut found = Vec::new();
    for (at, step) in plan.steps.iter().enumerate() {
        let subject = format!("step {}", at.saturating_add(1));
        let mut refused: Vec<Offence> =
            step.all_moves().flat_map(|mv| of_move(mv, site)).chain(of_kind(step, site)).collect();
        refused.dedup();
        for mut offence in refused {
            offence.reason.message = format!("{subject}: {}", offence.reason.message);
            offence.reason = offence.reason.about(&subject);
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

fn of_move(mv: &Move, site: &HostConfig) -> Vec<Offence> {
    let effects = mv.effects();
    let mut found: Vec<Offence> =
        effects.paths.iter().filter_map(|path| of_path(path, site)).collect();
    found.extend(effects.command.and_then(|run| host_word::command(run, site)));
    found.extend(mv.versions().and_then(|versions| host_word::version_table(versions, site)));
    if let Some(rewriting) = mv.rewriting() {
        // What the application is told to look at afterwards.
        if rewriting.form == Form::Absolute {
            let to = FilePath::new(rewriting.to.trim_end_matches('/'));
            found.extend(outside_roots(&to, site));
        }
        found.extend(host_word::rewrite(rewriting, site));
    }
    found
}

fn of_path(path: &PathUse<'_>, site: &HostConfig) -> Option<Offence> {
    let directory = match path.place.as_ref() {
        Location::Directory(directory) => directory,
        Location::Object { bucket, .. } => {
            return Some(Offence::new(
                "bucket_not_permitted",
                format!("`{}` is in no bucket that the host permits", path.place.to_text()),
                format!("no host can permit the bucket `{bucket}` yet"),
            ));
        }
    };
    match path.role {
        PathRole::Directory => outside_roots(directory, site),
        PathRole::Files => not_for_files(directory, site),
        PathRole::Backups => not_for_backups(directory, site),
        // A part of the command, which equals the host's.
        PathRole::Working => None,
    }
}

/// A version table is dropped as one only where it is the host's.
fn of_kind(step: &Step, site: &HostConfig) -> Option<Offence> {
    if step.kind != drop_version_table::ACTION.kind {
        return None;
    }
    let moves = step.moves.iter();
    let mut objects = moves.flat_map(|mv| mv.effects().objects).map(|(object, _)| object);
    objects.find_map(|object| host_word::table_of_versions(object, None, site))
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

fn not_for_backups(directory: &FilePath, site: &HostConfig) -> Option<Offence> {
    let in_state = directory.is_plain_absolute() && directory.is_within(&site.state);
    if in_state || site.permits_path(directory) {
        return None;
    }
    let refused = outside_roots(directory, site)?;
    let shown = directory.to_text();
    let message = format!("backups in `{shown}` are not in a directory that the host permits");
    Some(Offence::new("path_outside_roots", message, refused.hint))
}
