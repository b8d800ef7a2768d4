//! The kinds of keys that are believed: one table says all that differs between them.
//! DSA is not in it and never will be.

use std::fmt;

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
struct KeyKindRow {
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
const KINDS: &[KeyKindRow] = &[
    KeyKindRow {
        kind: KeyKind::Ed25519,
        name: "ssh-ed25519",
        certificate: "ssh-ed25519-cert-v01@openssh.com",
        fields: 1,
        signatures: &["ssh-ed25519"],
    },
    KeyKindRow {
        kind: KeyKind::EcdsaP256,
        name: "ecdsa-sha2-nistp256",
        certificate: "ecdsa-sha2-nistp256-cert-v01@openssh.com",
        fields: 2,
        signatures: &["ecdsa-sha2-nistp256"],
    },
    KeyKindRow {
        kind: KeyKind::EcdsaP384,
        name: "ecdsa-sha2-nistp384",
        certificate: "ecdsa-sha2-nistp384-cert-v01@openssh.com",
        fields: 2,
        signatures: &["ecdsa-sha2-nistp384"],
    },
    KeyKindRow {
        kind: KeyKind::EcdsaP521,
        name: "ecdsa-sha2-nistp521",
        certificate: "ecdsa-sha2-nistp521-cert-v01@openssh.com",
        fields: 2,
        signatures: &["ecdsa-sha2-nistp521"],
    },
    KeyKindRow {
        kind: KeyKind::Rsa,
        name: "ssh-rsa",
        certificate: "ssh-rsa-cert-v01@openssh.com",
        fields: 2,
        // Never `ssh-rsa`, which means SHA-1.
        signatures: &["rsa-sha2-512", "rsa-sha2-256"],
    },
    KeyKindRow {
        kind: KeyKind::SkEd25519,
        name: "sk-ssh-ed25519@openssh.com",
        certificate: "sk-ssh-ed25519-cert-v01@openssh.com",
        fields: 2,
        signatures: &["sk-ssh-ed25519@openssh.com"],
    },
    KeyKindRow {
        kind: KeyKind::SkEcdsaP256,
        name: "sk-ecdsa-sha2-nistp256@openssh.com",
        certificate: "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
        fields: 3,
        signatures: &["sk-ecdsa-sha2-nistp256@openssh.com"],
    },
];

impl KeyKind {
    fn row(self) -> &'static KeyKindRow {
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
    pub(crate) fn fields(self) -> usize {
        self.row().fields
    }

    /// The names of the signature algorithms that are believed of such a key.
    pub(crate) fn signatures(self) -> &'static [&'static str] {
        self.row().signatures
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

/// Why a key's name is not one of those that are believed.
pub(crate) fn unknown_kind(name: &[u8]) -> String {
    match name {
        b"ssh-dss" => "DSA keys are never believed".to_owned(),
        name => {
            format!("`{}` is not a kind of key that is believed", String::from_utf8_lossy(name))
        }
    }
}

#[cfg(test)]
pub(crate) const ALL: &[KeyKind] = &[
    KeyKind::Ed25519,
    KeyKind::EcdsaP256,
    KeyKind::EcdsaP384,
    KeyKind::EcdsaP521,
    KeyKind::Rsa,
    KeyKind::SkEd25519,
    KeyKind::SkEcdsaP256,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_row_once_and_names_are_not_shared() {
        assert_eq!(ALL.len(), KINDS.len());
        for kind in ALL.iter().copied() {
            assert_eq!(KINDS.iter().filter(|row| row.kind == kind).count(), 1);
            assert_eq!(KeyKind::by_name(kind.name().as_bytes()), Some(kind));
            assert_eq!(KeyKind::by_certificate_name(kind.row().certificate.as_bytes()), Some(kind));
        }
    }
}
