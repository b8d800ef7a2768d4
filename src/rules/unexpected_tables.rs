//! `unexpected_tables`: tables that nothing explains, in a database that holds nothing of the
//! application. Removed only as configured, and never without being saved.

use crate::actions::Draft;
use crate::actions::drop_constraint::DropConstraint;
use crate::actions::drop_table::DropTable;
use crate::actions::drop_view::DropView;
use crate::actions::quarantine_table::QuarantineTable;
use crate::analysis::context::{AnalysisContext, DATABASE};
use crate::analysis::drop_order::{self, DropOrder};
use crate::model::config::Unexpected;
use crate::model::diagnosis::{DatabaseState, Finding, Severity};
use crate::model::names::ObjectRef;
use crate::model::text::counted;
use crate::rules::Rule;

/// The record on the shelf.
pub const RULE: Rule = Rule {
    code: "unexpected_tables",
    about: "there are tables that nothing explains, and nothing of the application",
    page: include_str!("../../docs/rules/unexpected_tables.md"),
    examine,
    remedy,
};

fn wish(case: &AnalysisContext) -> Unexpected {
    if case.facts.config.cleanup.skip {
        return Unexpected::Keep;
    }
    case.facts.config.tables.unexpected_on(case.is_one_file())
}

fn going(case: &AnalysisContext) -> Vec<ObjectRef> {
    case.tables().iter().map(|table| table.reference()).collect()
}

fn removal(case: &AnalysisContext, tables: &[ObjectRef]) -> DropOrder {
    drop_order::order(case.schema(), tables, !case.is_one_file())
}

fn examine(case: &AnalysisContext) -> Vec<Finding> {
    if case.state != DatabaseState::Corrupted {
        return Vec::new();
    }
    let tables = going(case);
    let count = counted(tables.len() as u64, "table");
    let named = AnalysisContext::named(tables.iter().map(|table| table.name.as_str()));
    let doubt = "nothing tells them from the tables of a stranger who keeps no record";
    let told = |severity, what: &str| {
        RULE.finding(
            severity,
            DATABASE,
            format!("{count} that nothing explains ({named}): {what}; {doubt}"),
        )
    };
    match wish(case) {
        Unexpected::Keep => {
            let key = if case.is_one_file() { "unexpected_on_sqlite" } else { "unexpected" };
            let hint = match case
                .facts
                .config
                .cleanup
                .variable
                .as_deref()
                .filter(|_| case.facts.config.cleanup.skip)
            {
                Some(variable) => {
                    format!(
                        "unset `{variable}`, or name them under `[tables] keep` to start beside them"
                    )
                }
                None => format!(
                    "set `[tables] {key} = \"quarantine\"`, or name them under `[tables] keep`"
                ),
            };
            vec![
                told(
                    Severity::Error,
                    "they are kept, and the application is not set up beside them",
                )
                .with_hint(hint),
            ]
        }
        Unexpected::Drop | Unexpected::Quarantine => {
            let obstacles = removal(case, &tables).obstacles;
            if let Some((object, why)) = obstacles.first() {
                let what = format!("{object} cannot be removed, because {why}");
                return vec![
                    told(Severity::Error, &what)
                        .with_hint("remove what depends on it by hand, then plan again"),
                ];
            }
            let what = if wish(case) == Unexpected::Drop {
                "they are dropped, saved first"
            } else {
                "they are quarantined"
            };
            let hint =
                "check that DATABASE_URL names the application's own database before you sign";
            vec![told(Severity::Warning, what).with_hint(hint)]
        }
    }
}

fn remedy(case: &AnalysisContext) -> Vec<Draft> {
    let (DatabaseState::Corrupted, false) = (case.state, case.is_blocked(DATABASE)) else {
        return Vec::new();
    };
    let tables = going(case);
    match wish(case) {
        Unexpected::Keep => Vec::new(),
        Unexpected::Drop => drops(case, &removal(case, &tables)).unwrap_or_default(),
        Unexpected::Quarantine => quarantines(case, &removal(case, &tables)).unwrap_or_default(),
    }
}

/// The steps that drop everything; `None` as soon as one of them cannot be made, because half a
/// removal is none.
fn drops(case: &AnalysisContext, removal: &DropOrder) -> Option<Vec<Draft>> {
    let schema = case.schema();
    let gone_before = |object: &ObjectRef| schema.dependents_of(object);
    let mut steps = Vec::new();
    for object in &removal.views {
        let drop = DropView {
            view: object,
            definition: &schema.definition_of(object)?,
            rows: None,
            dependents: &gone_before(object),
            reason: RULE.code,
        };
        steps.push(drop.step());
    }
    for constraint in &removal.constraints {
        let definition = &schema.definition_of(constraint)?;
        steps.push(DropConstraint { constraint, definition, reason: RULE.code }.step());
    }
    for object in &removal.tables {
        let drop = DropTable {
            table: object,
            definition: &schema.definition_of(object)?,
            rows: case.facts.rows_of(object)?,
            dependents: &gone_before(object),
            reason: RULE.code,
        };
        steps.push(drop.step());
    }
    Some(steps)
}

fn quarantines(case: &AnalysisContext, removal: &DropOrder) -> Option<Vec<Draft>> {
    let mut steps = Vec::new();
    for object in removal.views.iter().chain(&removal.tables) {
        let rows = match object.kind {
            crate::model::names::ObjectKind::Table => Some(case.facts.rows_of(object)?),
            _ => None,
        };
        let definition = &case.schema().definition_of(object)?;
        steps.push(QuarantineTable { object, definition, rows, reason: RULE.code }.step());
    }
    Some(steps)
}
