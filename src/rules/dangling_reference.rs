//! `dangling_reference`: a value in the database names a file that is in no known place, or that
//! is not of the form the column should have.

use crate::model::config::Upload;
use crate::model::diagnosis::{Finding, Severity};
use crate::model::names::FilePath;
use crate::model::observation::Facts;
use crate::model::references::Referenced;
use crate::model::uploads::RootState;
use crate::rules::case::Case;
use crate::rules::{Rule, nothing};

/// The record on the shelf.
pub const RULE: Rule = Rule {
    code: "dangling_reference",
    about: "a value in the database names a file that is nowhere",
    page: include_str!("../../docs/rules/dangling_reference.md"),
    examine,
    remedy: nothing,
};

/// Where the file that a value names is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Where it belongs.
    Here,
    /// In an old place.
    Elsewhere,
    Nowhere,
    /// The value is not of the declared form.
    Invalid,
    /// A place where it could be was not readable.
    Unknown,
}

/// Looks a value up in every place of its upload.
pub fn find(facts: &Facts, upload: &Upload, referenced: &Referenced, value: &str) -> Found {
    let root = upload.to.to_text();
    let Some(path) = referenced.reference.relative_path(value, &root) else { return Found::Invalid };
    let path = FilePath::new(path);
    let mut unknown = false;
    for place in std::iter::once(&upload.to).chain(&upload.from) {
        match facts.tree(place) {
            Some(tree) if tree.file(&path).is_some() => {
                return if *place == upload.to { Found::Here } else { Found::Elsewhere };
            }
            Some(tree) if matches!(tree.state, RootState::Present | RootState::Missing) => {}
            _ => unknown = true,
        }
    }
    if unknown { Found::Unknown } else { Found::Nowhere }
}

fn examine(case: &Case) -> Vec<Finding> {
    let mut found = Vec::new();
    for referenced in &case.facts.references {
        let Some(upload) = case.facts.config.uploads.iter().find(|upload| upload.name == referenced.upload) else {
            continue;
        };
        let column = format!("{}.{}", referenced.reference.table, referenced.reference.column);
        for (key, value) in &referenced.values {
            let what = match find(case.facts, upload, referenced, value) {
                Found::Here | Found::Elsewhere => continue,
                Found::Nowhere => "a file that is in none of its places",
                Found::Invalid => "something that is not of the form it should have",
                Found::Unknown => "a file that may be in a place that could not be read",
            };
            let message = format!("`{column}` of row {key} names `{value}`: {what}");
            found.push(RULE.finding(Severity::Warning, format!("{column}/{key}"), message));
        }
    }
    found
}
