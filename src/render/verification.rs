//! What a host would say to a document, for a terminal: a line for each question, then the answer.

use crate::error::{Error, Result};
use crate::model::verification::Verification;
use crate::render::style::{bad, good, plain};

/// A question that was asked, and its answer: what there is to say for a yes.
pub struct Question<'a> {
    /// One word: `signed`, `permitted`, `valid`.
    pub what: &'a str,
    /// What is said where no refusal is.
    pub yes: String,
    /// All for which it is refused.
    pub no: Vec<&'a Error>,
}

impl<'a> Question<'a> {
    /// A question with one answer.
    pub fn new(what: &'a str, yes: String, answer: &'a Result<()>) -> Self {
        Self { what, yes, no: answer.as_ref().err().into_iter().collect() }
    }
}

/// Every question with its answer; nothing is left out after the first no.
pub fn questions(asked: &[Question<'_>]) -> String {
    let mut text = String::new();
    for one in asked {
        if one.no.is_empty() {
            text.push_str(&format!("{}  {:<9}  {}\n", good("ok"), one.what, plain(&one.yes)));
        }
        for error in &one.no {
            text.push_str(&format!("{}  {:<9}  {}\n", bad("no"), one.what, plain(error.message())));
            for cause in error.causes() {
                text.push_str(&format!("               {}\n", plain(cause)));
            }
            for hint in error.hints() {
                text.push_str(&format!("      hint:    {}\n", plain(hint)));
            }
        }
    }
    text
}

/// How many reasons there are to refuse it.
pub fn refusals(asked: &[Question<'_>]) -> u64 {
    asked.iter().flat_map(|one| &one.no).map(|error| error.causes().len().max(1) as u64).sum()
}

/// Who signed, and how many have to: the end of a line.
pub fn signers(seen: &Verification) -> String {
    let names: Vec<String> = seen
        .signed
        .iter()
        .map(|signed| format!("{} ({})", signed.principal, signed.fingerprint))
        .collect();
    let roles = seen.one_of.iter().flatten().map(|role| format!(", one of them a {role}"));
    let roles: String = roles.collect();
    let author = seen.author.iter().map(|author| format!(" beside its author {author}"));
    let author: String = author.collect();
    format!("{} of {} needed{author}{roles}: {}", names.len(), seen.needed, names.join(", "))
}

/// Signature files that do not count, and why; then what it all comes to.
pub fn accepted(seen: &Verification, next: &str) -> String {
    let mut text = String::new();
    for (file, why) in &seen.not_counted {
        text.push_str(&format!("not counted: {}: {}\n", plain(file), plain(why)));
    }
    text.push_str(&format!("sha256 {}\n", seen.sha256));
    text.push_str("This host would accept it. Not compared with the live site.\n");
    if !next.is_empty() {
        text.push_str(&format!("Next: {next}\n"));
    }
    text
}
