//! `unstamped_schema`: the application's tables are there and no revision is recorded. Which
//! revision they are at is never guessed.

use crate::actions::Draft;
use crate::analysis::context::{AnalysisContext, DATABASE};
use crate::model::diagnosis::{DatabaseState, Finding, Inferred, Severity};
use crate::rules::Rule;
use crate::rules::stamping::{stamp, told};

/// The record on the shelf.
pub const RULE: Rule = Rule {
    code: "unstamped_schema",
    about: "the application's tables are there and no revision is recorded",
    page: include_str!("../../docs/rules/unstamped_schema.md"),
    examine,
    remedy,
};

fn examine(case: &AnalysisContext) -> Vec<Finding> {
    if case.state != DatabaseState::Legacy {
        return Vec::new();
    }
    let what = match case.legacy() {
        Some(name) => {
            format!("the tables are those of a release before the first migration ({name})")
        }
        None => "the application's tables are there and no revision is recorded".to_owned(),
    };
    if let Some(stamp) = &case.stamp {
        let to = AnalysisContext::named(stamp.to.iter().map(String::as_str));
        return vec![RULE.finding(
            Severity::Warning,
            DATABASE,
            format!("{what}; {to} will be recorded"),
        )];
    }
    let inferred = case.compared.as_ref().map(|compared| &compared.inferred);
    let named = |ids: &[String]| AnalysisContext::named(ids.iter().map(String::as_str));
    let never =
        "do not stamp `head`: every migration that is missing would be skipped for ever".to_owned();
    let (why, hint) = match inferred {
        None => {
            ("which revision the schema is at is not known, so none is stamped".to_owned(), never)
        }
        Some(Inferred { exact: Some(exact), .. }) => (
            format!("the schema is that of {}, and not all of it is in a script", named(exact)),
            "use the release that the database was last run with, or a newer one".to_owned(),
        ),
        Some(Inferred { nearest: Some(nearest), .. }) => (
            format!(
                "the schema is only near that of {}: {}",
                named(&nearest.revisions),
                told(&nearest.differences)
            ),
            format!("make it that schema by hand, after a backup, or restore a backup; {never}"),
        ),
        Some(Inferred { candidates, .. }) => {
            let each: Vec<String> = candidates.iter().map(|ids| named(ids)).collect();
            let first = candidates.first().map_or(String::new(), |ids| ids.join(","));
            (
                format!(
                    "the schema is that of {}, which differ in nothing else",
                    each.join(" or ")
                ),
                format!(
                    "find out which, then plan with it: `ttplan plan --assume-revision {first}`"
                ),
            )
        }
    };
    vec![RULE.finding(Severity::Error, DATABASE, format!("{what}; {why}")).with_hint(hint)]
}

fn remedy(case: &AnalysisContext) -> Vec<Draft> {
    if case.state == DatabaseState::Legacy { stamp(case, RULE.code) } else { Vec::new() }
}
