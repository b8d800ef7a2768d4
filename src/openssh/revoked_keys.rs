//! Keys that are no longer believed, whatever an allowed-signers file says: OpenSSH's revocation
//! file (`ssh-keygen -r`), either a binary key revocation list or public keys, one a line.
//!
//! A file that cannot be read in full revokes everything: the error stops the verification.

use crate::error::{Error, Kind, Result};
use crate::model::text::shell_word;
use crate::openssh::certificate::{Key, skip_blanks};
use crate::openssh::krl::Krl;
use crate::openssh::public_key::PublicKey;

/// A revocation file as it was read.
#[derive(Clone, Debug)]
pub struct RevokedKeys {
    file: String,
    list: List,
}

#[derive(Clone, Debug)]
enum List {
    Krl(Krl),
    Keys(Vec<PublicKey>),
}

impl RevokedKeys {
    /// Reads the content of `file`.
    ///
    /// Errors: `Kind::Config` with the line or section that cannot be read.
    pub fn parse(file: &str, content: &[u8]) -> Result<Self> {
        let unreadable = |why: String| {
            Error::new(Kind::Config, format!("the revoked keys in `{file}` cannot be read"))
                .because(why)
        };
        let list = match Krl::read(content) {
            Some(krl) => List::Krl(krl.map_err(unreadable)?),
            None => List::Keys(keys(content).map_err(|why| {
                unreadable(why).hint(format!("ssh-keygen -k -f {} SPECIFICATION", shell_word(file)))
            })?),
        };
        Ok(Self { file: file.to_owned(), list })
    }

    /// Why the key, its certificate or the authority behind it is revoked; `None` when it is not.
    pub fn revokes(&self, key: &Key) -> Option<String> {
        let what = match &self.list {
            List::Krl(krl) => krl.revokes(key)?,
            List::Keys(keys) => {
                let authority = key.certificate().map(|certificate| &certificate.authority);
                if keys.contains(key.plain()) {
                    "the key"
                } else if authority.is_some_and(|authority| keys.contains(authority)) {
                    "the authority of the key's certificate"
                } else {
                    return None;
                }
            }
        };
        Some(format!("{what} is revoked by `{}`", self.file))
    }
}

/// Kinds of keys that OpenSSH once knew and that are never believed here.
const FORMER: [&[u8]; 2] = [b"ssh-dss", b"ssh-dss-cert-v01@openssh.com"];

fn is_blank_first(rest: &[u8]) -> bool {
    rest.first().is_some_and(|byte| matches!(byte, b' ' | b'\t'))
}

/// A certificate in the list revokes the key that it is for.
fn keys(content: &[u8]) -> Result<Vec<PublicKey>, String> {
    let mut keys = Vec::new();
    for (number, line) in (1..).zip(content.split(|byte| *byte == b'\n')) {
        let line = skip_blanks(line.split(|byte| *byte == 0).next().unwrap_or_default());
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        // Keys of former times stand in such lists still. They sign nothing that is believed, so
        // there is nothing to revoke.
        if FORMER.iter().any(|kind| line.strip_prefix(*kind).is_some_and(is_blank_first)) {
            continue;
        }
        let (key, _comment) =
            Key::from_line(line).map_err(|why| format!("line {number}: {why}"))?;
        keys.push(key.plain().clone());
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openssh::signing_key::SigningKey;
    use proptest::prelude::*;

    #[test]
    fn a_listed_key_is_revoked_and_another_is_not() {
        let (alice, bob) = (SigningKey::generate("").unwrap(), SigningKey::generate("").unwrap());
        let list = RevokedKeys::parse(
            "revoked",
            format!("# gone\n\n{}\r\n", alice.public_line()).as_bytes(),
        )
        .unwrap();
        let why = list.revokes(&Key::Plain(alice.public().clone()));
        assert_eq!(why.as_deref(), Some("the key is revoked by `revoked`"));
        assert_eq!(list.revokes(&Key::Plain(bob.public().clone())), None);
        let empty = RevokedKeys::parse("revoked", b"").unwrap();
        assert_eq!(empty.revokes(&Key::Plain(bob.public().clone())), None);
    }

    #[test]
    fn a_key_of_former_times_revokes_nothing_and_stops_nothing() {
        let (alice, bob) = (SigningKey::generate("").unwrap(), SigningKey::generate("").unwrap());
        let text = format!("ssh-dss AAAAB3NzaC1kc3M= old\n{}\n", alice.public_line());
        let list = RevokedKeys::parse("revoked", text.as_bytes()).unwrap();
        assert!(list.revokes(&Key::Plain(alice.public().clone())).is_some());
        assert!(list.revokes(&Key::Plain(bob.public().clone())).is_none());
        assert!(RevokedKeys::parse("revoked", b"ssh-dsx AAAA\n").is_err());
    }

    #[test]
    fn a_line_that_cannot_be_read_stops_everything() {
        let fingerprint = SigningKey::generate("").unwrap().fingerprint();
        for text in [fingerprint.as_str(), "hash: SHA256:AAAA", "\r", "ssh-ed25519 AAAA"] {
            let error =
                RevokedKeys::parse("revoked", format!("\n{text}\n").as_bytes()).unwrap_err();
            assert!(error.causes()[0].contains("line 2"), "{error}");
            assert_eq!(error.kind(), Kind::Config);
        }
    }

    proptest! {
        #[test]
        fn no_content_makes_the_parser_panic(content: Vec<u8>) {
            let _ = RevokedKeys::parse("f", &content);
        }
    }
}
