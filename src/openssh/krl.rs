//! Binary key revocation lists (PROTOCOL.krl), as `ssh-keygen -k` makes them.
//!
//! Every section has to be understood: one that is not might be what revokes the key.
//! Signed lists are such a section; OpenSSH itself neither makes nor, since 9.4, checks them.

use sha1::Digest as _;

use crate::model::names::Digest;
use crate::openssh::certificate::{Certificate, Key};
use crate::openssh::public_key::PublicKey;
use crate::openssh::wire::Reader;

const MAGIC: &[u8] = b"SSHKRL\n\0";
const FORMAT_VERSION: u32 = 1;

/// The longest bitmap that OpenSSH reads, in bytes.
const LONGEST_BITMAP: usize = 2048;

/// What a list revokes.
#[derive(Clone, Debug, Default)]
pub struct Krl {
    keys: Vec<Vec<u8>>,
    sha1: Vec<Vec<u8>>,
    sha256: Vec<Vec<u8>>,
    certificates: Vec<Certificates>,
}

/// Certificates of one authority, or of any.
#[derive(Clone, Debug)]
struct Certificates {
    authority: Option<PublicKey>,
    /// First and last serial number.
    serials: Vec<(u64, u64)>,
    key_ids: Vec<Vec<u8>>,
}

impl Krl {
    /// Reads a list; `None` when `content` is no such list at all. The error is why it cannot be
    /// read in full.
    pub fn read(content: &[u8]) -> Option<Result<Self, String>> {
        content.strip_prefix(MAGIC).map(Self::read_sections)
    }

    fn read_sections(content: &[u8]) -> Result<Self, String> {
        let mut reader = Reader::new(content);
        let version = reader.u32().ok_or(SHORT)?;
        if version != FORMAT_VERSION {
            return Err(format!("the list is of format {version}, only {FORMAT_VERSION} is known"));
        }
        let _version_date_flags = reader.take(24).ok_or(SHORT)?;
        let (_reserved, _comment) = (reader.string().ok_or(SHORT)?, reader.string().ok_or(SHORT)?);
        let mut krl = Self::default();
        while !reader.is_empty() {
            let kind = reader.u8().ok_or(SHORT)?;
            let section = reader.string().ok_or(SHORT)?;
            match kind {
                1 => krl.certificates.push(Certificates::read(section)?),
                2 => krl.keys.extend(blobs(section, None)?),
                3 => krl.sha1.extend(blobs(section, Some(20))?),
                5 => krl.sha256.extend(blobs(section, Some(32))?),
                4 => {
                    return Err(
                        "the list is signed, and such signatures are not checked".to_owned()
                    );
                }
                _ => return Err(format!("section {kind} is not known")),
            }
        }
        Ok(krl)
    }

    /// What of the key is revoked; `None` when nothing is.
    pub fn revokes(&self, key: &Key) -> Option<&'static str> {
        if self.revokes_plain(key.plain()) {
            return Some("the key");
        }
        let certificate = key.certificate()?;
        if self.certificates.iter().any(|section| section.revoke(certificate)) {
            return Some("the key's certificate");
        }
        self.revokes_plain(&certificate.authority)
            .then_some("the authority of the key's certificate")
    }

    fn revokes_plain(&self, key: &PublicKey) -> bool {
        let blob = key.blob();
        self.keys.iter().any(|revoked| revoked == blob)
            || self.sha256.iter().any(|revoked| *revoked == Digest::of(blob).0)
            || self.sha1.iter().any(|revoked| *revoked == sha1::Sha1::digest(blob).as_slice())
    }
}

const SHORT: &str = "the list ends too early";

fn blobs(section: &[u8], length: Option<usize>) -> Result<Vec<Vec<u8>>, String> {
    let mut reader = Reader::new(section);
    let mut found = Vec::new();
    while !reader.is_empty() {
        let blob = reader.string().ok_or(SHORT)?;
        if length.is_some_and(|length| blob.len() != length) {
            return Err("a fingerprint is not of the right length".to_owned());
        }
        found.push(blob.to_vec());
    }
    Ok(found)
}

impl Certificates {
    fn read(section: &[u8]) -> Result<Self, String> {
        let mut reader = Reader::new(section);
        let (authority, _reserved) = (reader.string().ok_or(SHORT)?, reader.string().ok_or(SHORT)?);
        let authority = match authority {
            [] => None,
            blob => Some(Key::from_blob(blob)?.plain().clone()),
        };
        let mut found = Self { authority, serials: Vec::new(), key_ids: Vec::new() };
        while !reader.is_empty() {
            let kind = reader.u8().ok_or(SHORT)?;
            found.read_part(kind, reader.string().ok_or(SHORT)?)?;
        }
        Ok(found)
    }

    fn read_part(&mut self, kind: u8, part: &[u8]) -> Result<(), String> {
        let mut reader = Reader::new(part);
        match kind {
            0x20 => {
                while !reader.is_empty() {
                    let serial = reader.u64().ok_or(SHORT)?;
                    self.add(serial, serial)?;
                }
            }
            0x21 => {
                let (first, last) = (reader.u64().ok_or(SHORT)?, reader.u64().ok_or(SHORT)?);
                self.add(first, last)?;
            }
            0x22 => {
                let (offset, bitmap) = (reader.u64().ok_or(SHORT)?, reader.string().ok_or(SHORT)?);
                self.add_bitmap(offset, bitmap)?;
            }
            0x23 => self.key_ids.extend(blobs(part, None)?),
            _ => return Err(format!("certificate section {kind:#x} is not known")),
        }
        if kind != 0x23 && !reader.is_empty() {
            return Err("something follows in a certificate section".to_owned());
        }
        Ok(())
    }

    fn add(&mut self, first: u64, last: u64) -> Result<(), String> {
        // Zero means that an authority does not number its certificates.
        if first == 0 || first > last {
            return Err(format!("the serial numbers {first} to {last} make no sense"));
        }
        self.serials.push((first, last));
        Ok(())
    }

    /// A set bit N, counted from the least significant, revokes serial number `offset` + N.
    fn add_bitmap(&mut self, offset: u64, bitmap: &[u8]) -> Result<(), String> {
        let digits = match bitmap {
            [0, digits @ ..] => digits,
            [first, ..] if *first >= 0x80 => return Err("a bitmap is negative".to_owned()),
            digits => digits,
        };
        if digits.len() > LONGEST_BITMAP {
            return Err("a bitmap is too long".to_owned());
        }
        for (at, byte) in (0u64..).zip(digits.iter().rev()) {
            for bit in (0..8u64).filter(|bit| byte >> bit & 1 == 1) {
                let serial = offset
                    .checked_add(at * 8 + bit)
                    .ok_or("a bitmap goes past the last serial number")?;
                self.add(serial, serial)?;
            }
        }
        Ok(())
    }

    fn revoke(&self, certificate: &Certificate) -> bool {
        if self.authority.as_ref().is_some_and(|authority| *authority != certificate.authority) {
            return false;
        }
        let serial = certificate.serial;
        self.key_ids.contains(&certificate.key_id)
            || serial != 0
                && self.serials.iter().any(|(first, last)| (*first..=*last).contains(&serial))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openssh::signing_key::SigningKey;
    use crate::openssh::wire::put_string;
    use proptest::prelude::*;

    fn list(sections: &[(u8, Vec<u8>)]) -> Vec<u8> {
        let mut bytes = [MAGIC, &1u32.to_be_bytes(), &[0; 24], &[0; 8]].concat();
        for (kind, section) in sections {
            bytes.push(*kind);
            put_string(&mut bytes, section);
        }
        bytes
    }

    fn one(blob: &[u8]) -> Vec<u8> {
        let mut section = Vec::new();
        put_string(&mut section, blob);
        section
    }

    #[test]
    fn a_key_is_revoked_by_itself_or_either_fingerprint() {
        let key = SigningKey::generate("").unwrap();
        let blob = key.public().blob();
        let key = Key::Plain(key.public().clone());
        for (kind, revoked) in [
            (2, blob.to_vec()),
            (3, sha1::Sha1::digest(blob).to_vec()),
            (5, Digest::of(blob).0.to_vec()),
        ] {
            let krl = Krl::read(&list(&[(kind, one(&revoked))])).unwrap().unwrap();
            assert_eq!(krl.revokes(&key), Some("the key"));
            let mut other = revoked;
            other[0] ^= 1;
            let krl = Krl::read(&list(&[(kind, one(&other))])).unwrap().unwrap();
            assert_eq!(krl.revokes(&key), None);
        }
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        let mut certificates = vec![0; 8];
        certificates.push(0x39);
        certificates.extend([0; 4]);
        for (kind, section) in [
            (0, vec![]),
            (4, vec![]),
            (255, vec![]),
            (3, one(b"short")),
            (2, vec![1]),
            (1, certificates),
        ] {
            assert!(Krl::read(&list(&[(kind, section)])).unwrap().is_err(), "section {kind}");
        }
        let mut version = list(&[]);
        version[11] = 2;
        assert!(Krl::read(&version).unwrap().is_err_and(|why| why.contains("format 2")));
        assert!(Krl::read(b"ssh-ed25519 AAAA").is_none());
    }

    #[test]
    fn serial_numbers_are_read_from_lists_ranges_and_bitmaps() {
        let mut certificates =
            Certificates { authority: None, serials: Vec::new(), key_ids: Vec::new() };
        certificates.read_part(0x20, &[7u64.to_be_bytes(), 9u64.to_be_bytes()].concat()).unwrap();
        certificates.read_part(0x21, &[20u64.to_be_bytes(), 30u64.to_be_bytes()].concat()).unwrap();
        let bitmap = [&100u64.to_be_bytes()[..], &one(&[0, 0x80, 0x05])].concat();
        certificates.read_part(0x22, &bitmap).unwrap();
        assert_eq!(
            certificates.serials,
            [(7, 7), (9, 9), (20, 30), (100, 100), (102, 102), (115, 115)]
        );
        let wraps = [&u64::MAX.to_be_bytes()[..], &one(&[2])].concat();
        assert!(certificates.read_part(0x22, &wraps).is_err());
        assert!(certificates.read_part(0x20, &0u64.to_be_bytes()).is_err());
        assert!(
            certificates
                .read_part(0x21, &[9u64.to_be_bytes(), 7u64.to_be_bytes()].concat())
                .is_err()
        );
        assert!(certificates.read_part(0x21, &[0xff; 17]).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(bytes: Vec<u8>, kind in 1u8..6, part in 0x1fu8..0x25) {
            let _ = Krl::read(&[MAGIC, &1u32.to_be_bytes(), &bytes].concat());
            let _ = Krl::read(&list(&[(kind, bytes.clone())]));
            let mut certificates = vec![0; 8];
            certificates.push(part);
            put_string(&mut certificates, &bytes);
            let _ = Krl::read(&list(&[(1, certificates)]));
        }
    }
}
