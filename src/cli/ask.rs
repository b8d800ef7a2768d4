//! Asks the person at the terminal.

use std::io::{BufRead, IsTerminal};

use crate::cli::out::Out;
use crate::error::{Error, Kind, Result};
use crate::model::names::Secret;

/// Asks for a plain yes. Without a terminal there is nobody to ask.
///
/// Errors: `Kind::Usage` without a terminal; `flag` is what would have said yes beforehand.
pub fn yes(question: &str, flag: &str, out: &mut Out) -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Err(Error::new(Kind::Usage, "there is no terminal to ask at")
            .because(format!("the question is: {question}"))
            .hint(format!("give `{flag}` to say yes beforehand")));
    }
    out.say(&format!("{question} Only `yes` is taken for yes: "));
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|error| Error::new(Kind::Failed, "cannot read the answer").because(error))?;
    Ok(line.trim() == "yes")
}

/// Asks for a passphrase without showing it.
pub fn passphrase(what: &str) -> Result<Secret> {
    let text = rpassword::prompt_password(format!("{what}: ")).map_err(|error| {
        Error::new(Kind::Usage, "there is no terminal to ask for the passphrase at")
            .because(error)
            .hint("use a key without a passphrase in CI, and keep it in the CI's secret store")
    })?;
    Ok(Secret::new(text))
}
