//! `beyond_host`: the configuration says commands, a version table or columns that the host does
//! not permit. The host decides, so a plan that needs them will be refused there.

use crate::analysis::commands::Commands;
use crate::analysis::context::{AnalysisContext, MIGRATIONS};
use crate::model::diagnosis::{Finding, Severity};
use crate::model::files::references::Form;
use crate::model::host::HostFacts;
use crate::model::host_command::{CHECK, HostCommand, UPGRADE};
use crate::model::host_profile::{line_of_column, line_of_version_table};
use crate::rules::{Rule, nothing};

/// The record on the shelf.
pub const RULE: Rule = Rule {
    code: "beyond_host",
    about: "the configuration says more than the host permits",
    page: include_str!("../../docs/rules/beyond_host.md"),
    examine,
    remedy: nothing,
};

fn examine(case: &AnalysisContext) -> Vec<Finding> {
    let Some(host) = &case.facts.host else { return Vec::new() };
    let mut found = Vec::new();
    if let Some(Commands { upgrade, check }) = Commands::configured(case.facts) {
        found.extend(command(host, UPGRADE, &upgrade));
        found.extend(check.and_then(|check| command(host, CHECK, &check)));
    }
    found.extend(version_table(case, host));
    found.extend(columns(case, host));
    found
}

fn command(host: &HostFacts, name: &str, said: &HostCommand) -> Option<Finding> {
    let words = said.argv.join(" ");
    let message = match host.commands.get(name) {
        Some(known) if known.is_written_as(said) => return None,
        Some(known) => {
            let differs = known.differing(said).join(", ");
            format!(
                "the host's command `{name}` is not the configured `{words}`: {differs} differs"
            )
        }
        None => format!("the host permits no command `{name}`; configured is `{words}`"),
    };
    let hint = format!("in host.toml: {}", said.line(name));
    Some(RULE.finding(Severity::Warning, MIGRATIONS, message).with_hint(hint))
}

fn version_table(case: &AnalysisContext, host: &HostFacts) -> Option<Finding> {
    let book = case.book()?;
    let profile = host.profile.as_ref();
    if profile.is_some_and(|profile| {
        profile.permits_stamp(&book.versions.table, Some(book.versions.column()))
    }) {
        return None;
    }
    let message =
        format!("the host's profile does not name `{}` as version table", book.versions.table.name);
    let hint =
        format!("in the host's profile: {}", line_of_version_table(&book.versions.table.name));
    Some(RULE.finding(Severity::Warning, MIGRATIONS, message).with_hint(hint))
}

fn columns(case: &AnalysisContext, host: &HostFacts) -> Vec<Finding> {
    let mut found = Vec::new();
    for upload in &case.facts.config.uploads {
        for reference in &upload.references {
            let table = case.home_reference(&reference.table);
            let permits = |profile: &crate::model::host_profile::HostProfile| {
                profile.permits_rewrite(&table, &reference.column)
            };
            // Bare names are never rewritten.
            let is_rewritten = !matches!(reference.form, Form::Name | Form::Relative);
            if is_rewritten && !host.profile.as_ref().is_some_and(permits) {
                let (column, table) = (&reference.column, &reference.table);
                let message = format!(
                    "the host's profile does not name `{column}` of {table} as a reference"
                );
                let hint = format!("in the host's profile: {}", line_of_column(table, column));
                let subject = format!("uploads/{}", upload.name);
                found.push(RULE.finding(Severity::Warning, subject, message).with_hint(hint));
            }
        }
    }
    found
}
