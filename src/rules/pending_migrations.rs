//! `pending_migrations`: there are migrations to run, and they can be run from where the database
//! is.

use crate::actions::Draft;
use crate::actions::run_migrations::RunMigrations;
use crate::analysis::commands::Commands;
use crate::analysis::context::{AnalysisContext, DATABASE, MIGRATIONS};
use crate::model::database::revisions::Revisions;
use crate::model::diagnosis::{DatabaseState, Finding, Severity};
use crate::model::host_command::{CHECK, UPGRADE};
use crate::model::plan::step::ShapeFact;
use crate::model::text::counted;
use crate::rules::Rule;

/// The record on the shelf.
pub const RULE: Rule = Rule {
    code: "pending_migrations",
    about: "there are migrations to run",
    page: include_str!("../../docs/rules/pending_migrations.md"),
    examine,
    remedy,
};

/// So many seconds an upgrade may take when nobody says otherwise.
const DEFAULT_LIMIT: u64 = 900;

fn examine(case: &AnalysisContext) -> Vec<Finding> {
    if case.pending.is_empty() {
        return Vec::new();
    }
    let mut found = vec![RULE.finding(
        Severity::Info,
        DATABASE,
        format!(
            "{} to run to come to {}",
            counted(case.pending.len() as u64, "migration"),
            AnalysisContext::named(case.target.iter().map(String::as_str))
        ),
    )];
    let upgrade = case.facts.config.revisions.as_ref().and_then(|config| config.upgrade.as_ref());
    match (Commands::planned(case.facts), upgrade) {
        (None, None) => found.push(
            RULE.finding(Severity::Error, MIGRATIONS, "no upgrade command is configured")
                .with_hint("set `[revisions.upgrade] command` in ttplan.toml"),
        ),
        (None, Some(upgrade)) => {
            let name = upgrade.command.first().map_or("", String::as_str);
            let message = format!(
                "the upgrade command's program `{name}` was not found where the site was inspected"
            );
            let hint = format!(
                "inspect where the application is installed, or give the whole path of `{name}`"
            );
            found.push(RULE.finding(Severity::Error, MIGRATIONS, message).with_hint(hint));
        }
        (Some(commands), _) => {
            if commands.upgrade.takes_revision() && recorded(case).is_none_or(|to| to.len() != 1) {
                let message =
                    "the upgrade command takes one revision, and several are to be reached";
                found.push(
                    RULE.finding(Severity::Error, MIGRATIONS, message)
                        .with_hint("take `{revision}` out of the command, or set one `target`"),
                );
            }
        }
    }
    found
}

/// What is recorded at the end.
fn recorded(case: &AnalysisContext) -> Option<Vec<String>> {
    Some(case.revisions()?.recorded_after(case.recorded_before_run(), &case.target))
}

fn remedy(case: &AnalysisContext) -> Vec<Draft> {
    let can_be_run = matches!(
        case.state,
        DatabaseState::Absent
            | DatabaseState::Fresh
            | DatabaseState::Behind
            | DatabaseState::Diverged
            | DatabaseState::Corrupted
            | DatabaseState::PartialMigration
    );
    if !(can_be_run || case.stamp.is_some() || case.is_at_known_stop())
        || case.pending.is_empty()
        || case.is_blocked(DATABASE)
        || case.is_blocked(MIGRATIONS)
    {
        return Vec::new();
    }
    let step = || {
        let config = case.facts.config.revisions.as_ref()?;
        let revisions = case.revisions()?;
        let recorded = recorded(case)?;
        let Commands { upgrade, check } = Commands::planned(case.facts)?;
        let limit = config.upgrade.as_ref().map_or(DEFAULT_LIMIT, |one| one.timeout_seconds);
        let run = RunMigrations {
            command: (UPGRADE, &upgrade),
            check: check.as_ref().map(|check| (CHECK, check)),
            timeout_seconds: limit,
            system: &config.system,
            scripts: (&revisions.directory, revisions.digest?),
            book: case.book()?,
            pending: &case.pending,
            target: &recorded,
            shape: shape_at_end(case, revisions, &recorded),
            known_stops: known_stops(case),
            core: &case.facts.config.tables.core,
            reason: RULE.code,
        };
        Some(run.step())
    };
    step().into_iter().collect()
}
/// What the whole schema has to be at the end: known where it is known where the run begins and
/// what its scripts do.
fn shape_at_end(
    case: &AnalysisContext,
    revisions: &Revisions,
    recorded: &[String],
) -> Option<ShapeFact> {
    let compared = case.compared.as_ref()?;
    let from = case.recorded_before_run();
    let begins_known =
        from.is_empty() || case.is_at_known_stop() || compared.differences_from(from)?.is_empty();
    let scripts_known = compared.changed_scripts(revisions, &case.pending).is_empty();
    if begins_known && scripts_known { compared.shape_of(recorded) } else { None }
}

fn known_stops(case: &AnalysisContext) -> Vec<(Vec<String>, ShapeFact)> {
    let Some(compared) = &case.compared else { return Vec::new() };
    let stops = compared.stops(&case.pending).into_iter();
    stops.map(|(_, ids, shape)| (ids.to_vec(), shape)).collect()
}
