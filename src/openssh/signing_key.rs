//! Private keys: reading them from OpenSSH's own file format, and making a new one.
//!
//! A private key stays in this value; it is never printed, logged or put into an error, and
//! its memory is wiped when it is dropped.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{LineEnding, PrivateKey};
use zeroize::Zeroizing;

use crate::error::{Error, Kind, Result};
use crate::model::names::Secret;
use crate::model::text::shell_word;
use crate::openssh::key_kind::KeyKind;
use crate::openssh::public_key::PublicKey;

/// Far more than any key file needs.
const LARGEST_FILE: u64 = 1 << 20;

/// A private key that can sign.
pub struct SigningKey {
    private: PrivateKey,
    public: PublicKey,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({} {})", self.kind(), self.fingerprint())
    }
}

impl SigningKey {
    /// Reads a key file. `passphrase` is only called when the key is encrypted.
    ///
    /// Errors: `Kind::Failed` when it cannot be read, is open to others than its owner, is not in
    /// OpenSSH's format, or the passphrase is wrong; `Kind::Refused` when it is too weak to be
    /// believed.
    pub fn read(path: &Path, passphrase: &mut dyn FnMut() -> Result<Secret>) -> Result<Self> {
        let shown = path.display();
        let unreadable = |error: std::io::Error| {
            Error::new(Kind::Failed, format!("the key `{shown}` cannot be read")).because(error)
        };
        let file = File::open(path).map_err(unreadable)?;
        let about = file.metadata().map_err(unreadable)?;
        if !about.is_file() {
            return Err(Error::new(Kind::Failed, format!("the key `{shown}` is not a plain file")));
        }
        // As ssh does: what belongs to another user is that user's to protect.
        if about.uid() == rustix::process::getuid().as_raw() && about.mode() & 0o077 != 0 {
            return Err(Error::new(
                Kind::Failed,
                format!("the private key `{shown}` is open to other users"),
            )
            .because(format!("its mode is {:04o}", about.mode() & 0o7777))
            .hint(format!("chmod 600 {}", shell_word(&shown.to_string()))));
        }
        let mut text = Zeroizing::new(String::new());
        file.take(LARGEST_FILE).read_to_string(&mut text).map_err(unreadable)?;
        Self::from_text(&shown.to_string(), &text, passphrase)
    }

    /// The same from text that came some other way; `name` is what to call it before people.
    pub fn from_text(
        name: &str,
        text: &str,
        passphrase: &mut dyn FnMut() -> Result<Secret>,
    ) -> Result<Self> {
        if !text.trim_start().starts_with(OPENSSH) {
            return Err(foreign_format(name, text));
        }
        let malformed = || Error::new(Kind::Failed, format!("the private key `{name}` is damaged"));
        let mut private = PrivateKey::from_openssh(text.trim()).map_err(|_| malformed())?;
        let public = PublicKey::from_data(private.public_key().key_data()).map_err(|why| {
            Error::new(Kind::Refused, format!("the key `{name}` cannot sign"))
                .code("key_refused")
                .because(why)
        })?;
        if public.kind().is_security_key() {
            return Err(in_a_security_key(name));
        }
        if private.is_encrypted() {
            let passphrase = passphrase()?;
            private = private.decrypt(passphrase.reveal()).map_err(|error| match error {
                ssh_key::Error::Crypto => {
                    Error::new(Kind::Failed, format!("wrong passphrase for the key `{name}`"))
                }
                _ => malformed().because("it cannot be decrypted, or the passphrase is wrong"),
            })?;
        }
        public.strong_enough().map_err(|why| {
            Error::new(Kind::Refused, format!("the key `{name}` cannot sign"))
                .code("key_refused")
                .because(why)
        })?;
        Ok(Self { private, public })
    }

    /// Makes a new Ed25519 key. The comment goes into its file and its public line.
    ///
    /// Errors: `Kind::Failed` when the system gives no random bytes.
    pub fn generate(comment: &str) -> Result<Self> {
        let failed = |why: String| Error::new(Kind::Failed, "no new key can be made").because(why);
        let mut seed = Zeroizing::new([0; 32]);
        ssh_key::getrandom::fill(&mut seed[..]).map_err(|error| failed(error.to_string()))?;
        let pair = KeypairData::Ed25519(Ed25519Keypair::from_seed(&seed));
        let private =
            PrivateKey::new(pair, one_line(comment)).map_err(|error| failed(error.to_string()))?;
        let public = PublicKey::from_data(private.public_key().key_data()).map_err(failed)?;
        Ok(Self { private, public })
    }

    /// `ssh-ed25519 AAAA... comment`: what stands in a `.pub` file, without the newline.
    pub fn public_line(&self) -> String {
        let comment = one_line(self.private.comment().as_str_lossy());
        let line = format!("{} {comment}", self.public.line());
        line.trim_end().to_owned()
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// `SHA256:...` of the public half.
    pub fn fingerprint(&self) -> String {
        self.public.fingerprint()
    }

    /// What kind of key it is.
    pub fn kind(&self) -> KeyKind {
        self.public.kind()
    }

    /// The unencrypted key as OpenSSH writes it: for a file that only its owner can read.
    pub fn to_file_text(&self) -> Result<Secret> {
        let text = self.private.to_openssh(LineEnding::LF);
        let text =
            text.map_err(|_| Error::new(Kind::Failed, "the new key cannot be written as text"))?;
        Ok(Secret::new(text.as_str()))
    }

    pub(crate) fn private(&self) -> &PrivateKey {
        &self.private
    }
}

const OPENSSH: &str = "-----BEGIN OPENSSH PRIVATE KEY-----";

/// A comment must not be able to begin a line of its own in an allowed-signers file.
fn one_line(comment: &str) -> String {
    comment.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn in_a_security_key(name: &str) -> Error {
    Error::new(Kind::Failed, format!("the private half of `{name}` is in a security key"))
        .because("only an SSH agent, or ssh-keygen, can have it signed there")
        .hint(format!("ssh-add {0}, then give `--key {0}.pub`", shell_word(name)))
        .hint(format!("ssh-keygen -Y sign -n NAMESPACE -f {} FILE", shell_word(name)))
}

/// What a file is that is not a private key in OpenSSH's format, and what to do about it.
fn foreign_format(name: &str, text: &str) -> Error {
    let (start, word) = (text.trim_start(), shell_word(name));
    let error = |message: String| Error::new(Kind::Failed, message);
    if start.starts_with("-----BEGIN ")
        && start.lines().next().is_some_and(|line| line.contains("PRIVATE KEY"))
    {
        return error(format!(
            "the private key `{name}` is in the PEM format, not in OpenSSH's own"
        ))
        .hint(format!("ssh-keygen -p -f {word}"));
    }
    if start.starts_with("PuTTY-User-Key-File-") {
        return error(format!(
            "the private key `{name}` is in PuTTY's format, not in OpenSSH's own"
        ))
        .hint(format!("puttygen {word} -O private-openssh-new -o KEY"));
    }
    let first = start.split([' ', '\t']).next().unwrap_or("");
    if KeyKind::by_name(first.as_bytes()).is_some() {
        return error(format!("`{name}` is a public key; signing needs the private one"));
    }
    error(format!("`{name}` is not a private key in OpenSSH's format"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn never() -> Result<Secret> {
        panic!("nobody should be asked")
    }

    #[test]
    fn a_new_key_goes_through_its_file_text_and_back() {
        let key = SigningKey::generate("alice@example.com\nmallory ssh-ed25519 AAAA").unwrap();
        assert_eq!(key.public_line().lines().count(), 1);
        let again =
            SigningKey::from_text("k", key.to_file_text().unwrap().reveal(), &mut never).unwrap();
        assert_eq!(again.public_line(), key.public_line());
        assert_ne!(SigningKey::generate("").unwrap().fingerprint(), key.fingerprint());
        assert_eq!(format!("{key:?}"), format!("SigningKey(ssh-ed25519 {})", key.fingerprint()));
    }

    #[test]
    fn what_is_not_an_openssh_private_key_is_named_with_the_way_out() {
        for (text, message, hint) in [
            ("-----BEGIN RSA PRIVATE KEY-----\nx", "PEM", "ssh-keygen -p -f k"),
            ("-----BEGIN PRIVATE KEY-----\nx", "PEM", "ssh-keygen -p -f k"),
            ("-----BEGIN ENCRYPTED PRIVATE KEY-----\nx", "PEM", "ssh-keygen -p -f k"),
            ("PuTTY-User-Key-File-3: ssh-ed25519\n", "PuTTY", "puttygen k"),
            ("ssh-ed25519 AAAA x", "public key", ""),
            ("hello", "not a private key", ""),
            (
                "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
                "damaged",
                "",
            ),
        ] {
            let error = SigningKey::from_text("k", text, &mut never).unwrap_err();
            assert!(error.message().contains(message), "{error}");
            assert!(error.hints().join("").contains(hint), "{:?}", error.hints());
        }
    }
}
