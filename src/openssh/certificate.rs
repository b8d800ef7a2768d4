//! OpenSSH certificates (PROTOCOL.certkeys): a public key with names, a time span and
//! conditions, signed by an authority. And [`Key`]: what a signature or a line may carry.

use crate::openssh::key_kind::{KeyKind, unknown_kind};
use crate::openssh::public_key::{PublicKey, VerifyError};
use crate::openssh::wire;
use crate::openssh::wire::Reader;

/// As many names as OpenSSH accepts in one certificate.
const MOST_PRINCIPALS: usize = 256;

/// A certificate whose authority's signature fits. Whether that authority, the names and the
/// time are acceptable is for others to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The whole of it in its wire form; equal certificates have equal bytes.
    blob: Vec<u8>,
    pub key: PublicKey,
    pub authority: PublicKey,
    pub serial: u64,
    /// Whether it is for a user and not for a host.
    pub for_user: bool,
    /// What its authority calls it.
    pub key_id: Vec<u8>,
    pub principals: Vec<Vec<u8>>,
    /// Seconds since 1970; the first second in which it holds.
    pub valid_after: u64,
    /// Seconds since 1970; the first second in which it no longer holds.
    pub valid_before: u64,
    /// Names of the conditions that whoever accepts it has to understand.
    pub critical_options: Vec<Vec<u8>>,
}

/// The fields in the order in which they stand, before their meaning is looked at.
struct Fields<'a> {
    plain: Vec<u8>,
    serial: u64,
    role: u32,
    key_id: &'a [u8],
    principals: &'a [u8],
    valid_after: u64,
    valid_before: u64,
    critical: &'a [u8],
    extensions: &'a [u8],
    authority: &'a [u8],
    /// How many of the certificate's bytes are signed.
    signed: usize,
    signature: &'a [u8],
}

impl<'a> Fields<'a> {
    fn read(blob: &'a [u8], kind: KeyKind) -> Option<Self> {
        let mut reader = Reader::new(blob);
        let _name = reader.string()?;
        let _nonce = reader.string()?;
        let mut plain = Vec::new();
        wire::put_string(&mut plain, kind.name().as_bytes());
        for _ in 0..kind.fields() {
            wire::put_string(&mut plain, reader.string()?);
        }
        let (serial, role) = (reader.u64()?, reader.u32()?);
        let (key_id, principals) = (reader.string()?, reader.string()?);
        let (valid_after, valid_before) = (reader.u64()?, reader.u64()?);
        let (critical, extensions, _reserved) =
            (reader.string()?, reader.string()?, reader.string()?);
        let authority = reader.string()?;
        let signed = blob.len().checked_sub(reader.remaining())?;
        let signature = reader.string()?;
        reader.is_empty().then_some(Self {
            plain,
            serial,
            role,
            key_id,
            principals,
            valid_after,
            valid_before,
            critical,
            extensions,
            authority,
            signed,
            signature,
        })
    }
}

impl Certificate {
    /// Reads a certificate and checks its authority's signature. The error is why not.
    pub fn from_blob(blob: &[u8]) -> Result<Self, String> {
        let name = Reader::new(blob).string().ok_or("the certificate ends too early")?;
        let kind = KeyKind::by_certificate_name(name).ok_or_else(|| unknown_kind(name))?;
        let fields =
            Fields::read(blob, kind).ok_or("the certificate's fields are not as they should be")?;
        let key = PublicKey::from_blob(&fields.plain)?;
        let authority = PublicKey::from_blob(fields.authority)
            .map_err(|why| format!("the certificate's authority: {why}"))?;
        let for_user = match fields.role {
            1 => true,
            2 => false,
            _ => return Err("the certificate is neither for a user nor for a host".to_owned()),
        };
        if fields.key_id.contains(&0) {
            return Err("the certificate's key id has a NUL in it".to_owned());
        }
        let principals = names(fields.principals).filter(|names| names.len() <= MOST_PRINCIPALS);
        let principals = principals.ok_or("the certificate's principals cannot be read")?;
        let critical_options =
            option_names(fields.critical).ok_or("the critical options cannot be read")?;
        option_names(fields.extensions).ok_or("the certificate's extensions cannot be read")?;
        let signed = blob.get(..fields.signed).unwrap_or_default();
        authority.check(signed, fields.signature).map_err(|misfit| match misfit {
            VerifyError::Malformed(why) => format!("the certificate's authority: {why}"),
            VerifyError::Wrong => "the certificate is not as its authority signed it".to_owned(),
        })?;
        Ok(Self {
            blob: blob.to_vec(),
            key,
            authority,
            serial: fields.serial,
            for_user,
            key_id: fields.key_id.to_vec(),
            principals,
            valid_after: fields.valid_after,
            valid_before: fields.valid_before,
            critical_options,
        })
    }

    /// Whether it may speak for a user at that time, in seconds since 1970. The error is why not.
    ///
    /// As OpenSSH judges it, and in one thing stricter: a condition that a signature over a file
    /// cannot fulfil (`force-command`, `source-address`, any unknown one) refuses the certificate.
    /// `verify-required` is left to whoever sees the signature's flags.
    pub fn holds_at(&self, now: u64) -> Result<(), String> {
        if !self.for_user {
            return Err("the certificate is for a host".to_owned());
        }
        if now < self.valid_after {
            return Err("the certificate is not yet valid".to_owned());
        }
        if now >= self.valid_before {
            return Err("the certificate has expired".to_owned());
        }
        if self.principals.is_empty() {
            return Err("the certificate names no principals".to_owned());
        }
        match self.critical_options.iter().find(|option| *option != VERIFY_REQUIRED) {
            Some(option) => {
                let option = String::from_utf8_lossy(option);
                Err(format!("the certificate demands `{option}`, which a signature cannot fulfil"))
            }
            None => Ok(()),
        }
    }

    /// Whether its authority demands that the security key knew its user.
    pub fn demands_verified_user(&self) -> bool {
        self.critical_options.iter().any(|option| option == VERIFY_REQUIRED)
    }
}

const VERIFY_REQUIRED: &[u8] = b"verify-required";

fn names(list: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut reader = Reader::new(list);
    let mut names = Vec::new();
    while !reader.is_empty() {
        let name = reader.string()?;
        if name.contains(&0) {
            return None;
        }
        names.push(name.to_vec());
    }
    Some(names)
}

fn option_names(list: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut reader = Reader::new(list);
    let mut names = Vec::new();
    while !reader.is_empty() {
        names.push(reader.string()?.to_vec());
        reader.string()?;
    }
    Some(names)
}

/// A plain key, or one with its certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    Plain(PublicKey),
    Certified(Box<Certificate>),
}

impl Key {
    /// Reads either in its wire form.
    pub fn from_blob(blob: &[u8]) -> Result<Self, String> {
        let name = Reader::new(blob).string().ok_or("the key ends too early")?;
        if KeyKind::by_certificate_name(name).is_some() {
            return Ok(Self::Certified(Box::new(Certificate::from_blob(blob)?)));
        }
        Ok(Self::Plain(PublicKey::from_blob(blob)?))
    }

    /// Reads `TYPE BASE64` at the start of `line`, as `sshkey_read` of OpenSSH does; returns what
    /// follows too.
    pub fn from_line(line: &[u8]) -> Result<(Self, &[u8]), String> {
        let (name, rest) = word(line);
        if KeyKind::by_name(name).or_else(|| KeyKind::by_certificate_name(name)).is_none() {
            return Err(unknown_kind(name));
        }
        let (encoded, comment) = word(rest);
        let blob = wire::from_base64(encoded).ok_or("the key's base64 cannot be read")?;
        if Reader::new(&blob).string() != Some(name) {
            return Err("the key is not of the kind that its line says".to_owned());
        }
        Ok((Self::from_blob(&blob)?, comment))
    }

    /// The key itself, without its certificate.
    pub fn plain(&self) -> &PublicKey {
        match self {
            Self::Plain(key) => key,
            Self::Certified(certificate) => &certificate.key,
        }
    }

    /// The certificate, if it comes with one.
    pub fn certificate(&self) -> Option<&Certificate> {
        match self {
            Self::Plain(_) => None,
            Self::Certified(certificate) => Some(certificate),
        }
    }
}

/// Splits after the first blank or tab, and takes further ones away.
fn word(line: &[u8]) -> (&[u8], &[u8]) {
    let end = line.iter().position(is_blank).unwrap_or(line.len());
    let (first, rest) = line.split_at(end);
    (first, skip_blanks(rest))
}

/// `line` without the blanks and tabs before its first other byte.
pub(crate) fn skip_blanks(line: &[u8]) -> &[u8] {
    let start = line.iter().position(|byte| !is_blank(byte)).unwrap_or(line.len());
    line.split_at(start).1
}

fn is_blank(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t')
}
