//! Whether one signature counts: it fits the bytes, for this purpose, by a key that is strong,
//! not revoked, and allowed to sign as somebody at this moment. Otherwise the exact reason why not.

use std::fmt;

use crate::model::names::Moment;
use crate::openssh::allowed_signers::{AllowedSigners, Principals};
use crate::openssh::certificate::{Certificate, Key};
use crate::openssh::key_kind::KeyKind;
use crate::openssh::public_key::{PublicKey, Verified, VerifyError};
use crate::openssh::revoked_keys::RevokedKeys;
use crate::openssh::sshsig::SshSig;

/// Whom the host believes, at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Keyring<'a> {
    pub allowed: &'a AllowedSigners,
    /// `None` only where the host names no such file.
    pub revoked: Option<&'a RevokedKeys>,
    pub now: Moment,
}

/// A signature that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// As whom it was made.
    pub principal: String,
    /// `SHA256:...` of the key, without its certificate.
    pub fingerprint: String,
    pub kind: KeyKind,
    /// What the authority calls the certificate, where there is one.
    pub certificate: Option<String>,
    key: PublicKey,
    /// Everybody as whom the key may sign.
    names: Vec<Principals>,
}

/// Why a signature does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The file is no signature, or no form of one that is believed.
    Unreadable(String),
    /// It was made for something else.
    Namespace { found: String, wanted: String },
    /// Key or certificate are not of a strength or form that is believed.
    Unfit(String),
    /// It was made over other bytes, or not by the key that it names.
    Wrong { fingerprint: String },
    /// Why the key is revoked.
    Revoked { fingerprint: String, why: String },
    /// Why the key may not sign as whom it claims to, or as anybody.
    NotAllowed { fingerprint: String, why: String },
    /// The key may sign as whoever matches a pattern, and nothing says who did.
    Nameless { fingerprint: String },
}

impl Refusal {
    /// By what programs judge it, one of [`crate::error::CODES`].
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "signature_unreadable",
            Self::Namespace { .. } => "signature_of_other_kind",
            Self::Unfit(_) => "key_refused",
            Self::Wrong { .. } => "signature_differs",
            Self::Revoked { .. } => "key_revoked",
            Self::NotAllowed { .. } | Self::Nameless { .. } => "signer_not_allowed",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(why) => write!(f, "it cannot be read as a signature: {why}"),
            Self::Namespace { found, wanted } => {
                write!(f, "it was made for the namespace `{found}`, not for `{wanted}`")
            }
            Self::Unfit(why) => f.write_str(why),
            Self::Wrong { fingerprint } => {
                write!(f, "it does not fit the file (key {fingerprint})")
            }
            Self::Revoked { fingerprint, why } => write!(f, "{why} (key {fingerprint})"),
            Self::NotAllowed { fingerprint, why } => write!(f, "{why} (key {fingerprint})"),
            Self::Nameless { fingerprint } => {
                write!(
                    f,
                    "its key may sign under many names, and the file's name says none (key {fingerprint})"
                )
            }
        }
    }
}

/// Judges a signature over `bytes` for one purpose. `claimed` is as whom it says it was made;
/// without a claim the first name that the allowed signers spell out for the key is taken.
pub fn check_signature(
    bytes: &[u8],
    signature: &str,
    namespace: &str,
    claimed: Option<&str>,
    ring: &Keyring<'_>,
) -> Result<Signed, Refusal> {
    let signature = SshSig::read(signature).map_err(Refusal::Unreadable)?;
    let fit = check_key_and_bytes(&signature, bytes, namespace)?;
    let key = &signature.key;
    let fingerprint = key.plain().fingerprint();
    if let Some(why) = ring.revoked.and_then(|revoked| revoked.revokes(key)) {
        return Err(Refusal::Revoked { fingerprint, why });
    }
    check_user_was_verified(key, fit).map_err(Refusal::Unfit)?;
    let now = u64::try_from(ring.now.unix()).unwrap_or(0);
    let not_allowed = |why| Refusal::NotAllowed { fingerprint: key.plain().fingerprint(), why };
    let names = ring.allowed.names(key, namespace, now).map_err(not_allowed)?;
    let principal = match claimed {
        Some(who) => {
            ring.allowed.permit(who, key, namespace, now).map_err(not_allowed)?;
            who.to_owned()
        }
        None => first_name(&names)
            .ok_or_else(|| Refusal::Nameless { fingerprint: fingerprint.clone() })?,
    };
    Ok(Signed {
        principal,
        fingerprint,
        kind: key.plain().kind(),
        certificate: key
            .certificate()
            .map(|certificate| String::from_utf8_lossy(&certificate.key_id).into_owned()),
        key: key.plain().clone(),
        names,
    })
}

fn check_key_and_bytes(
    signature: &SshSig,
    bytes: &[u8],
    namespace: &str,
) -> Result<Verified, Refusal> {
    let key = signature.key.plain();
    key.strong_enough().map_err(Refusal::Unfit)?;
    if let Some(certificate) = signature.key.certificate() {
        let weak = |why| Refusal::Unfit(format!("the authority of the key's certificate: {why}"));
        certificate.authority.strong_enough().map_err(weak)?;
    }
    if signature.namespace != namespace.as_bytes() {
        let found = String::from_utf8_lossy(&signature.namespace).into_owned();
        return Err(Refusal::Namespace { found, wanted: namespace.to_owned() });
    }
    signature.check(bytes).map_err(|misfit| match misfit {
        VerifyError::Malformed(why) => Refusal::Unreadable(why),
        VerifyError::Wrong => Refusal::Wrong { fingerprint: key.fingerprint() },
    })
}

/// An authority can demand that the security key asked for a PIN or a finger.
fn check_user_was_verified(key: &Key, fit: Verified) -> Result<(), String> {
    const USER_VERIFIED: u8 = 0x04;
    let demanded = key.certificate().is_some_and(Certificate::demands_verified_user);
    if demanded && fit.flags.is_none_or(|flags| flags & USER_VERIFIED == 0) {
        return Err("the certificate demands a security key that verified its user".to_owned());
    }
    Ok(())
}

fn first_name(names: &[Principals]) -> Option<String> {
    let spelled = names.iter().flat_map(Principals::spelled_out);
    spelled.filter_map(|name| std::str::from_utf8(name).ok()).map(str::to_owned).next()
}

impl Signed {
    /// Why two signatures may be by the same person and count as one; `None` when they count as
    /// two.
    ///
    /// Two persons have two keys, and no name that both keys may sign under: whoever may sign as
    /// `alice` with one key and as `alice` or `boss` with another is one person with two keys.
    pub fn shares_a_person_with(&self, other: &Self) -> Option<String> {
        if self.key == other.key {
            return Some(format!(
                "`{}` and `{}` signed with the same key",
                self.principal, other.principal
            ));
        }
        let shared = self.known_names().find(|name| other.may_sign_as(name));
        let shared = shared.or_else(|| other.known_names().find(|name| self.may_sign_as(name)))?;
        let shared = String::from_utf8_lossy(shared);
        Some(format!(
            "`{}` and `{}` count as one signer, since either of their keys may sign as `{shared}`",
            self.principal, other.principal
        ))
    }

    fn known_names(&self) -> impl Iterator<Item = &[u8]> {
        std::iter::once(self.principal.as_bytes())
            .chain(self.names.iter().flat_map(Principals::spelled_out))
    }

    fn may_sign_as(&self, who: &[u8]) -> bool {
        self.principal.as_bytes() == who || self.names.iter().any(|names| names.include(who))
    }
}

/// Counts the persons who signed: signatures that may be by the same person count once.
/// Returns the count, and for each signature that added nobody why it did not.
pub fn count_persons(signed: &[Signed]) -> (u32, Vec<String>) {
    let (mut person, reasons) = persons(signed);
    person.sort_unstable();
    person.dedup();
    (u32::try_from(person.len()).unwrap_or(u32::MAX), reasons)
}

/// Whose each signature is, as the index of that person's first one; and why several are one
/// person's.
pub fn persons(signed: &[Signed]) -> (Vec<usize>, Vec<String>) {
    let mut reasons = Vec::new();
    let mut person: Vec<usize> = Vec::new();
    for (at, signature) in signed.iter().enumerate() {
        person.push(at);
        for (before, earlier) in signed.iter().enumerate().take(at) {
            let (Some(&old), Some(&new)) = (person.get(before), person.get(at)) else { continue };
            if old == new {
                continue;
            }
            if let Some(why) = earlier.shares_a_person_with(signature) {
                reasons.push(why);
                person.iter_mut().filter(|one| **one == new).for_each(|one| *one = old);
            }
        }
    }
    (person, reasons)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openssh::signing_key::SigningKey;
    use crate::openssh::sshsig::sign;
    use jiff::tz::TimeZone;

    const NOW: &str = "2026-11-20T12:00:00Z";

    fn allowed(lines: &[(&str, &SigningKey)]) -> AllowedSigners {
        let text: Vec<String> =
            lines.iter().map(|(who, key)| format!("{who} {}\n", key.public_line())).collect();
        AllowedSigners::parse("allowed_signers", text.concat().as_bytes(), &TimeZone::UTC)
    }

    fn judge(
        key: &SigningKey,
        claimed: Option<&str>,
        allowed: &AllowedSigners,
    ) -> Result<Signed, Refusal> {
        let ring = Keyring { allowed, revoked: None, now: Moment::parse(NOW).unwrap() };
        check_signature(b"plan", &sign(b"plan", "n", key).unwrap(), "n", claimed, &ring)
    }

    #[test]
    fn each_refusal_is_told_apart() {
        let (alice, bob) = (SigningKey::generate("").unwrap(), SigningKey::generate("").unwrap());
        let file = allowed(&[("alice", &alice), ("*@example.com", &bob)]);
        let ring = Keyring { allowed: &file, revoked: None, now: Moment::parse(NOW).unwrap() };
        let text = sign(b"plan", "n", &alice).unwrap();
        let check = |bytes: &[u8], text: &str, namespace: &str, claimed: Option<&str>| {
            check_signature(bytes, text, namespace, claimed, &ring)
        };
        assert_eq!(check(b"plan", &text, "n", None).unwrap().principal, "alice");
        assert_eq!(
            check(b"plan", &text, "n", Some("alice")).unwrap().fingerprint,
            alice.fingerprint()
        );
        assert!(matches!(check(b"plan", "x", "n", None), Err(Refusal::Unreadable(_))));
        assert!(matches!(check(b"plan", &text, "m", None), Err(Refusal::Namespace { .. })));
        assert!(matches!(check(b"plan ", &text, "n", None), Err(Refusal::Wrong { .. })));
        assert!(matches!(check(b"plan", &text, "n", Some("bob")), Err(Refusal::NotAllowed { .. })));
        let text = sign(b"plan", "n", &bob).unwrap();
        assert!(matches!(check(b"plan", &text, "n", None), Err(Refusal::Nameless { .. })));
        assert_eq!(
            check(b"plan", &text, "n", Some("bob@example.com")).unwrap().principal,
            "bob@example.com"
        );
        let revoked = RevokedKeys::parse("revoked", bob.public_line().as_bytes()).unwrap();
        let ring = Keyring { revoked: Some(&revoked), ..ring };
        let found = check_signature(b"plan", &text, "n", Some("bob@example.com"), &ring);
        assert!(matches!(found, Err(Refusal::Revoked { .. })));
    }

    #[test]
    fn one_person_with_two_keys_or_two_names_counts_once() {
        let keys: Vec<SigningKey> = (0..3).map(|_| SigningKey::generate("").unwrap()).collect();
        let file = allowed(&[("alice,boss", &keys[0]), ("alice", &keys[1]), ("bob", &keys[2])]);
        let by = |key: usize, who: &str| judge(&keys[key], Some(who), &file).unwrap();
        assert_eq!(count_persons(&[]).0, 0);
        assert_eq!(count_persons(&[by(0, "alice"), by(2, "bob")]), (2, vec![]));
        let (count, why) = count_persons(&[by(0, "boss"), by(1, "alice")]);
        assert_eq!(count, 1);
        assert!(why[0].contains("may sign as `alice`"), "{why:?}");
        let (count, why) = count_persons(&[by(0, "boss"), by(0, "alice"), by(2, "bob")]);
        assert_eq!(count, 2);
        assert!(why[0].contains("same key"), "{why:?}");
    }

    #[test]
    fn being_one_person_goes_from_hand_to_hand() {
        let keys: Vec<SigningKey> = (0..3).map(|_| SigningKey::generate("").unwrap()).collect();
        let file = allowed(&[("a,x", &keys[0]), ("b,y", &keys[1]), ("x,y", &keys[2])]);
        let by = |key: usize| judge(&keys[key], None, &file).unwrap();
        assert_eq!(count_persons(&[by(0), by(1)]).0, 2);
        assert_eq!(count_persons(&[by(0), by(1), by(2)]).0, 1);
        assert_eq!(count_persons(&[by(2), by(1), by(0)]).0, 1);
    }

    #[test]
    fn keys_under_one_wildcard_are_nobody_in_particular() {
        let keys: Vec<SigningKey> = (0..2).map(|_| SigningKey::generate("").unwrap()).collect();
        let file = allowed(&[("*@example.com", &keys[0]), ("*@example.com", &keys[1])]);
        let signed = [
            judge(&keys[0], Some("alice@example.com"), &file).unwrap(),
            judge(&keys[1], Some("bob@example.com"), &file).unwrap(),
        ];
        assert_eq!(count_persons(&signed).0, 1);
    }
}
