//! Public keys: which kinds are believed, how they are written, and whether a signature fits.
//!
//! One table ([`KINDS`]) says all that differs between the kinds. DSA is not in it and never
//! will be. The mathematics is that of the `ssh-key` crate; the framing around it is read here.

use std::fmt;

use signature::Verifier;
use ssh_key::encoding::{Decode, Encode};
use ssh_key::public::KeyData;

use crate::model::names::Digest;
use crate::trust::wire;
use crate::trust::wire::Reader;

/// The kinds of keys that may sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    Ed25519,
    EcdsaP256,
    EcdsaP384,
    EcdsaP521,
    Rsa,
    /// Ed25519 in a security key.
    SkEd25519,
    /// ECDSA over P-256 in a security key.
    SkEcdsaP256,
}

/// What is to be known of a kind.
struct Row {
    kind: KeyKind,
    /// Its name in key files and on the wire.
    name: &'static str,
    /// The name of a certificate for such a key.
    certificate: &'static str,
    /// How many strings the key is made of after its name.
    fields: usize,
    /// The signature algorithms that are believed.
    signatures: &'static [&'static str],
}

/// Every kind of key, once.
const KINDS: &[Row] = &[
    Row {
        kind: KeyKind::Ed25519,
        name: "ssh-ed25519",
        certificate: "ssh-ed25519-cert-v01@openssh.com",
        fields: 1,
        signatures: &["ssh-ed25519"],
    },
    Row {
        kind: KeyKind::EcdsaP256,
        name: "ecdsa-sha2-nistp256",
        certificate: "ecdsa-sha2-nistp256-cert-v01@openssh.com",
        fields: 2,
        signatures: &["ecdsa-sha2-nistp256"],
    },
    Row {
        kind: KeyKind::EcdsaP384,
        name: "ecdsa-sha2-nistp384",
        certificate: "ecdsa-sha2-nistp384-cert-v01@openssh.com",
        fields: 2,
        signatures: &["ecdsa-sha2-nistp384"],
    },
    Row {
        kind: KeyKind::EcdsaP521,
        name: "ecdsa-sha2-nistp521",
        certificate: "ecdsa-sha2-nistp521-cert-v01@openssh.com",
        fields: 2,
        signatures: &["ecdsa-sha2-nistp521"],
    },
    Row {
        kind: KeyKind::Rsa,
        name: "ssh-rsa",
        certificate: "ssh-rsa-cert-v01@openssh.com",
        fields: 2,
        // Never `ssh-rsa`, which means SHA-1.
        signatures: &["rsa-sha2-512", "rsa-sha2-256"],
    },
    Row {
        kind: KeyKind::SkEd25519,
        name: "sk-ssh-ed25519@openssh.com",
        certificate: "sk-ssh-ed25519-cert-v01@openssh.com",
        fields: 2,
        signatures: &["sk-ssh-ed25519@openssh.com"],
    },
    Row {
        kind: KeyKind::SkEcdsaP256,
        name: "sk-ecdsa-sha2-nistp256@openssh.com",
        certificate: "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
        fields: 3,
        signatures: &["sk-ecdsa-sha2-nistp256@openssh.com"],
    },
];

/// The shortest RSA key that is believed, in bits. OpenSSH accepts 1024; this is our own rule.
pub const RSA_MINIMUM_BITS: u32 = 3072;

/// The longest RSA key that can be computed with, in bits.
pub const RSA_MAXIMUM_BITS: u32 = 8192;

impl KeyKind {
    fn row(self) -> &'static Row {
        // Each kind has its row; a test holds that.
        KINDS.iter().find(|row| row.kind == self).unwrap_or(&KINDS[0])
    }

    /// Its name in key files: `ssh-ed25519`.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The kind that a name in a key file means.
    pub fn by_name(name: &[u8]) -> Option<Self> {
        KINDS.iter().find(|row| row.name.as_bytes() == name).map(|row| row.kind)
    }

    /// The kind of key for which the named kind of certificate stands.
    pub fn by_certificate_name(name: &[u8]) -> Option<Self> {
        KINDS.iter().find(|row| row.certificate.as_bytes() == name).map(|row| row.kind)
    }

    /// How many strings such a key is made of after its name.
    pub(in crate::trust) fn fields(self) -> usize {
        self.row().fields
    }

    /// Whether the private half lives in a security key.
    pub fn is_security_key(self) -> bool {
        matches!(self, Self::SkEd25519 | Self::SkEcdsaP256)
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A public key. Two keys are equal when they are the same key, whatever file they stand in.
#[derive(Clone, Debug)]
pub struct PublicKey {
    kind: KeyKind,
    data: KeyData,
    blob: Vec<u8>,
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.blob == other.blob
    }
}

impl Eq for PublicKey {}

impl PublicKey {
    /// Reads a key in its wire form. The error is why not, as the end of a sentence.
    pub fn from_blob(blob: &[u8]) -> Result<Self, String> {
        let name = Reader::new(blob).string().ok_or("the key ends too early")?;
        let kind = KeyKind::by_name(name).ok_or_else(|| unknown_kind(name))?;
        let mut rest = blob;
        let data = KeyData::decode(&mut rest).map_err(|_| format!("the {kind} key cannot be read"))?;
        if !rest.is_empty() {
            return Err(format!("something follows the {kind} key"));
        }
        Ok(Self { kind, data, blob: blob.to_vec() })
    }

    pub(in crate::trust) fn from_data(data: &KeyData) -> Result<Self, String> {
        let blob = data.encode_vec().map_err(|_| "the key cannot be written".to_owned())?;
        Self::from_blob(&blob)
    }

    /// What kind of key it is.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// Its wire form.
    pub fn blob(&self) -> &[u8] {
        &self.blob
    }

    /// `SHA256:...` as `ssh-keygen -l` shows it.
    pub fn fingerprint(&self) -> String {
        format!("SHA256:{}", wire::to_base64_unpadded(&Digest::of(&self.blob).0))
    }

    /// `ssh-ed25519 AAAA...`, without a comment.
    pub fn line(&self) -> String {
        format!("{} {}", self.kind, wire::to_base64(&self.blob))
    }

    /// The size of an RSA key in bits; `None` for every other kind, whose size is fixed.
    pub fn rsa_bits(&self) -> Option<u32> {
        let modulus = self.data.rsa()?.n().as_positive_bytes()?;
        let bits = u32::try_from(modulus.len()).ok()?.checked_mul(8)?;
        Some(bits.saturating_sub(modulus.first()?.leading_zeros()))
    }

    /// Whether the key is strong enough to be believed; the error says why not.
    pub fn strong_enough(&self) -> Result<(), String> {
        match self.rsa_bits() {
            Some(bits) if bits < RSA_MINIMUM_BITS => {
                Err(format!("the RSA key has {bits} bits, at least {RSA_MINIMUM_BITS} are needed"))
            }
            Some(bits) if bits > RSA_MAXIMUM_BITS => {
                Err(format!("the RSA key has {bits} bits, at most {RSA_MAXIMUM_BITS} can be checked"))
            }
            None if self.kind == KeyKind::Rsa => Err("the RSA key has no size".to_owned()),
            _ => Ok(()),
        }
    }

    /// Checks a signature in its wire form (algorithm, value and, of a security key, flags and
    /// counter) against this key.
    pub fn check(&self, message: &[u8], signature: &[u8]) -> Result<Fit, Misfit> {
        let short = || Misfit::Malformed("the signature ends too early".to_owned());
        let mut reader = Reader::new(signature);
        let algorithm = reader.string().ok_or_else(short)?;
        let algorithm = self
            .kind
            .row()
            .signatures
            .iter()
            .find(|known| known.as_bytes() == algorithm)
            .ok_or_else(|| self.unknown_algorithm(algorithm))?;
        let mut value = reader.string().ok_or_else(short)?.to_vec();
        let mut flags = None;
        if self.kind.is_security_key() {
            // What the security key adds to the message it signs.
            let trailer = reader.take(5).ok_or_else(short)?;
            flags = trailer.first().copied();
            value.extend(trailer);
        }
        if !reader.is_empty() {
            return Err(Misfit::Malformed("something follows the signature".to_owned()));
        }
        let malformed = |_| Misfit::Malformed(format!("the {algorithm} signature is not of the right form"));
        let algorithm = ssh_key::Algorithm::new(algorithm).map_err(malformed)?;
        let signature = ssh_key::Signature::new(algorithm, value).map_err(malformed)?;
        self.data.verify(message, &signature).map_err(|_| Misfit::Wrong)?;
        Ok(Fit { flags })
    }

    fn unknown_algorithm(&self, algorithm: &[u8]) -> Misfit {
        let found = String::from_utf8_lossy(algorithm);
        match algorithm {
            b"ssh-rsa" => Misfit::Malformed("the signature is made with SHA-1".to_owned()),
            _ => Misfit::Malformed(format!("`{found}` is no signature of a {} key that is believed", self.kind)),
        }
    }
}

/// Why a key's name is not one of those that are believed.
pub(in crate::trust) fn unknown_kind(name: &[u8]) -> String {
    match name {
        b"ssh-dss" => "DSA keys are never believed".to_owned(),
        name => format!("`{}` is not a kind of key that is believed", String::from_utf8_lossy(name)),
    }
}

/// A signature that fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fit {
    /// Of a security key: bit 0 says that it was touched, bit 2 that it knew its user.
    pub flags: Option<u8>,
}

/// Why a signature does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// It is not a signature that this key could make.
    Malformed(String),
    /// It is one, but over something else or by another key.
    Wrong,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use ssh_key::private::Ed25519Keypair;

    fn key() -> PublicKey {
        PublicKey::from_data(&KeyData::Ed25519(Ed25519Keypair::from_seed(&[3; 32]).public)).unwrap()
    }

    fn rsa(modulus_bytes: usize, first: u8) -> PublicKey {
        let mut blob = Vec::new();
        wire::put_string(&mut blob, b"ssh-rsa");
        wire::put_string(&mut blob, &[1, 0, 1]);
        let mut modulus = vec![0xff; modulus_bytes];
        modulus[0] = first;
        if first & 0x80 != 0 {
            modulus.insert(0, 0);
        }
        wire::put_string(&mut blob, &modulus);
        PublicKey::from_blob(&blob).unwrap()
    }

    #[test]
    fn every_kind_has_its_row_once_and_names_are_not_shared() {
        use KeyKind as K;
        let kinds = [K::Ed25519, K::EcdsaP256, K::EcdsaP384, K::EcdsaP521, K::Rsa, K::SkEd25519, K::SkEcdsaP256];
        assert_eq!(kinds.len(), KINDS.len());
        for kind in kinds {
            assert_eq!(KINDS.iter().filter(|row| row.kind == kind).count(), 1);
            assert_eq!(KeyKind::by_name(kind.name().as_bytes()), Some(kind));
            assert_eq!(KeyKind::by_certificate_name(kind.row().certificate.as_bytes()), Some(kind));
        }
    }

    #[test]
    fn the_size_of_an_rsa_key_is_counted_in_bits_not_bytes() {
        assert_eq!(rsa(384, 0x80).rsa_bits(), Some(3072));
        assert_eq!(rsa(384, 0x7f).rsa_bits(), Some(3071));
        assert_eq!(rsa(384, 0x80).strong_enough(), Ok(()));
        assert!(rsa(384, 0x7f).strong_enough().is_err_and(|why| why.contains("3071")));
        assert!(rsa(2048, 0xff).strong_enough().is_err_and(|why| why.contains("16384")));
        assert_eq!(key().strong_enough(), Ok(()));
    }

    #[test]
    fn dsa_and_unknown_kinds_and_trailing_bytes_are_refused_by_name() {
        let mut dsa = Vec::new();
        wire::put_string(&mut dsa, b"ssh-dss");
        assert!(PublicKey::from_blob(&dsa).is_err_and(|why| why.contains("DSA")));
        let mut odd = Vec::new();
        wire::put_string(&mut odd, b"ssh-what");
        assert!(PublicKey::from_blob(&odd).is_err_and(|why| why.contains("ssh-what")));
        let long = [key().blob(), &[0]].concat();
        assert!(PublicKey::from_blob(&long).is_err_and(|why| why.contains("follows")));
        assert!(PublicKey::from_blob(b"").is_err());
    }

    #[test]
    fn a_signature_of_sha_1_is_refused_by_name() {
        let mut signature = Vec::new();
        wire::put_string(&mut signature, b"ssh-rsa");
        wire::put_string(&mut signature, &[0; 384]);
        let found = rsa(384, 0x80).check(b"", &signature);
        assert!(matches!(found, Err(Misfit::Malformed(why)) if why.contains("SHA-1")));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(bytes: Vec<u8>, cut in 0usize..60, changed in 0usize..51, to: u8) {
            let _ = PublicKey::from_blob(&bytes);
            let _ = key().check(b"", &bytes);
            let mut blob = key().blob().to_vec();
            blob[changed] = to;
            let _ = PublicKey::from_blob(&blob);
            let _ = PublicKey::from_blob(&blob[..cut.min(blob.len())]);
        }
    }
}
