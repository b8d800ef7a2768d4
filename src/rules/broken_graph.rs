//! `broken_graph`: the migration scripts do not make one graph that can be walked to the target.

use crate::analysis::context::{AnalysisContext, MIGRATIONS};
use crate::model::diagnosis::{Finding, Severity};
use crate::rules::{Rule, nothing};

/// The record on the shelf.
pub const RULE: Rule = Rule {
    code: "broken_graph",
    about: "the migration scripts cannot be walked to the target",
    page: include_str!("../../docs/rules/broken_graph.md"),
    examine,
    remedy: nothing,
};

fn examine(case: &AnalysisContext) -> Vec<Finding> {
    let (Some(config), Some(revisions)) = (&case.facts.config.revisions, case.revisions()) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut add = |message: String, hint: &str| {
        found.push(RULE.finding(Severity::Error, MIGRATIONS, message).with_hint(hint));
    };
    if revisions.digest.is_none() {
        add(
            format!("the migration scripts were not found at `{}`", config.directory.to_text()),
            "set `[revisions] directory` in ttplan.toml",
        );
        return found;
    }
    for unread in &revisions.unread {
        add(
            format!("`{}` is not understood: {}", unread.file.to_text(), unread.reason),
            "write the ids down as plain strings",
        );
    }
    let named = |ids: &[String]| AnalysisContext::named(ids.iter().map(String::as_str));
    if revisions.scripts.is_empty() {
        add(
            format!("there is no migration script in `{}`", config.directory.to_text()),
            "check `[revisions] directory`",
        );
    }
    let duplicates = revisions.duplicates();
    if !duplicates.is_empty() {
        add(
            format!("more than one script claims {}", named(&duplicates)),
            "give each script an id of its own",
        );
    }
    let dangling = revisions.dangling();
    if !dangling.is_empty() {
        add(
            format!("scripts build on {}, which is missing", named(&dangling)),
            "restore the missing script",
        );
    }
    if revisions.has_cycle() {
        add(
            "the scripts build on each other in a circle".to_owned(),
            "correct the parents of the newest script",
        );
    }
    let heads = revisions.heads();
    if config.target.as_slice() == ["head"] && heads.len() > 1 {
        add(
            format!("there are several heads: {}", named(&heads)),
            "set `[revisions] target = \"heads\"`, or merge them",
        );
    }
    let unknown: Vec<String> =
        case.target.iter().filter(|id| revisions.script(id).is_none()).cloned().collect();
    if !unknown.is_empty() {
        add(
            format!("the target {} is in none of the scripts", named(&unknown)),
            "check `[revisions] target`",
        );
    }
    found
}
