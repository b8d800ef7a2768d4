//! What a plan would have a host permit: site, roots, commands, version table, columns. Signers and
//! catalogues are never among it: who made the plan must not say whom to believe.

use std::collections::BTreeSet;

use crate::error::{Error, Kind, Result};
use crate::model::database::version_table::VersionTable;
use crate::model::host_command::HostCommand;
use crate::model::host_profile::{HostVersionTable, RewritableColumn};
use crate::model::host_proposal::{HostProposal, ProposedCommand, ProposedProfile, Sourced};
use crate::model::names::FilePath;
use crate::model::plan::Plan;
use crate::model::plan::moves::effects::PathRole;
use crate::model::plan::step::{Move, Run};

/// What the plan needs, each with the step that needs it. `find` tells which programs are here.
///
/// Errors: `Kind::Usage` for a plan of no site, or one that needs two version tables.
pub fn for_plan(
    plan: &Plan,
    name: &str,
    find: &mut dyn FnMut(&str) -> Option<FilePath>,
) -> Result<HostProposal> {
    let site = plan.target.site.clone().ok_or_else(|| {
        Error::new(Kind::Usage, format!("the plan `{name}` is for no site"))
            .hint("name it: `--site LABEL`")
    })?;
    let mut proposal =
        HostProposal { site: Some(Sourced::new(site, name)), ..HostProposal::default() };
    let mut columns: Vec<Sourced<RewritableColumn>> = Vec::new();
    let mut tables: Vec<Sourced<HostVersionTable>> = Vec::new();
    let mut roots: BTreeSet<FilePath> = BTreeSet::new();
    for step in &plan.steps {
        let source = format!("{name}, step {}", step.id);
        for mv in step.save.iter().chain(&step.moves).chain(&step.undo) {
            for root in roots_of(mv) {
                if roots.insert(root.clone()) {
                    proposal.roots.push(Sourced::new(root.clone(), source.clone()));
                }
            }
            if let Some(run) = mv.effects().command {
                proposal.add(commands(run, &source, find));
            }
            if let Some(rewriting) = mv.rewriting() {
                columns.push(Sourced::new(
                    RewritableColumn {
                        table: rewriting.table.name.clone(),
                        column: rewriting.column.clone(),
                        upload: step.address.rsplit('/').next().unwrap_or_default().to_owned(),
                    },
                    source.clone(),
                ));
            }
        }
        let table = |versions: &VersionTable| HostVersionTable {
            table: format!("{}.{}", versions.table.schema, versions.table.name),
            column: versions.column().to_owned(),
        };
        let versions = step.moves.iter().filter_map(Move::versions);
        tables.extend(versions.map(|found| Sourced::new(table(found), source.clone())));
    }
    // A root below another one is permitted with it.
    let all = roots;
    proposal.roots.retain(|root| {
        !all.iter().any(|other| *other != root.value && root.value.is_within(other))
    });
    columns.sort_by(|a, b| a.value.cmp(&b.value));
    columns.dedup_by(|a, b| a.value == b.value);
    tables.dedup_by(|a, b| a.value == b.value);
    if let [one, .., other] = tables.as_slice() {
        let message = format!("the plan `{name}` records revisions in more than one table");
        return Err(Error::new(Kind::Usage, message)
            .because(format!(
                "`{}` ({}) and `{}` ({})",
                one.value.table, one.source, other.value.table, other.source
            ))
            .hint("do not sign it; find out who made it"));
    }
    if !tables.is_empty() || !columns.is_empty() {
        let system = plan.diagnosis.revision.as_ref().map(|revision| revision.system.clone());
        proposal.profile = Some(ProposedProfile {
            shipped: None,
            system: system.map(|system| Sourced::new(system, name)),
            version_table: tables.pop(),
            columns,
            source: name.to_owned(),
        });
    }
    Ok(proposal)
}

/// The directories below which a move changes files. Backups beside them go where the host says.
fn roots_of(mv: &Move) -> Vec<FilePath> {
    let paths = mv.effects().paths;
    let named = paths.iter().filter(|path| path.role != PathRole::Working);
    named.filter_map(|path| path.place.as_directory().cloned()).collect()
}

fn commands(
    run: &Run,
    source: &str,
    find: &mut dyn FnMut(&str) -> Option<FilePath>,
) -> HostProposal {
    let mut proposal = HostProposal::default();
    let beside = run.as_host_command();
    let check = run.check.as_ref().map(|check| {
        let argv = check.argv.clone();
        (&check.command, HostCommand { argv, timeout_seconds: None, ..beside.clone() })
    });
    for (name, command) in std::iter::once((&run.command, beside.clone())).chain(check) {
        let program = command.argv.first().cloned().unwrap_or_default();
        if find(&program).is_none() {
            proposal
                .left_out
                .push(format!("the command `{name}` ({source}): `{program}` is not here"));
            continue;
        }
        proposal.commands.push(ProposedCommand {
            name: name.clone(),
            command,
            source: source.to_owned(),
            keys: Vec::new(),
        });
    }
    proposal
}
