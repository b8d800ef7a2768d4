//! The states, in their order: the first whose rule matches is the verdict, the same on every
//! engine. `docs/states.md` shows the same table for people.

use crate::analysis::context::{AnalysisContext, CoreTableStatus};
use crate::analysis::schema_comparison::{Begun, SchemaComparison};
use crate::model::database::revision_status::RevisionStatus;
use crate::model::diagnosis::{DatabaseState, Strategy};
use crate::model::observation::Presence;
use crate::model::text::counted;

/// A state with what it rests on.
pub struct Verdict {
    pub state: DatabaseState,
    pub strategy: Strategy,
    pub evidence: Vec<String>,
}

/// Finds the state.
pub fn classify(case: &AnalysisContext) -> Verdict {
    const RULES: [fn(&AnalysisContext) -> Option<Verdict>; 10] = [
        absent_or_fresh,
        foreign,
        unknown_revision,
        half_applied,
        partial_migration,
        partial_schema,
        stamped_otherwise,
        standing,
        legacy,
        corrupted,
    ];
    RULES.iter().find_map(|rule| rule(case)).unwrap_or_else(|| {
        let evidence = vec![
            "tables are there that nothing explains, and not all of them may be removed".to_owned(),
            "with this application's core tables in it, the database would be recognised"
                .to_owned(),
        ];
        verdict(DatabaseState::Foreign, Strategy::Refuse, evidence)
    })
}

fn verdict(state: DatabaseState, strategy: Strategy, evidence: Vec<String>) -> Verdict {
    Verdict { state, strategy, evidence }
}

fn is(
    state: DatabaseState,
    strategy: Strategy,
    evidence: impl IntoIterator<Item = String>,
) -> Option<Verdict> {
    Some(verdict(state, strategy, evidence.into_iter().collect()))
}

fn absent_or_fresh(case: &AnalysisContext) -> Option<Verdict> {
    match case.facts.database.presence {
        Presence::NotLooked => {
            return is(
                DatabaseState::Unreachable,
                Strategy::Refuse,
                ["no observation looked at the database".to_owned()],
            );
        }
        Presence::Absent => {
            let evidence =
                ["there is no database file; running the migrations makes it".to_owned()];
            return is(DatabaseState::Absent, Strategy::FreshInit, evidence);
        }
        Presence::Present => {}
    }
    if !case.tables().is_empty() || !case.facts.recorded().is_empty() {
        return None;
    }
    let mut evidence =
        vec!["there are no tables; with any table the state would be another".to_owned()];
    if case.book().is_some_and(|book| book.recorded.is_some()) {
        evidence.push(format!("{} is there and empty", record(case)));
    }
    let kept = case.kept();
    if !kept.is_empty() {
        let names = AnalysisContext::named(kept.iter().map(|table| table.name.as_str()));
        evidence.push(format!(
            "{} kept by configuration does not count: {names}",
            counted(kept.len() as u64, "table")
        ));
    }
    is(DatabaseState::Fresh, Strategy::FreshInit, evidence)
}

fn foreign(case: &AnalysisContext) -> Option<Verdict> {
    if case.has_core() && case.core_is_complete() {
        return None;
    }
    let mut evidence = Vec::new();
    for name in case.core_that_is(CoreTableStatus::Impostor) {
        let markers =
            case.facts.config.tables.core.get(name).map(Vec::as_slice).unwrap_or_default();
        let markers = AnalysisContext::named(markers.iter().map(String::as_str));
        evidence.push(format!(
            "table `{name}` has not all of the columns {markers}; with them it would count as core"
        ));
    }
    for (table, tool) in case.other_books() {
        evidence.push(format!("table `{table}` is the record of {tool}"));
    }
    if evidence.is_empty() { None } else { is(DatabaseState::Foreign, Strategy::Refuse, evidence) }
}

fn unknown_revision(case: &AnalysisContext) -> Option<Verdict> {
    let recorded = case.facts.recorded();
    let known = case
        .revisions()
        .is_some_and(|revisions| recorded.iter().all(|id| revisions.script(id).is_some()));
    if recorded.is_empty() || known {
        return None;
    }
    let told = format!(
        "{} says {}, and not every one of them is in a script",
        record(case),
        ids(recorded)
    );
    let state =
        if core_is_genuine(case) { DatabaseState::UnknownRevision } else { DatabaseState::Foreign };
    is(state, Strategy::Refuse, [told, core_evidence(case)])
}

fn half_applied(case: &AnalysisContext) -> Option<Verdict> {
    if let Some(begun) = case.compared.as_ref().and_then(|compared| compared.begun.as_ref()) {
        let Begun { script, done, of, stop } = begun;
        let told = format!(
            "{done} of {of} changes of `{script}` are there, and nothing else beyond what is recorded"
        );
        let stop = stop.map(|stop| {
            format!("it is exactly what stop {stop} of that migration is known to leave")
        });
        return is(
            DatabaseState::HalfApplied,
            Strategy::CheckMigrations,
            [told].into_iter().chain(stop),
        );
    }
    let leftovers = case.leftovers();
    if leftovers.is_empty() {
        return None;
    }
    let names = AnalysisContext::named(leftovers.iter().map(|(table, _)| table.name.as_str()));
    let evidence = format!(
        "{names} can only come from an interrupted migration; without it the state would be another"
    );
    is(DatabaseState::HalfApplied, Strategy::CheckMigrations, [evidence])
}

fn partial_migration(case: &AnalysisContext) -> Option<Verdict> {
    let recorded = case.facts.recorded();
    let any = case.core().iter().any(|(_, standing)| *standing != CoreTableStatus::Missing);
    if recorded.is_empty() || any || !case.has_core() {
        return None;
    }
    let strategy = if case.decisions.reinitialize { Strategy::FreshInit } else { Strategy::Refuse };
    let told =
        format!("{} says {}, and none of the core tables is there", record(case), ids(recorded));
    is(DatabaseState::PartialMigration, strategy, [told])
}

fn partial_schema(case: &AnalysisContext) -> Option<Verdict> {
    let genuine = case.core_that_is(CoreTableStatus::Genuine);
    let missing = case.core_that_is(CoreTableStatus::Missing);
    let is_old = case.facts.recorded().is_empty() && case.legacy().is_some();
    let explained = is_old || case.compared.as_ref().is_some_and(SchemaComparison::is_known);
    if genuine.is_empty() || missing.is_empty() || explained {
        return None;
    }
    let told = format!(
        "core tables {} are missing; with them the state would be another",
        AnalysisContext::named(missing)
    );
    is(DatabaseState::PartialSchema, Strategy::Refuse, [core_evidence(case), told])
}

/// What is recorded is not what the schema shows: another revision, or none.
fn stamped_otherwise(case: &AnalysisContext) -> Option<Verdict> {
    let compared = case.compared.as_ref()?;
    let differences = compared.recorded.as_ref().filter(|differences| !differences.is_empty())?;
    let recorded = case.facts.recorded();
    let told = format!("{} says {}", record(case), ids(recorded));
    let gap = format!(
        "the schema differs in {} from what {} has",
        counted(differences.len() as u64, "fact"),
        ids(recorded)
    );
    if compared.is_known() {
        return is(DatabaseState::FalseStamp, Strategy::Restamp, [told, gap, shown(compared)]);
    }
    is(
        DatabaseState::Drifted,
        Strategy::Refuse,
        [told, gap, "no other catalogued revision has this schema".to_owned()],
    )
}

/// What the schema is by itself, in words.
fn shown(compared: &SchemaComparison) -> String {
    match (&compared.inferred.exact, compared.inferred.candidates.as_slice()) {
        (Some(exact), _) => format!("the schema is exactly that of {}", ids(exact)),
        (None, []) => "the schema is that of no catalogued revision".to_owned(),
        (None, several) => {
            let each: Vec<String> = several.iter().map(|candidate| ids(candidate)).collect();
            format!("the schema is that of {}, which differ in nothing else", each.join(" or "))
        }
    }
}

fn standing(case: &AnalysisContext) -> Option<Verdict> {
    let recorded = case.facts.recorded();
    let revisions = case.revisions()?;
    let told = format!("{} says {}", record(case), ids(recorded));
    let target = format!("the target is {}", ids(&case.target));
    let (state, strategy, more) = match revisions.standing(recorded, &case.target) {
        RevisionStatus::Nothing | RevisionStatus::Unknown(_) => return None,
        RevisionStatus::AtTarget => (DatabaseState::Current, Strategy::None, checked(case)),
        RevisionStatus::Behind => (DatabaseState::Behind, Strategy::CheckMigrations, checked(case)),
        RevisionStatus::Diverged => {
            let more = "more than one revision is recorded, all of them on the way to the target"
                .to_owned();
            (DatabaseState::Diverged, Strategy::CheckMigrations, more)
        }
        RevisionStatus::Overlapping(before) => {
            let more = format!(
                "{} comes before another recorded revision, so the framework refuses to go on",
                ids(&before)
            );
            (DatabaseState::Diverged, Strategy::Refuse, more)
        }
        RevisionStatus::Ahead(beyond) => (
            DatabaseState::Ahead,
            Strategy::Refuse,
            format!("{} is not on the way there", ids(&beyond)),
        ),
    };
    is(state, strategy, [told, target, more, core_evidence(case)])
}

fn checked(case: &AnalysisContext) -> String {
    match case.compared.as_ref().and_then(|compared| compared.recorded.as_ref()) {
        Some(_) => "the schema is exactly what is catalogued for it".to_owned(),
        None => "schema not checked".to_owned(),
    }
}

fn legacy(case: &AnalysisContext) -> Option<Verdict> {
    let legacy = case.legacy();
    let is_known = case.compared.as_ref().is_some_and(SchemaComparison::is_known);
    if !core_is_genuine(case) && legacy.is_none() && !is_known {
        return None;
    }
    let mut evidence = vec![core_evidence(case), format!("{} records nothing", record(case))];
    evidence.extend(case.compared.as_ref().map(shown));
    if let Some(name) = legacy {
        evidence
            .push(format!("the tables are those of a release before the first migration: {name}"));
    }
    is(DatabaseState::Legacy, Strategy::ComprehensiveMigration, evidence)
}

fn corrupted(case: &AnalysisContext) -> Option<Verdict> {
    let tables = case.tables();
    let has_record = case.book().is_some_and(|book| book.recorded.is_some());
    let strangers = tables.iter().any(|table| !table.ours);
    let core_named = case.core().iter().any(|(_, standing)| *standing != CoreTableStatus::Missing);
    if tables.is_empty()
        || !case.has_core()
        || core_named
        || has_record
        || strangers
        || !case.kept().is_empty()
    {
        return None;
    }
    let names = AnalysisContext::named(tables.iter().map(|table| table.name.as_str()));
    let evidence = [
        format!("{}, none of them core: {names}", counted(tables.len() as u64, "table")),
        "no tool's record of revisions is there, and the connecting role owns every table"
            .to_owned(),
        "with a core table, a record of revisions or another owner the state would be another"
            .to_owned(),
    ];
    is(DatabaseState::Corrupted, Strategy::CleanupAndFreshInit, evidence)
}

fn core_is_genuine(case: &AnalysisContext) -> bool {
    case.has_core() && case.core_is_complete()
}

fn core_evidence(case: &AnalysisContext) -> String {
    let core = case.core();
    if core.is_empty() {
        return "no core tables are configured, so the application cannot be recognised by them"
            .to_owned();
    }
    let genuine = case.core_that_is(CoreTableStatus::Genuine);
    let (n, all) = (genuine.len(), core.len());
    format!(
        "{n} of {all} core tables are there with their columns: {}",
        AnalysisContext::named(genuine)
    )
}

/// The framework's own record in words.
fn record(case: &AnalysisContext) -> String {
    match case.book() {
        Some(book) if book.recorded.is_some() => format!("table `{}`", book.versions.table.name),
        Some(book) => format!("the absent table `{}`", book.versions.table.name),
        None => "no record of revisions".to_owned(),
    }
}

fn ids(ids: &[String]) -> String {
    AnalysisContext::named(ids.iter().map(String::as_str))
}
