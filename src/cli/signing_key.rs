//! Finds what signs: a key file, the key in CI's own variable, or the SSH agent.

use std::path::{Path, PathBuf};

use crate::cli::ask;
use crate::error::{Error, Kind, Result};
use crate::fs::files;
use crate::model::names::Secret;
use crate::openssh::agent::Agent;
use crate::openssh::certificate::Key;
use crate::openssh::public_key::PublicKey;
use crate::openssh::signer::Signer;
use crate::openssh::signing_key::SigningKey;

/// A private key in OpenSSH's format, for CI.
const KEY: &str = "TTPLAN_SIGNING_KEY";
/// Its passphrase, or that of the key file.
const PASSPHRASE: &str = "TTPLAN_SIGNING_PASSPHRASE";
/// Where the SSH agent listens.
const AGENT: &str = "SSH_AUTH_SOCK";

/// What signs: the key file; without one the variable; without that the agent. A public key means
/// the agent's private half of it.
pub fn signer(file: Option<&Path>) -> Result<Signer> {
    match (file, std::env::var(KEY)) {
        (Some(file), _) => match public_half(file)? {
            Some(public) => agent(Some(&public)),
            None => private_key(file),
        },
        (None, Ok(text)) if !text.is_empty() => {
            let lines = SigningKey::from_text(KEY, &unescaped(&text), &mut || {
                passphrase(&format!("passphrase of {KEY}"))
            })?;
            Ok(Signer::Key(Box::new(lines)))
        }
        (None, Ok(_) | Err(std::env::VarError::NotPresent)) => agent(None),
        (None, Err(error)) => {
            Err(Error::new(Kind::Config, format!("{KEY} cannot be read")).because(error))
        }
    }
}

/// CI systems keep a secret in one line; its line breaks are then written as `\\n`.
fn unescaped(text: &str) -> String {
    if text.contains('\n') { text.to_owned() } else { text.replace("\\n", "\n") }
}

fn private_key(file: &Path) -> Result<Signer> {
    let what = format!("passphrase of `{}`", file.display());
    SigningKey::read(file, &mut || passphrase(&what)).map(|key| Signer::Key(Box::new(key)))
}

fn passphrase(what: &str) -> Result<Secret> {
    let said = std::env::var(PASSPHRASE).ok().filter(|text| !text.is_empty());
    said.map_or_else(|| ask::passphrase(what), |text| Ok(Secret::new(text)))
}

/// The key of a `.pub` file.
fn public_half(file: &Path) -> Result<Option<PublicKey>> {
    if file.extension().is_none_or(|ending| ending != "pub") {
        return Ok(None);
    }
    let wrong = |why: String| {
        Error::new(Kind::Usage, format!("`{}` is no public key", file.display())).because(why)
    };
    let bytes = files::read(file)?;
    let (key, _comment) = Key::from_line(bytes.trim_ascii()).map_err(wrong)?;
    Ok(Some(key.plain().clone()))
}

fn agent(wanted: Option<&PublicKey>) -> Result<Signer> {
    let socket = std::env::var_os(AGENT).filter(|socket| !socket.is_empty()).map(PathBuf::from);
    let nothing = || {
        Error::new(Kind::Usage, "nothing says with which key to sign")
            .hint("give `--key FILE`, or start an agent: eval \"$(ssh-agent)\"; ssh-add")
            .hint(format!("in CI keep the key in {KEY}"))
    };
    let mut agent = Agent::reach(&socket.ok_or_else(nothing)?)?;
    let identity = agent.choose(wanted)?;
    Ok(Signer::Agent(agent, identity))
}
