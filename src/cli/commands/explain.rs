//! `ttplan explain`: the page on an action kind or a rule, from the binary itself.

use crate::actions;
use crate::cli::out::Out;
use crate::error::{Error, Kind, Result};
use crate::rules;

/// Explain an action kind or the code of a finding.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// An action kind or a finding's code; without it, all of them are listed
    name: Option<String>,
}

/// Runs the command.
pub fn run(args: &Args, out: &mut Out) -> Result<u8> {
    let Some(name) = &args.name else {
        let mut text = String::from("action kinds:\n");
        for action in actions::ALL {
            text.push_str(&format!("  {:24} {}\n", action.kind, action.about));
        }
        text.push_str("rules:\n");
        for rule in rules::ALL {
            text.push_str(&format!("  {:24} {}\n", rule.code, rule.about));
        }
        out.result(&text)?;
        return Ok(0);
    };
    let page = actions::by_kind(name)
        .map(|action| action.page)
        .or_else(|| rules::by_code(name).map(|rule| rule.page));
    let Some(page) = page else {
        let known = actions::ALL
            .iter()
            .map(|action| action.kind)
            .chain(rules::ALL.iter().map(|rule| rule.code));
        let nearest =
            known.min_by_key(|known| strsim::damerau_levenshtein(known, name)).unwrap_or_default();
        return Err(Error::new(Kind::Usage, format!("there is no action kind or rule `{name}`"))
            .hint(format!("did you mean `ttplan explain {nearest}`?")));
    };
    out.result(page)?;
    Ok(0)
}
