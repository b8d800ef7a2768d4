//! `drifted_schema`: the database does not have the schema of the revision it records, nor that of
//! any other.

use crate::analysis::context::{AnalysisContext, DATABASE};
use crate::model::diagnosis::{DatabaseState, Finding};
use crate::rules::stamping::told;
use crate::rules::{Rule, nothing};

/// The record on the shelf.
pub const RULE: Rule = Rule {
    code: "drifted_schema",
    about: "the schema is not that of the recorded revision, nor of any other",
    page: include_str!("../../docs/rules/drifted_schema.md"),
    examine,
    remedy: nothing,
};

fn examine(case: &AnalysisContext) -> Vec<Finding> {
    let (DatabaseState::Drifted, Some(compared)) = (case.state, &case.compared) else {
        return Vec::new();
    };
    let recorded = AnalysisContext::named(case.facts.recorded().iter().map(String::as_str));
    let gap = told(compared.recorded.as_deref().unwrap_or_default());
    let finding = RULE.finding(
        case.unless_decided(),
        DATABASE,
        format!("the schema differs from that of {recorded}: {gap}"),
    );
    let hint = match &compared.inferred.nearest {
        Some(nearest) if nearest.revisions != case.facts.recorded() => {
            let ids = nearest.revisions.join(",");
            format!("it is nearest to `{ids}`; see what differs: `ttplan revisions infer`")
        }
        _ => "make the schema what the revision has, by hand and after a backup, then plan again"
            .to_owned(),
    };
    vec![finding.with_hint(hint)]
}
