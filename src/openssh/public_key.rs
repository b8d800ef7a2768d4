//! Public keys: which kinds are believed, how they are written, and whether a signature fits.
//!
//! The mathematics is that of the `ssh-key` crate; the framing around it is read here.

use signature::Verifier;
use ssh_key::encoding::{Decode, Encode};
use ssh_key::public::KeyData;

use crate::model::names::Digest;
use crate::openssh::key_kind::{KeyKind, unknown_kind};
use crate::openssh::wire;
use crate::openssh::wire::Reader;

/// The shortest RSA key that is believed, in bits. OpenSSH accepts 1024; this is our own rule.
pub const RSA_MINIMUM_BITS: u32 = 3072;

/// The longest RSA key that can be computed with, in bits.
pub const RSA_MAXIMUM_BITS: u32 = 8192;

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
        let data =
            KeyData::decode(&mut rest).map_err(|_| format!("the {kind} key cannot be read"))?;
        if !rest.is_empty() {
            return Err(format!("something follows the {kind} key"));
        }
        Ok(Self { kind, data, blob: blob.to_vec() })
    }

    pub(crate) fn from_data(data: &KeyData) -> Result<Self, String> {
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
            Some(bits) if bits > RSA_MAXIMUM_BITS => Err(format!(
                "the RSA key has {bits} bits, at most {RSA_MAXIMUM_BITS} can be checked"
            )),
            None if self.kind == KeyKind::Rsa => Err("the RSA key has no size".to_owned()),
            _ => Ok(()),
        }
    }

    /// Checks a signature in its wire form (algorithm, value and, of a security key, flags and
    /// counter) against this key.
    pub fn check(&self, message: &[u8], signature: &[u8]) -> Result<Verified, VerifyError> {
        let short = || VerifyError::Malformed("the signature ends too early".to_owned());
        let mut reader = Reader::new(signature);
        let algorithm = reader.string().ok_or_else(short)?;
        let algorithm = self
            .kind
            .signatures()
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
            return Err(VerifyError::Malformed("something follows the signature".to_owned()));
        }
        let malformed = |_| {
            VerifyError::Malformed(format!("the {algorithm} signature is not of the right form"))
        };
        let algorithm = ssh_key::Algorithm::new(algorithm).map_err(malformed)?;
        let signature = ssh_key::Signature::new(algorithm, value).map_err(malformed)?;
        self.data.verify(message, &signature).map_err(|_| VerifyError::Wrong)?;
        Ok(Verified { flags })
    }

    fn unknown_algorithm(&self, algorithm: &[u8]) -> VerifyError {
        let found = String::from_utf8_lossy(algorithm);
        match algorithm {
            b"ssh-rsa" => VerifyError::Malformed("the signature is made with SHA-1".to_owned()),
            _ => VerifyError::Malformed(format!(
                "`{found}` is no signature of a {} key that is believed",
                self.kind
            )),
        }
    }
}

/// A signature that fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Of a security key: bit 0 says that it was touched, bit 2 that it knew its user.
    pub flags: Option<u8>,
}

/// Why a signature does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerifyError {
    /// It is not a signature that this key could make.
    Malformed(String),
    /// It is one, but over something else or by another key.
    Wrong,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openssh::key_kind::ALL;
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
        assert!(matches!(found, Err(VerifyError::Malformed(why)) if why.contains("SHA-1")));
    }

    /// A key of the kind whose fields have about the right form.
    fn odd_key(kind: KeyKind, mut bytes: Vec<u8>) -> Option<PublicKey> {
        let mut blob = Vec::new();
        wire::put_string(&mut blob, kind.name().as_bytes());
        let curve = kind.name().split(['-', '@']).find(|part| part.starts_with("nistp"));
        if let Some(curve) = curve {
            wire::put_string(&mut blob, curve.as_bytes());
            let size: usize = curve.trim_start_matches("nistp").parse().unwrap();
            bytes.truncate(size.div_ceil(8) * 2);
            bytes.insert(0, 4);
        }
        match kind {
            KeyKind::Rsa => {
                wire::put_string(&mut blob, &[1, 0, 1]);
                bytes.insert(0, 0);
                bytes[1] |= 0x80;
            }
            KeyKind::Ed25519 | KeyKind::SkEd25519 => bytes.truncate(32),
            _ => {}
        }
        wire::put_string(&mut blob, &bytes);
        if kind.is_security_key() {
            wire::put_string(&mut blob, b"ssh:");
        }
        PublicKey::from_blob(&blob).ok()
    }

    #[test]
    fn odd_keys_of_every_kind_can_be_made() {
        for kind in ALL {
            assert!(odd_key(*kind, vec![7; 384]).is_some(), "{kind}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Whoever sends a signature chooses its key too: an even modulus, a point off the curve.
        #[test]
        fn no_key_and_signature_make_the_mathematics_panic(
            bytes in prop::collection::vec(any::<u8>(), 384),
            value in prop::collection::vec(any::<u8>(), 132),
            which in 0usize..7,
        ) {
            let kind = ALL[which];
            let Some(key) = odd_key(kind, bytes.clone()) else { return Ok(()) };
            let mut signature = Vec::new();
            wire::put_string(&mut signature, kind.signatures()[0].as_bytes());
            let size = [32, 48, 66, 64][which % 4];
            let mut numbers = Vec::new();
            wire::put_string(&mut numbers, &[&[0x0f], &value[1..size]].concat());
            wire::put_string(&mut numbers, &[&[0x0f], &value[132 - size + 1..]].concat());
            match kind {
                KeyKind::Rsa => wire::put_string(&mut signature, &bytes),
                KeyKind::Ed25519 | KeyKind::SkEd25519 => wire::put_string(&mut signature, &value[..64]),
                _ => wire::put_string(&mut signature, &numbers),
            }
            if kind.is_security_key() {
                signature.extend([1, 0, 0, 0, 1]);
            }
            prop_assert!(key.check(b"", &signature).is_err());
        }
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
