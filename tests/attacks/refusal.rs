//! A refusal as programs judge it: by its code, never by its sentences.

use serde_json::Value;

use crate::site::{Said, Site};

/// The error that a command tells as JSON, with its exit code. Null where there is none.
pub fn of(site: &Site, arguments: &[&str]) -> (Value, i32) {
    let said = site.run(&[arguments, &["--format", "json"]].concat());
    let last = said.out.lines().last().unwrap_or("null");
    let mut value: Value = serde_json::from_str(last).unwrap_or_default();
    (value["error"].take(), said.code)
}

/// That a command is refused with this code, nothing else being judged.
#[track_caller]
pub fn with(site: &Site, arguments: &[&str], code: &str) {
    let (error, exit) = of(site, arguments);
    assert_eq!(error["code"], code, "{arguments:?} (exit {exit}): {error:#}");
}

/// All that it said, to look for something that must not be there.
pub fn all_of(said: &Said) -> String {
    format!("{}{}", said.out, said.err)
}
