//! An SSH agent that signs: the two messages of its protocol that are needed for that
//! (draft-ietf-sshm-ssh-agent): what keys there are, and sign this. The private halves stay where
//! they are.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use crate::error::{Error, Kind, Result};
use crate::openssh::key_kind::KeyKind;
use crate::openssh::public_key::PublicKey;
use crate::openssh::wire::Reader;
use crate::openssh::wire::put_string;

const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;

/// Asks for `rsa-sha2-512`; without it an agent signs with SHA-1, which nobody believes.
const RSA_SHA2_512: u32 = 4;

/// No answer of an agent is longer; OpenSSH's own limit.
const LONGEST: u32 = 256 * 1024;

/// A person may have to find a security key and touch it.
const PATIENCE: Duration = Duration::from_secs(120);

/// A key that an agent holds.
#[derive(Clone, Debug)]
pub struct AgentKey {
    pub key: PublicKey,
    pub comment: String,
}

/// An open conversation with an agent.
pub struct Agent {
    stream: UnixStream,
}

impl Agent {
    /// Reaches the agent behind this socket (`SSH_AUTH_SOCK`).
    pub fn reach(socket: &Path) -> Result<Self> {
        let unreachable = |error| {
            Error::new(Kind::Failed, format!("no SSH agent answers at `{}`", socket.display()))
                .because(error)
                .hint("start one: eval \"$(ssh-agent)\"; ssh-add")
        };
        let stream = UnixStream::connect(socket).map_err(unreachable)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(unreachable)?;
        Ok(Self { stream })
    }

    /// The keys that it holds, of the kinds that are believed; certificates are left out.
    pub fn identities(&mut self) -> Result<Vec<AgentKey>> {
        let answer = self.ask(&[REQUEST_IDENTITIES])?;
        read_identities(&answer).ok_or_else(garbled)
    }

    /// The identity with this key; without one, the only one there is.
    ///
    /// Errors: `Kind::Usage` when there is none, or when nobody said which.
    pub fn choose(&mut self, wanted: Option<&PublicKey>) -> Result<AgentKey> {
        let mut found = self.identities()?;
        if let Some(wanted) = wanted {
            let missing = || {
                Error::new(
                    Kind::Usage,
                    format!("the SSH agent does not hold the key {}", wanted.fingerprint()),
                )
                .hint("ssh-add KEY")
            };
            return found.into_iter().find(|identity| identity.key == *wanted).ok_or_else(missing);
        }
        match found.len() {
            1 => Ok(found.remove(0)),
            0 => Err(Error::new(Kind::Usage, "the SSH agent holds no key")
                .hint("ssh-add KEY, or give `--key FILE`")),
            n => {
                let error = Error::new(Kind::Usage, format!("the SSH agent holds {n} keys"));
                let told = |error: Error, one: &AgentKey| {
                    error.because(format!(
                        "{} {} {}",
                        one.key.kind(),
                        one.key.fingerprint(),
                        one.comment
                    ))
                };
                Err(found.iter().fold(error, told).hint("say which: `--key FILE.pub`"))
            }
        }
    }

    /// Has `data` signed; the signature in its wire form.
    ///
    /// Errors: `Kind::Cancelled` when the agent, or the person it asked, does not want to.
    pub fn sign(&mut self, identity: &AgentKey, data: &[u8]) -> Result<Vec<u8>> {
        let mut request = vec![SIGN_REQUEST];
        put_string(&mut request, identity.key.blob());
        put_string(&mut request, data);
        let flags = if identity.key.kind() == KeyKind::Rsa { RSA_SHA2_512 } else { 0 };
        request.extend(flags.to_be_bytes());
        let answer = self.ask(&request)?;
        let mut reader = Reader::new(&answer);
        if reader.u8() != Some(SIGN_RESPONSE) {
            return Err(Error::new(Kind::Cancelled, "the SSH agent did not sign")
                .because("it, or the person it asked, refused")
                .hint("ssh-add -l shows what it holds; a security key has to be plugged in and touched"));
        }
        let signature = reader.string().filter(|_| reader.is_empty()).ok_or_else(garbled)?;
        Ok(signature.to_vec())
    }

    fn ask(&mut self, message: &[u8]) -> Result<Vec<u8>> {
        let mut framed = Vec::new();
        put_string(&mut framed, message);
        let lost = |error| Error::new(Kind::Failed, "the SSH agent gave no answer").because(error);
        self.stream.write_all(&framed).map_err(lost)?;
        let mut length = [0; 4];
        self.stream.read_exact(&mut length).map_err(lost)?;
        let length = u32::from_be_bytes(length);
        if length > LONGEST {
            return Err(garbled());
        }
        let mut answer = vec![0; length as usize];
        self.stream.read_exact(&mut answer).map_err(lost)?;
        Ok(answer)
    }
}

fn garbled() -> Error {
    Error::new(Kind::Failed, "the SSH agent gave an answer that cannot be read")
}

fn read_identities(answer: &[u8]) -> Option<Vec<AgentKey>> {
    let mut reader = Reader::new(answer);
    if reader.u8()? != IDENTITIES_ANSWER {
        return None;
    }
    let count = reader.u32()?;
    let mut found = Vec::new();
    for _ in 0..count {
        let (blob, comment) = (reader.string()?, reader.string()?);
        if let Ok(key) = PublicKey::from_blob(blob) {
            found.push(AgentKey { key, comment: String::from_utf8_lossy(comment).into_owned() });
        }
    }
    reader.is_empty().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_answer_with_more_or_less_than_it_says_is_not_read() {
        assert!(read_identities(&[IDENTITIES_ANSWER, 0, 0, 0, 0]).unwrap().is_empty());
        for answer in
            [&[][..], &[5], &[IDENTITIES_ANSWER, 0, 0, 0, 1], &[IDENTITIES_ANSWER, 0, 0, 0, 0, 9]]
        {
            assert!(read_identities(answer).is_none(), "{answer:?}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_makes_the_reader_panic(bytes: Vec<u8>) {
            let _ = read_identities(&[&[IDENTITIES_ANSWER], &bytes[..]].concat());
        }
    }
}
