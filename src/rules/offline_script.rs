//! `offline_script`: what the migrations to run will do to which tables, and whom they keep
//! waiting, as their own offline scripts show it.

use std::collections::BTreeMap;

use crate::analysis::context::AnalysisContext;
use crate::model::database::offline::{LockMode, Offline, StatementKind};
use crate::model::diagnosis::{Finding, Severity};
use crate::rules::{Rule, nothing};

/// The record on the shelf.
pub const RULE: Rule = Rule {
    code: "offline_script",
    about: "what the migrations to run do to which tables, and whom they keep waiting",
    page: include_str!("../../docs/rules/offline_script.md"),
    examine,
    remedy: nothing,
};

fn examine(case: &AnalysisContext) -> Vec<Finding> {
    if case.facts.offline.is_empty() {
        return Vec::new();
    }
    let of = |id: &String| case.facts.offline.iter().find(|offline| offline.revision == *id);
    case.pending
        .iter()
        .map(|id| match of(id) {
            Some(offline) => told(offline),
            None => {
                let message = format!("`{id}` is to be run and is not in the offline script");
                RULE.finding(Severity::Warning, format!("revision {id}"), message)
                    .with_hint("write the offline script anew: it is older than the migrations")
            }
        })
        .collect()
}

fn told(offline: &Offline) -> Finding {
    let mut by_kind: BTreeMap<StatementKind, Vec<&str>> = BTreeMap::new();
    for effect in &offline.effects {
        by_kind.entry(effect.does).or_default().push(&effect.on);
    }
    let mut parts: Vec<String> = by_kind
        .into_iter()
        .map(|(does, on)| match does {
            StatementKind::Unknown => "does something that could not be read".to_owned(),
            _ => format!("{} {}", does.word(), AnalysisContext::named(on)),
        })
        .collect();
    let that = |holds: LockMode| {
        let on = offline
            .effects
            .iter()
            .filter(move |effect| effect.holds == holds && !effect.on.is_empty());
        AnalysisContext::named(on.map(|effect| effect.on.as_str()))
    };
    let (everybody, writers) = (that(LockMode::Everybody), that(LockMode::Writers));
    for (who, tables) in [("everybody", &everybody), ("whoever writes", &writers)] {
        if !tables.is_empty() {
            parts.push(format!("keeps {who} waiting for {tables} while it reads all of it"));
        }
    }
    let message = if parts.is_empty() { "does nothing".to_owned() } else { parts.join("; ") };
    let severity = if everybody.is_empty() { Severity::Info } else { Severity::Warning };
    RULE.finding(
        severity,
        format!("revision {}", offline.revision),
        format!("`{}` {message}", offline.revision),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::database::offline::LockEffect;

    #[test]
    fn what_keeps_everybody_waiting_is_a_warning() {
        let effect = |does, on: &str, holds| LockEffect { does, on: on.into(), holds };
        let effects = vec![
            effect(StatementKind::Creates, "a", LockMode::Nobody),
            effect(StatementKind::Rewrites, "b", LockMode::Everybody),
            effect(StatementKind::Alters, "c", LockMode::Writers),
        ];
        let finding = told(&Offline { revision: "7".into(), effects });
        assert_eq!(finding.severity, Severity::Warning);
        assert_eq!(
            finding.message,
            "`7` creates `a`; alters `c`; rewrites `b`; keeps everybody waiting for `b` while it reads all of it; \
             keeps whoever writes waiting for `c` while it reads all of it"
        );
        let nothing = told(&Offline { revision: "8".into(), effects: Vec::new() });
        assert_eq!(
            (nothing.severity, nothing.message.as_str()),
            (Severity::Info, "`8` does nothing")
        );
    }
}
