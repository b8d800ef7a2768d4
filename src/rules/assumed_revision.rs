//! `assumed_revision`: a person said which revision the schema is at. Done as said, with what
//! speaks against it in the plan; counts as destructive for trust unless the schema shows the same.

use crate::actions::Draft;
use crate::analysis::context::{AnalysisContext, DATABASE, Grounds};
use crate::model::diagnosis::{DatabaseState, Finding, Severity};
use crate::model::text::counted;
use crate::rules::Rule;
use crate::rules::stamping::{stamp, told};

/// The record on the shelf.
pub const RULE: Rule = Rule {
    code: "assumed_revision",
    about: "a person said which revision the schema is at",
    page: include_str!("../../docs/rules/assumed_revision.md"),
    examine,
    remedy,
};

/// Whether a person may decide which revision is recorded in this state.
pub fn may_be_assumed(state: DatabaseState) -> bool {
    matches!(
        state,
        DatabaseState::Legacy
            | DatabaseState::UnknownRevision
            | DatabaseState::FalseStamp
            | DatabaseState::Drifted
            | DatabaseState::Diverged
            | DatabaseState::Current
            | DatabaseState::Behind
    )
}

fn examine(case: &AnalysisContext) -> Vec<Finding> {
    let assumed = &case.decisions.assume_revision;
    if assumed.is_empty() {
        return Vec::new();
    }
    let named = AnalysisContext::named(assumed.iter().map(String::as_str));
    let Some(stamp) = &case.stamp else {
        let message = match case.state {
            _ if case.facts.recorded() == assumed.as_slice() => {
                format!("{named} is what the database records already")
            }
            state if !may_be_assumed(state) => {
                format!("{named} cannot be assumed of a database that is {}", state.word())
            }
            _ => format!("{named} cannot be assumed: not all of it is in a script"),
        };
        return vec![
            RULE.finding(Severity::Error, DATABASE, message).with_hint("ttplan revisions list"),
        ];
    };
    let gap = match case.compared.as_ref().and_then(|compared| compared.differences_from(&stamp.to))
    {
        None => "there is no catalogue to compare the schema with".to_owned(),
        Some(differences) if differences.is_empty() => {
            "the schema is exactly that of it".to_owned()
        }
        Some(differences) => {
            format!(
                "the schema differs in {}: {}",
                counted(differences.len() as u64, "fact"),
                told(&differences)
            )
        }
    };
    let (severity, message) = match stamp.basis {
        Grounds::Shown => (Severity::Info, format!("{named} was assumed, and {gap}")),
        Grounds::Assumed => (Severity::Warning, format!("{named} was assumed by a person; {gap}")),
    };
    vec![RULE.finding(severity, DATABASE, message)]
}

fn remedy(case: &AnalysisContext) -> Vec<Draft> {
    let is_for_others = matches!(case.state, DatabaseState::Legacy | DatabaseState::FalseStamp);
    if case.decisions.assume_revision.is_empty() || is_for_others {
        Vec::new()
    } else {
        stamp(case, RULE.code)
    }
}
