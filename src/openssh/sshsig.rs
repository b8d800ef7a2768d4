//! Detached OpenSSH signatures (PROTOCOL.sshsig): the armour, what is in it, and what was signed.
//!
//! Whoever signed is not judged here; see `verdict`. Reads what `ssh-keygen -Y verify` reads,
//! except for forms that `ssh-keygen -Y sign` never writes: version 0, a filled reserved field.

use ssh_key::{HashAlg, LineEnding};

use crate::error::{Error, Kind, Result};
use crate::openssh::certificate::Key;
use crate::openssh::public_key::{PublicKey, Verified, VerifyError};
use crate::openssh::signing_key::SigningKey;
use crate::openssh::wire;
use crate::openssh::wire::Reader;

const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "\n-----END SSH SIGNATURE-----";
const MAGIC: &[u8] = b"SSHSIG";
const VERSION: u32 = 1;

/// A signature as it stands in its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshSig {
    pub key: Key,
    pub namespace: Vec<u8>,
    hash: HashAlg,
    signature: Vec<u8>,
}

/// Signs `bytes` for one purpose, as `ssh-keygen -Y sign -n NAMESPACE` does: SHA-512, and
/// `rsa-sha2-512` for RSA keys. Returns the text of the signature file.
pub fn sign(bytes: &[u8], namespace: &str, key: &SigningKey) -> Result<String> {
    let failed = |error: ssh_key::Error| {
        Error::new(Kind::Failed, format!("signing with the key {} failed", key.fingerprint()))
            .because(error)
    };
    let signature = key.private().sign(namespace, HashAlg::Sha512, bytes).map_err(failed)?;
    signature.to_pem(LineEnding::LF).map_err(failed)
}

/// What a key signs for a document: SHA-512, as [`sign`].
pub fn to_be_signed(bytes: &[u8], namespace: &str) -> Vec<u8> {
    message(bytes, namespace.as_bytes(), HashAlg::Sha512)
}

fn message(bytes: &[u8], namespace: &[u8], hash: HashAlg) -> Vec<u8> {
    let mut signed = MAGIC.to_vec();
    for field in [namespace, b"", hash.as_str().as_bytes(), &hash.digest(bytes)] {
        wire::put_string(&mut signed, field);
    }
    signed
}

/// The text of a signature file around a signature over [`to_be_signed`].
pub fn envelope(key: &PublicKey, namespace: &str, signature: &[u8]) -> String {
    const LINE: usize = 70;
    let mut blob = MAGIC.to_vec();
    blob.extend(VERSION.to_be_bytes());
    for field in
        [key.blob(), namespace.as_bytes(), b"", HashAlg::Sha512.as_str().as_bytes(), signature]
    {
        wire::put_string(&mut blob, field);
    }
    let mut text = BEGIN.to_owned();
    for (at, character) in wire::to_base64(&blob).chars().enumerate() {
        if at % LINE == 0 {
            text.push('\n');
        }
        text.push(character);
    }
    text.push_str(END);
    text.push('\n');
    text
}

impl SshSig {
    /// Reads the text of a signature file. The error is why it is none.
    pub fn read(text: &str) -> Result<Self, String> {
        Self::from_blob(&remove_armour(text)?)
    }

    fn from_blob(blob: &[u8]) -> Result<Self, String> {
        let fields = Fields::read(blob).ok_or("its fields are not those of an SSH signature")?;
        if fields.version != VERSION {
            return Err(format!(
                "it is of version {}, only version {VERSION} is known",
                fields.version
            ));
        }
        if !fields.reserved.is_empty() {
            return Err("its reserved field is filled".to_owned());
        }
        let hash = match fields.hash {
            b"sha256" => HashAlg::Sha256,
            b"sha512" => HashAlg::Sha512,
            other => {
                return Err(format!("its hash `{}` is not known", String::from_utf8_lossy(other)));
            }
        };
        let key = Key::from_blob(fields.key)?;
        Ok(Self {
            key,
            namespace: fields.namespace.to_vec(),
            hash,
            signature: fields.signature.to_vec(),
        })
    }

    /// Checks that this was made over `bytes` for its own namespace by the key that it names.
    pub fn check(&self, bytes: &[u8]) -> Result<Verified, VerifyError> {
        self.key.plain().check(&message(bytes, &self.namespace, self.hash), &self.signature)
    }
}

/// The fields of a signature in the order in which they stand.
struct Fields<'a> {
    version: u32,
    key: &'a [u8],
    namespace: &'a [u8],
    reserved: &'a [u8],
    hash: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Fields<'a> {
    fn read(blob: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(blob);
        if reader.take(MAGIC.len())? != MAGIC {
            return None;
        }
        let version = reader.u32()?;
        let (key, namespace, reserved) = (reader.string()?, reader.string()?, reader.string()?);
        let (hash, signature) = (reader.string()?, reader.string()?);
        reader.is_empty().then_some(Self { version, key, namespace, reserved, hash, signature })
    }
}

/// The bytes between the armour's two lines. What follows the last line does not matter, as with
/// OpenSSH.
fn remove_armour(text: &str) -> Result<Vec<u8>, String> {
    let rest = text.strip_prefix(BEGIN).ok_or_else(|| {
        match text.trim_start_matches('\u{feff}').trim_start() {
            "" => "it is empty".to_owned(),
            shifted if shifted.starts_with(BEGIN) => format!("something stands before `{BEGIN}`"),
            _ => format!("it does not begin with `{BEGIN}`"),
        }
    })?;
    if rest.starts_with("\r\n") {
        return Err("its line ends were changed to CRLF".to_owned());
    }
    let body = rest.strip_prefix('\n').ok_or("its first line is longer than it should be")?;
    let (body, _) =
        body.split_once(END).ok_or_else(|| format!("it does not end with `{}`", END.trim()))?;
    wire::from_base64(body.as_bytes()).ok_or_else(|| "its base64 cannot be read".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn signed() -> (SigningKey, String) {
        let key = SigningKey::generate("").unwrap();
        let text = sign(b"hello", "test", &key).unwrap();
        (key, text)
    }

    #[test]
    fn what_was_signed_fits_and_nothing_else_does() {
        let (key, text) = signed();
        let read = SshSig::read(&text).unwrap();
        assert_eq!(read.key, Key::Plain(key.public().clone()));
        assert_eq!(read.namespace, b"test");
        assert_eq!(read.check(b"hello"), Ok(Verified { flags: None }));
        assert_eq!(read.check(b"hello\n"), Err(VerifyError::Wrong));
        assert_eq!(
            SshSig { namespace: b"other".to_vec(), ..read }.check(b"hello"),
            Err(VerifyError::Wrong)
        );
    }

    #[test]
    fn an_armour_that_is_not_as_it_should_be_is_described() {
        let (_, text) = signed();
        for (changed, why) in [
            (text.replace('\n', "\r\n"), "CRLF"),
            (format!("\u{feff}{text}"), "before"),
            (format!(" {text}"), "before"),
            (String::new(), "empty"),
            ("hello".to_owned(), "does not begin"),
            (text.replace("-----END", "-----ENDE"), "does not end"),
            (text.replace("U1NI", "U1N!"), "base64"),
            (text.replace("U1NI", "U1NJ"), "fields"),
        ] {
            assert!(SshSig::read(&changed).is_err_and(|found| found.contains(why)), "{why}");
        }
        let more = format!("{text}and more");
        assert_eq!(SshSig::read(&more), SshSig::read(&text));
    }

    #[test]
    fn forms_that_nobody_writes_are_refused() {
        let (_, text) = signed();
        let blob = remove_armour(&text).unwrap();
        let mut version = blob.clone();
        version[9] = 0;
        assert!(SshSig::from_blob(&version).is_err_and(|why| why.contains("version 0")));
        let at = blob.windows(4).position(|four| four == b"test").unwrap() + 4;
        let mut reserved = blob.clone();
        reserved.splice(at..at + 4, [0, 0, 0, 1, b'x']);
        assert!(SshSig::from_blob(&reserved).is_err_and(|why| why.contains("reserved")));
        let hash = [&blob[..at + 4], b"\0\0\0\x04sha1", &blob[at + 14..]].concat();
        assert!(SshSig::from_blob(&hash).is_err_and(|why| why.contains("sha1")));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text: String, blob: Vec<u8>) {
            let _ = SshSig::read(&text);
            let _ = SshSig::from_blob(&[MAGIC, &blob].concat());
            let _ = SshSig::read(&format!("{BEGIN}\n{}{END}", wire::to_base64(&blob)));
        }
    }
}
